"""The file of a predictor: safetensors, which holds plain arrays only, with a JSON header. No pickle.

The trees are one of the arrays, the bytes of LightGBM's text of them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import write_bytes
from mecsim.core.json_files import parse_json
from mecsim.errors import InputError
from mecsim.predictor.calibration import CALIBRATED
from mecsim.predictor.data import CATEGORIES, FIXED_NAMES, FREE_NAMES, NUMBERS, LogUsers
from mecsim.predictor.model_text import Model, read_model
from mecsim.predictor.trees import MAX_NAMES
from mecsim.predictor.users import VARIANCES
from mecsim.schema.words import one_line
from mecsim.version import __version__

SUFFIX = ".safetensors"
FORMAT = 3
KEY = "mecsim_predictor"
MODEL = "model"
MAX_STRETCH = 10.0

_SHAPES: dict[str, tuple[Any, int]] = {  # type and dimensions of each array
    MODEL: (np.uint8, 1),
    "variance": (np.float64, 1),
    "calibration": (np.float64, 1),
    "users.ids": (np.uint8, 1),  # JSON
    "users.numbers": (np.int64, 1),
    "users.persona": (np.int8, 1),
    "offsets.user_ids": (np.int64, 1),
    "offsets.mean": (np.float64, 2),
    "offsets.covariance": (np.float64, 3),
}

Arrays = dict[str, NDArray[Any]]


def write_predictor(
    path: Path, names: Mapping[str, tuple[str, ...]], model: str, arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write names, the text of the model and arrays; an interrupted write leaves an earlier file of that name whole."""
    from safetensors.numpy import save

    header = {"format": FORMAT, "mecsim_version": __version__, "names": {key: list(names[key]) for key in CATEGORIES}}
    told = {MODEL: np.frombuffer(model.encode(), np.uint8), **arrays}
    plain = {name: np.ascontiguousarray(told[name]) for name in _SHAPES}
    write_bytes(path, save(plain, {KEY: json.dumps(header)}))


def read_predictor(path: Path) -> tuple[dict[str, tuple[str, ...]], Model, Arrays]:
    """Names, model and arrays of a file, checked so that whatever they hold can be used.

    Raises:
        InputError: it cannot be read, is of another kind or damaged; one line.
    """
    from safetensors import SafetensorError, safe_open

    try:
        if not path.is_file():
            _refuse(path, "no such file, expected a predictor; write one with mecsim fit")
        with safe_open(path, framework="numpy") as file:
            header = parse_json((file.metadata() or {}).get(KEY, "null"))
            stored = set(file.keys())
            arrays = {name: file.get_tensor(name) for name in _SHAPES if name in stored}
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror or error}")
    except (SafetensorError, ValueError, TypeError):
        _refuse(path, "is no predictor, or damaged; write one with mecsim fit")
    if not isinstance(header, dict):
        _refuse(path, "is no predictor; write one with mecsim fit")
    if header.get("format") != FORMAT:
        _refuse(path, f"is a predictor of another format than {FORMAT}; fit it again with mecsim fit")
    names, damaged = _names(header.get("names")), "is a damaged predictor; fit it again with mecsim fit"
    if names is None or not _usable(arrays) or not _users_usable(arrays, len(names["persona"])):
        _refuse(path, damaged)
    try:
        return names, read_model(arrays[MODEL].tobytes().decode(), len(CATEGORIES), NUMBERS), arrays
    except ValueError:
        _refuse(path, damaged)


def _refuse(path: Path, what: str) -> NoReturn:
    raise InputError(one_line(f"{path}: {what}"))


def _names(given: Any) -> dict[str, tuple[str, ...]] | None:
    """The names of all categories, if they are such."""
    if not isinstance(given, dict) or set(given) != set(CATEGORIES):
        return None
    for name, entries in given.items():
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            return None
        if not 1 <= len(entries) <= MAX_NAMES or tuple(entries[: len(fixed := FIXED_NAMES.get(name, ()))]) != fixed:
            return None
        if name not in FREE_NAMES and len(entries) != len(fixed):
            return None
    return {name: tuple(given[name]) for name in CATEGORIES}


def _usable(arrays: Arrays) -> bool:
    """Whether all arrays are there, and of the shapes and values that prediction relies on."""
    if any(
        name not in arrays or arrays[name].dtype != kind or arrays[name].ndim != dimensions
        for name, (kind, dimensions) in _SHAPES.items()
    ):
        return False
    users, mean, covariance = (arrays[f"offsets.{name}"] for name in ("user_ids", "mean", "covariance"))
    variance, calibration = arrays["variance"], arrays["calibration"]
    return bool(
        variance.shape == (VARIANCES,)
        and ((variance > 0.0) & np.isfinite(variance)).all()
        and calibration.shape == (CALIBRATED,)
        and np.isfinite(calibration).all()
        and (np.diff(calibration) >= 0.0).all()
        and (np.diff(users) > 0).all()
        and mean.shape == (len(users) + 1, 2)
        and (np.abs(mean) <= MAX_STRETCH).all()
        and covariance.shape == (len(users) + 1, 2, 2)
        and (np.abs(covariance) <= MAX_STRETCH).all()
    )


def users_as_arrays(users: LogUsers) -> Arrays:
    """The users of a log as arrays of a file."""
    ids = np.frombuffer(json.dumps(users.ids).encode(), np.uint8)
    return {"users.ids": ids, "users.numbers": users.numbers, "users.persona": users.persona}


def users_from_arrays(arrays: Arrays) -> LogUsers:
    """The users of a log, of arrays that were checked."""
    return LogUsers(tuple(_ids(arrays)), arrays["users.numbers"], arrays["users.persona"])


def _ids(arrays: Arrays) -> list[str]:
    return list(parse_json(arrays["users.ids"].tobytes().decode()))


def _users_usable(arrays: Arrays, personas: int) -> bool:
    """Whether there is a number and a persona for each id, and no id comes twice."""
    numbers, persona = arrays["users.numbers"], arrays["users.persona"]
    try:
        ids = _ids(arrays)
    except (ValueError, TypeError):
        return False
    return bool(
        all(isinstance(one, str) for one in ids)
        and len(ids) == len(set(ids)) == len(numbers) == len(persona)
        and (np.diff(numbers) > 0).all()
        and ((persona >= 0) & (persona < personas)).all()
    )
