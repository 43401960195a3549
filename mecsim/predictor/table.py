"""The columns of a request log, read a batch of rows at a time: CSV or Parquet, both through Arrow.

All of a CSV file is read as text first, so that an odd value can be told as it is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, csv, parquet

from mecsim.errors import InputError
from mecsim.predictor.data import CATEGORIES, FIXED_NAMES
from mecsim.predictor.trees import MAX_NAMES
from mecsim.schema.units import show
from mecsim.schema.words import nearest, one_line

BATCH_ROWS = 2**17
REPORTED, TRUTH = "satisfaction_noisy", "satisfaction"
DATE = "date"
_RATE, _RATING = "a rate above 0 kbit/s", "a rating from 0 to 5"
_BOUNDS = {  # of columns of numbers, and what is expected, in words
    "user": (0.0, 2.0**53, "the number of a user, from 0"),
    "speed_m_per_s": (0.0, 1e6, "a speed from 0 to 1e6 m/s"),
    "min_rate_kbit_per_s": (1e-9, 1e15, _RATE),
    "demand_rate_kbit_per_s": (1e-9, 1e15, _RATE),
    "given_rate_kbit_per_s": (0.0, 1e15, "a rate of at least 0 kbit/s"),
    REPORTED: (0.0, 5.0, _RATING),
    TRUTH: (0.0, 5.0, _RATING),
}
COLUMNS = (DATE, *CATEGORIES, *(name for name in _BOUNDS if name != TRUTH))


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of a log as numbers, (rows,) each; categories are indices into `names`, dates days since 1970."""

    values: dict[str, NDArray[Any]]
    names: dict[str, tuple[str, ...]]


def read_columns(path: Path) -> Columns:
    """What is needed of a log, checked.

    Raises:
        InputError: the file cannot be read, or a column or value is missing or wrong; one line names it.
    """
    if path.suffix not in (".csv", ".parquet"):
        _refuse(path, "expected a file that ends in .csv or .parquet")
    try:
        if not path.is_file():
            _refuse(path, "no such file, expected a request log; write one with mecsim dataset")
        return _Reader(path).read()
    except (OSError, ValueError) as error:  # Arrow's errors are among them
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        kind = "comma-separated values" if path.suffix == ".csv" else "a Parquet file"
        _refuse(path, f"cannot be read: {one_line(reason)[:150]}, expected {kind}")


def _refuse(path: Path, what: str) -> NoReturn:
    raise InputError(one_line(f"{path}: {what}"))


class _Reader:
    """Reads one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.as_csv = path.suffix == ".csv"
        self.rows = 0  # of the batches before the one at hand
        self.names: dict[str, list[str]] = {name: list(FIXED_NAMES.get(name, ())) for name in CATEGORIES}

    def read(self) -> Columns:
        parts: dict[str, list[NDArray[Any]]] = {}
        for batch in self._batches():
            found = {name: self._column(name, batch.column(name)) for name in batch.schema.names}
            self._check_rates(found, batch)
            for name, values in found.items():
                parts.setdefault(name, []).append(values)
            self.rows += batch.num_rows
        if not self.rows:
            _refuse(self.path, "no requests, expected at least one")
        return Columns(
            {name: np.concatenate(values) for name, values in parts.items()},
            {name: tuple(names) for name, names in self.names.items()},
        )

    def _batches(self) -> "Iterator[Any]":
        if self.as_csv:
            with self.path.open("rb") as file:  # only the header, as Arrow guesses types from more than that
                header = file.readline(2**16).decode("utf-8-sig").strip().split(",")
            columns = self._needed([name.strip().strip('"') for name in header])
            return iter(
                csv.open_csv(
                    self.path,
                    read_options=csv.ReadOptions(block_size=2**24),
                    convert_options=csv.ConvertOptions(
                        include_columns=columns, column_types=dict.fromkeys(columns, pa.string())
                    ),
                )
            )
        file = parquet.ParquetFile(self.path)
        return iter(file.iter_batches(BATCH_ROWS, columns=self._needed(file.schema_arrow.names)))

    def _needed(self, columns: list[str]) -> list[str]:
        """The columns to read."""
        for name in COLUMNS:
            if name not in columns:
                _refuse(self.path, f"no column '{name}'; a log has the columns {', '.join(COLUMNS)}")
        return [*COLUMNS, *([TRUTH] if TRUTH in columns else [])]

    def _column(self, name: str, column: Any) -> NDArray[Any]:
        """A column of a batch as numbers."""
        if name in CATEGORIES:
            return self._codes(name, column)
        if name == DATE:
            return np.asarray(self._cast(name, column, pa.date32(), "a date such as 2024-01-31").cast(pa.int32()))
        low, high, expected = _BOUNDS[name]
        values = np.asarray(self._cast(name, column, pa.float64(), expected), np.float64)
        wrong = ~((values >= low) & (values <= high))
        if name == "user":
            wrong |= values != np.floor(values)
        self._check(name, column, wrong, f"expected {expected}")
        return values

    def _cast(self, name: str, column: Any, kind: Any, expected: str) -> Any:
        """A column as another type; where that fails, the first value at fault is looked for."""
        try:
            done = column.cast(kind)
        except (ValueError, NotImplementedError):  # Arrow's own errors are of these kinds
            wrong = np.array([not _castable(value, kind) for value in column])
            self._check(name, column, wrong, f"expected {expected}")
            raise
        self._check(name, column, np.asarray(compute.is_null(done)), f"expected {expected}")
        return done

    def _codes(self, name: str, column: Any) -> NDArray[Any]:
        """Indices of names; new names of persona and application are added as they come."""
        column = self._cast(name, column, pa.string(), f"the name of one {name}")
        self._check(name, column, np.asarray(compute.equal(column, "")), f"expected the name of one {name}")
        names = self.names[name]
        if name not in FIXED_NAMES:
            names += sorted(set(compute.unique(column).to_pylist()) - set(names))
            if len(names) > MAX_NAMES:
                _refuse(self.path, f"{name}: more than {MAX_NAMES} different names, expected at most as many")
        codes = compute.index_in(column, value_set=pa.array(names))
        wrong = np.asarray(compute.is_null(codes))
        if wrong.any():
            self._check(name, column, wrong, nearest(column[int(np.argmax(wrong))].as_py(), names))
        return np.asarray(codes).astype(np.int8)

    def _check_rates(self, found: dict[str, NDArray[Any]], batch: Any) -> None:
        above = found["min_rate_kbit_per_s"] > found["demand_rate_kbit_per_s"]
        self._check(
            "min_rate_kbit_per_s",
            batch.column("min_rate_kbit_per_s"),
            above,
            "which is above demand_rate_kbit_per_s, expected at most that",
        )

    def _check(self, name: str, column: Any, wrong: NDArray[np.bool_], expected: str) -> None:
        """Raise InputError about the first row that is wrong, if one is."""
        if wrong.any():
            row = int(np.argmax(wrong))
            place = f"{self.path}:{self.rows + row + 2}" if self.as_csv else f"{self.path}: row {self.rows + row + 1}"
            value = column[row].as_py()
            raise InputError(one_line(f"{place}: {name}: got {show(None if value == '' else value)}, {expected}"))


def _castable(value: Any, kind: Any) -> bool:
    try:
        return bool(value.cast(kind).is_valid)
    except (ValueError, NotImplementedError):
        return False
