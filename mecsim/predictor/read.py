"""Reads a request log from a file as arrays to learn from."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.predictor.data import CATEGORIES, Habits, LogUsers, RequestLog, context_numbers, rate_position
from mecsim.schema.words import one_line

if TYPE_CHECKING:
    from mecsim.predictor.table import Columns, Reading


def check_data_packages(*packages: str) -> None:
    """Raise InputError if a package is missing that reading a log, or learning from it, needs."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"fit needs {' and '.join(missing)}: pip install 'mecsim[data]'")


def read_log(path: Path, reading: "Reading | None" = None) -> RequestLog:
    """The log in a CSV or Parquet file.

    Args:
        path: the file.
        reading: how its columns are called, and on which scale its ratings are; as ours if it is left out.

    Raises:
        InputError: it cannot be read, or columns or values are missing or wrong; one line each.
    """
    check_data_packages("pyarrow")
    from mecsim.predictor.table import read_columns

    return _arranged(path, read_columns(path, reading))


def _arranged(path: Path, columns: "Columns") -> RequestLog:
    values = columns.values
    minimum, demand, given = (values[f"{name}_rate"] for name in ("min", "demand", "given"))
    reported = values["satisfaction_noisy"]
    served = given >= minimum * (1.0 - 1e-9)
    if not served.any():
        raise InputError(one_line(f"{path}: no request was given its minimum rate, expected at least one that was"))
    rated = served & ~np.isnan(reported)
    if not rated.any():
        raise InputError(one_line(f"{path}: no request that was given its minimum rate is rated, expected some"))
    users, user = _users(columns)
    day = values["date"] - values["date"].min()
    return RequestLog(
        names=columns.names,
        users=users,
        user=user[rated],
        day=day[rated],
        codes=np.stack([values[name][rated] for name in CATEGORIES], axis=1).astype(np.int8),
        numbers=context_numbers(values["speed_m_per_s"][rated], minimum[rated], demand[rated]),
        position=rate_position(given[rated], minimum[rated], demand[rated]),
        reported=reported[rated],
        truth=values["satisfaction"][rated] if "satisfaction" in values else None,
        rejected=int((~served).sum()),
        habits=_habits(columns, user, day),
    )


def _users(columns: "Columns") -> tuple[LogUsers, NDArray[np.int64]]:
    """The users in the order of their numbers, and whose each row is.

    Users whose ids are all numbers keep them; others are numbered in the order of their ids.
    """
    ids = columns.users
    plain = all(name.isascii() and name.isdigit() and len(name) < 16 and str(int(name)) == name for name in ids)
    order = np.array(sorted(range(len(ids)), key=lambda index: int(ids[index]) if plain else ids[index]), np.int64)
    place = np.empty(len(ids), np.int64)
    place[order] = np.arange(len(ids))
    user = place[columns.values["user"]]
    named = tuple(ids[index] for index in order)
    numbers = np.array([int(name) for name in named] if plain else range(len(ids)), np.int64)
    kinds = np.zeros((len(ids), len(columns.names["persona"])), np.int64)
    np.add.at(kinds, (user, columns.values["persona"]), 1)
    return LogUsers(named, numbers, kinds.argmax(axis=1).astype(np.int8)), user


def _habits(columns: "Columns", user: NDArray[np.int64], day: NDArray[np.int64]) -> Habits:
    values = columns.values
    return Habits(
        user=user,
        day=day,
        codes=np.stack([values[name] for name in CATEGORIES], axis=1).astype(np.int8),
        hour=values["hour"],
        speed_m_per_s=values["speed_m_per_s"],
        min_rate_bit_per_s=values["min_rate"],
        demand_rate_bit_per_s=values["demand_rate"],
        duration_s=values.get("duration_s", np.full(len(user), np.nan)),
        absent=columns.absent,
    )
