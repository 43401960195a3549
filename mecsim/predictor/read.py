"""Reads a request log from a file as arrays to learn from."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mecsim.errors import InputError
from mecsim.predictor.data import CATEGORIES, RequestLog, context_numbers, rate_position
from mecsim.schema.words import one_line

if TYPE_CHECKING:
    from mecsim.predictor.table import Columns

BIT_PER_KBIT = 1e3


def check_data_packages(*packages: str) -> None:
    """Raise InputError if a package is missing that reading a log, or learning from it, needs."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"fit needs {' and '.join(missing)}: pip install 'mecsim[data]'")


def read_log(path: Path) -> RequestLog:
    """The log in a CSV or Parquet file.

    Raises:
        InputError: it cannot be read, or a column or value is missing or wrong; one line names it.
    """
    check_data_packages("pyarrow")
    from mecsim.predictor.table import read_columns

    return _arranged(path, read_columns(path))


def _arranged(path: Path, columns: "Columns") -> RequestLog:
    values = columns.values
    minimum, demand, given = (values[f"{name}_rate_kbit_per_s"] * BIT_PER_KBIT for name in ("min", "demand", "given"))
    served = given >= minimum * (1.0 - 1e-9)
    if not served.any():
        raise InputError(one_line(f"{path}: no request was given its minimum rate, expected at least one that was"))
    minimum, demand, given = minimum[served], demand[served], given[served]
    user_ids, user = np.unique(values["user"][served].astype(np.int64), return_inverse=True)
    day = values["date"][served].astype(np.int64)
    return RequestLog(
        names={name: columns.names[name] for name in CATEGORIES},
        user_ids=user_ids,
        user=user.astype(np.int64),
        day=day - day.min(),
        codes=np.stack([values[name][served] for name in CATEGORIES], axis=1).astype(np.int8),
        numbers=context_numbers(values["speed_m_per_s"][served], minimum, demand),
        position=rate_position(given, minimum, demand),
        reported=values["satisfaction_noisy"][served],
        truth=values["satisfaction"][served] if "satisfaction" in values else None,
        rejected=int((~served).sum()),
    )
