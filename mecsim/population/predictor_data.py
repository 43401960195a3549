"""A request log as arrays to learn from: read from CSV or Parquet, every column and value checked.

The log may be one of `mecsim dataset`, or of a real network with the same columns. Columns that nothing is learnt from may be
missing, and so may `satisfaction`, the noise-free truth, which only a simulation knows.
"""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.population.predictor_trees import MAX_NAMES
from mecsim.scenario.population import ACTIVITIES, DAY_CLASSES, PERIODS, PLACES
from mecsim.scenario.text import nearest, one_line
from mecsim.scenario.units import show

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]

CATEGORIES = ("persona", "period", "day_class", "place", "activity", "application")
FIXED_NAMES = {"period": PERIODS, "day_class": DAY_CLASSES, "place": PLACES, "activity": ACTIVITIES}
NUMBERS = ("speed_m_per_s", "min_rate_kbit_per_s", "demand_rate_kbit_per_s", "given_rate_kbit_per_s")
REPORTED, TRUTH = "satisfaction_noisy", "satisfaction"
COLUMNS = ("user", "date", *CATEGORIES, *NUMBERS, REPORTED)

RATING = "a rating from 0 to 5"
BIT_PER_KBIT = 1e3
_BOUNDS = {
    "user": (0.0, 2.0**53, "the number of a user, from 0"),
    "speed_m_per_s": (0.0, 1e6, "a speed from 0 to 1e6 m/s"),
    "min_rate_kbit_per_s": (1e-9, 1e15, "a rate above 0 kbit/s"),
    "demand_rate_kbit_per_s": (1e-9, 1e15, "a rate above 0 kbit/s"),
    "given_rate_kbit_per_s": (0.0, 1e15, "a rate from 0 kbit/s"),
    REPORTED: (0.0, 5.0, RATING),
    TRUTH: (0.0, 5.0, RATING),
}


@dataclass(frozen=True, eq=False)
class RequestLog:
    """The requests of a log that were served, in the order of the file; R requests, U users."""

    names: dict[str, tuple[str, ...]]  # of each category, in the order of CATEGORIES
    user_ids: NDArray[np.int64]  # (U,) ascending, as in the file
    user: NDArray[np.int64]  # (R,) indices into user_ids
    day: NDArray[np.int64]  # (R,) from the first one of the file
    codes: NDArray[np.int8]  # (R, categories) indices into names
    numbers: Array  # (R, 3) as `context_numbers` has them
    position: Array  # (R,) of the given rate between minimum and demand
    reported: Array  # (R,) ratings 0..5
    truth: Array | None  # (R,) noise-free ratings, where the file has them
    rejected: int  # requests of the file that got less than their minimum; nothing is learnt from them

    def __len__(self) -> int:
        return len(self.user)

    def select(self, index: NDArray[np.bool_]) -> "RequestLog":
        """Some of the requests, with the same names and users."""
        return replace(
            self,
            user=self.user[index],
            day=self.day[index],
            codes=self.codes[index],
            numbers=self.numbers[index],
            position=self.position[index],
            reported=self.reported[index],
            truth=None if self.truth is None else self.truth[index],
        )


def rate_position(rate_bit_per_s: Array, minimum_bit_per_s: Array, demand_bit_per_s: Array) -> Array:
    """Where rates lie between minimum and demand on a logarithmic axis, 0..1: u = log(q/r_min)/log(r_dem/r_min).

    Arrays that fit together, of one unit. Where minimum and demand are equal, u is 1 from there on and 0 below.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        position = np.log(rate_bit_per_s / minimum_bit_per_s) / np.log(demand_bit_per_s / minimum_bit_per_s)
    equal = (demand_bit_per_s <= minimum_bit_per_s) & np.ones_like(position, bool)
    position = np.where(equal, (rate_bit_per_s >= demand_bit_per_s).astype(float), position)
    return np.clip(position, 0.0, 1.0)


def context_numbers(speed_m_per_s: Array, minimum_bit_per_s: Array, demand_bit_per_s: Array) -> Array:
    """What a model sees of a context beside its categories: speed, log10 of minimum and of demand in bit/s, (R, 3)."""
    return np.stack([speed_m_per_s, np.log10(minimum_bit_per_s), np.log10(demand_bit_per_s)], axis=1)


def check_data_packages(*packages: str) -> None:
    """Raise InputError if a package is missing that reading a log, or learning from it, needs."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        shown = ["scikit-learn" if name == "sklearn" else name for name in missing]
        raise InputError(f"fit needs {' and '.join(shown)}: pip install 'mecsim[data]'")


def read_log(path: Path) -> RequestLog:
    """The log in a CSV or Parquet file.

    Raises:
        InputError: it cannot be read, or a column or value is missing or wrong; one line names it.
    """
    check_data_packages("polars")
    import polars as pl

    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"{one_line(str(path))}: expected a file that ends in .csv or .parquet")
    try:
        if not path.is_file():
            raise InputError(f"{one_line(str(path))}: no such file; write one with mecsim dataset")
        return _checked(path, _opened(path))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError(f"{one_line(str(path))}: cannot be read: {one_line(reason)}") from None
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "is empty"
        kind = "comma-separated values" if path.suffix == ".csv" else "a Parquet file"
        raise InputError(f"{one_line(str(path))}: {one_line(reason)[:120]}, expected {kind}") from None


def _opened(path: Path) -> "pl.LazyFrame":
    """All columns of a file; those of a CSV as text, so that every odd value can be told."""
    import polars as pl

    if path.suffix == ".csv":
        return pl.scan_csv(path, infer_schema=False, glob=False)
    return pl.scan_parquet(path, glob=False)


def _checked(path: Path, table: "pl.LazyFrame") -> RequestLog:
    import polars as pl

    columns = table.collect_schema().names()
    for name in COLUMNS:
        if name not in columns:
            raise InputError(f"{path}: no column {name!r}; a log has the columns {', '.join(COLUMNS)}")
    known = [*COLUMNS, *([TRUTH] if TRUTH in columns else [])]
    names = {name: FIXED_NAMES.get(name) or _free_names(path, table, name) for name in CATEGORIES}
    text = pl.String()
    reading = [pl.col("date").cast(text, strict=False).str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32)]
    for name in CATEGORIES:
        codes = {each: code for code, each in enumerate(names[name])}
        reading.append(pl.col(name).cast(text, strict=False).replace_strict(codes, default=None, return_dtype=pl.Int8))
    reading += [pl.col(name).cast(pl.Float64, strict=False) for name in known if name in _BOUNDS]
    found = table.select(reading).collect(engine="streaming")
    if not len(found):
        raise InputError(f"{path}: no requests, expected at least one")
    _refuse_nothing(path, table, found, names)
    values = {name: found[name].to_numpy() for name in known}
    for name, (low, high, expected) in _BOUNDS.items():
        if name in values:
            wrong = ~((values[name] >= low) & (values[name] <= high))
            if name == "user":
                wrong |= values[name] != np.floor(values[name])
            _refuse(path, table, name, wrong, expected)
    above = values["min_rate_kbit_per_s"] > values["demand_rate_kbit_per_s"]
    _refuse(path, table, "min_rate_kbit_per_s", above, "a minimum of at most demand_rate_kbit_per_s")
    return _arranged(path, names, values)


def _free_names(path: Path, table: "pl.LazyFrame", column: str) -> tuple[str, ...]:
    """The names that a column holds, sorted."""
    import polars as pl

    found = table.select(pl.col(column).cast(pl.String, strict=False)).unique().collect(engine="streaming")
    names = sorted(name for name in found[column].to_list() if name)
    if len(names) > MAX_NAMES:
        raise InputError(f"{path}: {column}: {len(names):,} different names, expected at most {MAX_NAMES}")
    return tuple(names)


def _refuse_nothing(
    path: Path, table: "pl.LazyFrame", found: "pl.DataFrame", names: dict[str, tuple[str, ...]]
) -> None:
    """Raise InputError where a value could not be read as what its column holds."""
    for name in found.columns:
        if found[name].null_count():
            if name in FIXED_NAMES:
                expected = f"one of {', '.join(names[name])}"
            elif name in CATEGORIES:
                expected = f"the name of one {name}"
            else:
                expected = "a date such as 2024-01-31" if name == "date" else _BOUNDS[name][2]
            _refuse(path, table, name, found[name].is_null().to_numpy(), expected, names.get(name))


def _refuse(
    path: Path,
    table: "pl.LazyFrame",
    column: str,
    wrong: NDArray[np.bool_],
    expected: str,
    names: tuple[str, ...] | None = None,
) -> None:
    """Raise InputError about the first row that is wrong, if one is."""
    if wrong.any():
        _fail(path, table, column, int(np.argmax(wrong)), expected, names)


def _fail(
    path: Path, table: "pl.LazyFrame", column: str, row: int, expected: str, names: tuple[str, ...] | None
) -> NoReturn:
    value = table.select(column).slice(row, 1).collect()[column][0]
    place = f"{path}:{row + 2}" if path.suffix == ".csv" else f"{path}: row {row + 1}"
    if names and isinstance(value, str):
        expected = nearest(value, list(names))
    elif isinstance(value, str) and value.replace(".", "", 1).replace("-", "", 1).isdigit():
        value = float(value)
    raise InputError(
        one_line(
            f"{place}: {column}: got {show(value)}, {expected}"
            if names
            else f"{place}: {column}: expected {expected}, got {show(value)}"
        )
    )


def _arranged(path: Path, names: dict[str, tuple[str, ...]], values: dict[str, Array]) -> RequestLog:
    minimum, demand, given = (values[name] * BIT_PER_KBIT for name in NUMBERS[1:])
    served = given >= minimum * (1.0 - 1e-9)
    if not served.any():
        raise InputError(f"{path}: no request was given its minimum rate, expected at least one that was served")
    minimum, demand, given = minimum[served], demand[served], given[served]
    user_ids, user = np.unique(values["user"][served].astype(np.int64), return_inverse=True)
    day = values["date"][served].astype(np.int64)
    return RequestLog(
        names=names,
        user_ids=user_ids,
        user=user.astype(np.int64),
        day=day - day.min(),
        codes=np.stack([values[name][served] for name in CATEGORIES], axis=1).astype(np.int8),
        numbers=context_numbers(values["speed_m_per_s"][served], minimum, demand),
        position=rate_position(given, minimum, demand),
        reported=values[REPORTED][served],
        truth=values[TRUTH][served] if TRUTH in values else None,
        rejected=int((~served).sum()),
    )
