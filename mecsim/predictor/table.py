"""The columns of a request log, read a batch of rows at a time: CSV or Parquet, both through Arrow.

All of a CSV file is read as text first, so that an odd value can be told as it is written. What is wrong is gathered:
one line for each column and kind of fault, with the rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, csv, parquet

from mecsim.core.rating import TOP_RATING
from mecsim.errors import InputError, LogError
from mecsim.people.persona import PERIODS
from mecsim.people.requests import HOUR_S, period_of
from mecsim.predictor.data import CATEGORIES, FIXED_NAMES, FREE_NAMES
from mecsim.predictor.trees import MAX_NAMES
from mecsim.schema.mappings import name_of
from mecsim.schema.units import show
from mecsim.schema.words import nearest, one_line

Array = NDArray[np.float64]

BATCH_ROWS = 2**17
SHOWN_ROWS = 3  # of each fault
SHORTEST = 50  # ratings from which their scale is guessed at
ROUNDED = 1.001  # a given rate may be as much more than the demanded one
REPORTED, TRUTH = "satisfaction_noisy", "satisfaction"
RATES = ("min_rate", "demand_rate", "given_rate")
RATE_UNITS = {"kbit_per_s": 1e3, "bit_per_s": 1.0, "mbit_per_s": 1e6}
NEEDED = ("user", "date", "application", *(f"{rate}_kbit_per_s" for rate in RATES), REPORTED)
ABSENT = {  # columns that may be missing, and what is taken instead
    "persona": "everyone",
    "place": "home",
    "activity": "sitting",
    "speed_m_per_s": 0.0,
}
DERIVED = ("period", "day_class")  # of the time and the date
FURTHER = ("time", "duration_s", TRUTH)
KNOWN = (*NEEDED, *ABSENT, *DERIVED, *FURTHER, *(f"{rate}_{unit}" for rate in RATES for unit in RATE_UNITS), "rating")
MAX_ID = 2**53


@dataclass(frozen=True)
class Reading:
    """How a log is to be read."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Names of ours to names in the file, where they differ."""
    scale: tuple[float, float] | None = None
    """The worst and the best rating; None for 0 to 5."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of a log as numbers, (rows,) each: rates in bit/s, dates in days since 1970, ratings 0 to 5.

    Categories are indices into `names`. What is unknown is NaN: ratings, hours of the day, durations.
    """

    values: dict[str, NDArray[Any]]
    names: dict[str, tuple[str, ...]]
    users: tuple[str, ...]  # what the file calls them, by index
    absent: tuple[str, ...]  # columns that the file lacks


def read_columns(path: Path, reading: Reading | None = None) -> Columns:
    """What is needed of a log, checked.

    Raises:
        InputError: the file cannot be read, or columns or values are missing or wrong; one line each.
    """
    if path.suffix not in (".csv", ".parquet"):
        _refuse(path, "expected a file that ends in .csv or .parquet")
    try:
        if not path.is_file():
            _refuse(path, "no such file, expected a request log; write one with mecsim dataset")
        return _Reader(path, reading or Reading()).read()
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        kind = "comma-separated values" if path.suffix == ".csv" else "a Parquet file"
        _refuse(path, f"cannot be read: {one_line(reason)[:150]}, expected {kind}")


def _refuse(path: Path, what: str) -> NoReturn:
    raise InputError(one_line(f"{path}: {what}"))


@dataclass
class _Fault:
    """One thing that is wrong in a column."""

    rows: list[int]
    value: object
    count: int = 0


class _Reader:
    """Reads one file."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.as_csv = path.suffix == ".csv"
        self.given = dict(reading.columns)
        self.scale = reading.scale
        self.rows = 0  # of the batches before the one at hand
        self.names = {name: list(FIXED_NAMES.get(name, ())) for name in CATEGORIES}
        self.users: dict[str, int] = {}
        self.faults: dict[tuple[str, str], _Fault] = {}
        self.file_names: dict[str, str] = {}  # of the columns that are read, ours to the file's

    def read(self) -> Columns:
        """The whole file."""
        parts: dict[str, list[NDArray[Any]]] = {}
        for batch in self._batches():
            for name, values in self._batch(batch).items():
                parts.setdefault(name, []).append(values)
            self.rows += batch.num_rows
        if not self.rows:
            _refuse(self.path, "no requests, expected at least one")
        columns = {name: np.concatenate(arrays) for name, arrays in parts.items()}
        problems = [self._told(name, expected, fault) for (name, expected), fault in self.faults.items()]
        problems += self._scale_problems(columns[REPORTED])
        if problems:
            raise LogError(problems)
        low, high = self.scale or (0.0, TOP_RATING)
        for name in (REPORTED, TRUTH):
            if name in columns:
                columns[name] = (columns[name] - low) * (TOP_RATING / (high - low))
        absent = tuple(name for name in (*ABSENT, "duration_s") if name not in self.file_names)
        return Columns(columns, {name: tuple(own) for name, own in self.names.items()}, tuple(self.users), absent)

    def _batches(self) -> Iterator[Any]:
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
        """The columns to read, by their names in the file; each is found by our name, or by that given for it."""
        problems = [
            f"{self.path}: --column {ours}={theirs}: no column '{theirs}', {nearest(theirs, columns)}"
            for ours, theirs in self.given.items()
            if theirs not in columns
        ]
        problems += [
            f"{self.path}: --column {ours}: a log has no such column, {nearest(ours, KNOWN)}"
            for ours in self.given
            if ours not in KNOWN
        ]
        here = {name: self.given.get(name, name) for name in KNOWN}
        found = {name: theirs for name, theirs in here.items() if theirs in columns}
        if "rating" in found:
            rating = found.pop("rating")
            if REPORTED not in self.given:
                found[REPORTED] = rating
        missing: list[str] = []
        for rate in RATES:
            units = [f"{rate}_{unit}" for unit in RATE_UNITS if f"{rate}_{unit}" in found]
            units.sort(key=lambda name: name not in self.given)  # what is named by hand first
            if not units:
                missing.append(f"{rate}_kbit_per_s")
            for spare in units[1:]:
                del found[spare]
        missing += [name for name in NEEDED if name.removesuffix("_kbit_per_s") not in RATES and name not in found]
        if missing:
            names = ", ".join(f"'{name}'" for name in NEEDED if name in missing)
            wanted = f"a log has the columns {', '.join(NEEDED)}, or name yours with --column NAME=YOURS"
            problems.append(f"{self.path}: no column {names}; {wanted}")
        if problems:
            raise LogError([one_line(problem) for problem in problems])
        self.file_names = found
        return list(dict.fromkeys(found.values()))

    def _batch(self, batch: Any) -> dict[str, NDArray[Any]]:
        columns = {name: _text_or_null(batch.column(theirs)) for name, theirs in self.file_names.items()}
        rows = batch.num_rows
        found: dict[str, NDArray[Any]] = {"user": self._user_codes(columns["user"])}
        found["date"], clock_h = self._dates(columns["date"])
        self._times(found, columns, clock_h)
        for name in CATEGORIES:
            if name in columns and name != "period":
                found[name] = self._codes(name, columns[name])
            elif name in ABSENT:
                found[name] = self._codes(name, pa.array([ABSENT[name]] * rows, pa.string()))
        if "day_class" not in found:
            weekday = (found["date"] + 3) % 7  # the first of January 1970 was a Thursday
            found["day_class"] = (weekday >= 5).astype(np.int8)
        for rate in RATES:
            found[rate] = self._rate(rate, columns)
        found["speed_m_per_s"] = (
            self._numbers("speed_m_per_s", columns["speed_m_per_s"], (0.0, 1e6), "a speed from 0 to 1e6 m/s")
            if "speed_m_per_s" in columns
            else np.zeros(rows)
        )
        low, high = self.scale or (0.0, TOP_RATING)
        for name in (REPORTED, TRUTH):
            if name in columns:
                told = f"a rating from {low:g} to {high:g}" + ("" if self.scale else "; another scale: --scale 1..5")
                found[name] = self._numbers(name, columns[name], (low, high), told, gaps=True)
        if "duration_s" in columns:
            told = "a duration of 0 s or more, or nothing"
            found["duration_s"] = self._numbers("duration_s", columns["duration_s"], (0.0, 1e9), told, gaps=True)
        minimum, demand, given = (found[rate] for rate in RATES)
        for rate, wrong in (("min_rate", minimum > demand), ("given_rate", given > demand * ROUNDED)):
            name = self._rate_name(rate)
            self._fault(name, wrong, columns[name], f"at most the demanded rate, {self._file_name('demand_rate')}")
        return found

    def _times(self, found: dict[str, NDArray[Any]], columns: Mapping[str, Any], clock_h: Array) -> None:
        """Hour and period: as the log names the period, or by the hour that it, the time or the date tells."""
        hour = clock_h
        if "time" in columns:
            hour = self._hours("time", columns["time"], np.asarray(compute.is_null(columns["time"])))
        named = np.full(len(hour), -1)
        if "period" in columns:
            named = np.asarray(compute.fill_null(compute.index_in(columns["period"], value_set=pa.array(PERIODS)), -1))
            told = self._hours("period", columns["period"], named >= 0)
            hour = np.where(named >= 0, hour, told)
        elif np.isnan(hour).any():
            expected = "the hour beside it, or a column period or time"
            self._fault("date", np.isnan(hour), columns["date"], expected)
        found["hour"] = hour
        by_hour = period_of(np.nan_to_num(hour) * HOUR_S)
        found["period"] = np.where(named >= 0, named, by_hour).astype(np.int8)

    def _user_codes(self, column: Any) -> NDArray[np.int64]:
        self._check_null("user", column, "what a user is called")
        encoded = column.dictionary_encode()
        names = [name or "" for name in encoded.dictionary.to_pylist()]
        index = np.array([self.users.setdefault(name, len(self.users)) for name in names], np.int64)
        return np.asarray(index[np.nan_to_num(encoded.indices.to_numpy(zero_copy_only=False)).astype(np.int64)])

    def _dates(self, column: Any) -> tuple[NDArray[np.int64], Array]:
        """Days since 1970, and hours of the day where dates have them."""
        expected = "a date such as 2024-01-31, or 2024-01-31 08:15:00"
        try:
            stamps = column.cast(pa.timestamp("s"))
        except (ValueError, NotImplementedError):
            stamps = pa.array([_stamp(text) for text in column.to_pylist()], pa.timestamp("s"))
        wrong = np.asarray(compute.is_null(stamps))
        self._fault("date", wrong, column, expected)
        second = np.asarray(compute.fill_null(stamps.cast(pa.int64()), 0))
        hour = second % 86400 / HOUR_S
        return second // 86400, np.where(hour.any(), hour, np.nan)

    def _hours(self, name: str, column: Any, other: NDArray[np.bool_]) -> Array:
        """Hours of the day of `8`, `8.5`, `8:15` or `08:15:00`; NaN where it is something `other`."""
        encoded = column.dictionary_encode()
        hours = np.array([_hour(text) for text in encoded.dictionary.to_pylist()] + [np.nan])
        index = encoded.indices.to_numpy(zero_copy_only=False)
        hour = hours[np.where(np.isnan(index), len(hours) - 1, index).astype(np.int64)]
        expected = "an hour such as 8 or 08:15"
        if name == "period":
            expected += f", or one of {', '.join(PERIODS)}"
        self._fault(name, np.isnan(hour) & ~other, column, expected)
        return hour

    def _codes(self, name: str, column: Any) -> NDArray[np.int8]:
        """Indices of names; new names are added as they come, where they are free."""
        self._check_null(name, column, f"the name of one {name}")
        encoded = column.dictionary_encode()
        said, names = [text or "" for text in encoded.dictionary.to_pylist()], self.names[name]
        if name in FREE_NAMES:
            said = [name_of(text) if text not in FIXED_NAMES.get(name, ()) else text for text in said]
            names += sorted(set(said) - set(names))
            if len(names) > MAX_NAMES:
                _refuse(self.path, f"{name}: more than {MAX_NAMES} different names, expected at most as many")
        at = {text: code for code, text in enumerate(names)}
        codes = np.array([at.get(text, -1) for text in said] + [0], np.int64)
        index = encoded.indices.to_numpy(zero_copy_only=False)
        code = codes[np.where(np.isnan(index), len(codes) - 1, index).astype(np.int64)]
        for text in (text for text in said if text and text not in at):
            self._fault(name, np.asarray(compute.equal(column, text).fill_null(False)), column, nearest(text, names))
        return np.maximum(code, 0).astype(np.int8)

    def _rate(self, rate: str, columns: Mapping[str, Any]) -> Array:
        name = self._rate_name(rate)
        unit = name.removeprefix(f"{rate}_")
        least, told = (0.0, "a rate of at least 0") if rate == "given_rate" else (1e-9, "a rate above 0")
        numbers = self._numbers(name, columns[name], (least, 1e15), f"{told} {unit.replace('_per_', '/')}")
        return numbers * RATE_UNITS[unit]

    def _rate_name(self, rate: str) -> str:
        """Our name of the column that has a rate."""
        return next(f"{rate}_{unit}" for unit in RATE_UNITS if f"{rate}_{unit}" in self.file_names)

    def _file_name(self, rate: str) -> str:
        """The file's name of it."""
        return self.file_names[self._rate_name(rate)]

    def _numbers(self, name: str, column: Any, bounds: tuple[float, float], expected: str, gaps: bool = False) -> Array:
        """A column of numbers within bounds; NaN where they are missing, which has to be allowed."""
        try:
            values = column.cast(pa.float64())
        except (ValueError, NotImplementedError):
            values = pa.array([_number(text) for text in column.to_pylist()], pa.float64())
        number = values.to_numpy(zero_copy_only=False).astype(np.float64)
        unknown = np.isnan(number)
        wrong = ~unknown & ~((number >= bounds[0]) & (number <= bounds[1]))
        missing = np.asarray(compute.is_null(column)) | (unknown & np.asarray(_says_nan(column)))
        wrong |= unknown & ~missing if gaps else unknown
        self._fault(name, wrong, column, expected)
        return np.asarray(number)

    def _check_null(self, name: str, column: Any, expected: str) -> None:
        self._fault(name, np.asarray(compute.is_null(column)), column, expected)

    def _fault(self, name: str, wrong: NDArray[np.bool_], column: Any, expected: str) -> None:
        """Note what is wrong in a column of the batch at hand, if anything."""
        rows = np.flatnonzero(wrong)
        if not len(rows):
            return
        fault = self.faults.setdefault((name, expected), _Fault([], column[int(rows[0])].as_py()))
        fault.rows += (rows[: SHOWN_ROWS - len(fault.rows)] + self.rows).tolist()
        fault.count += len(rows)

    def _told(self, name: str, expected: str, fault: _Fault) -> str:
        first = fault.rows[0]
        place = f"{self.path}:{first + 2}" if self.as_csv else f"{self.path}: row {first + 1}"
        shown = ", ".join(str(row + (2 if self.as_csv else 1)) for row in fault.rows[1:])
        rows = f"{'line' if self.as_csv else 'row'}{'s' if fault.count > 2 else ''}"
        more = f" (and {fault.count - 1:,} more: {rows} {shown}{', …' if fault.count > SHOWN_ROWS else ''})"
        column, value = self.file_names.get(name, name), show(None if fault.value == "" else fault.value)
        told = expected if expected.startswith(("expected", "did you")) else f"expected {expected}"
        return one_line(f"{place}: {column}: got {value}, {told}{more if fault.count > 1 else ''}")

    def _scale_problems(self, ratings: Array) -> list[str]:
        """Ratings that look as if their scale began with 1, and nothing was said about it; or none at all."""
        told = ratings[~np.isnan(ratings)]
        if not len(told):
            return [f"{self.path}: {self.file_names[REPORTED]}: no ratings, expected some; nothing can be learnt"]
        whole = (told == np.floor(told)).all()
        if self.scale is None and len(told) >= SHORTEST and (told.min() == 1.0 or (whole and told.min() > 1.0)):
            name = self.file_names[REPORTED]
            return [
                f"{self.path}: {name}: none of {len(told):,} ratings is below {told.min():g}: "
                "is this a scale from 1 to 5? say --scale 1..5, or --scale 0..5 if ratings may be 0"
            ]
        return []


def _text_or_null(column: Any) -> Any:
    """A column as text without blanks around it, nothing being null."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_floating(kind):
        whole = compute.all(compute.equal(compute.floor(column), column)).as_py()
        column = column.cast(pa.int64()) if whole and len(column) and not np.isinf(np.asarray(column)).any() else column
    text = compute.utf8_trim_whitespace(column.cast(pa.string()))
    return compute.if_else(compute.equal(text, ""), pa.scalar(None, pa.string()), text)


def _says_nan(column: Any) -> Any:
    return compute.fill_null(
        compute.is_in(compute.utf8_lower(column), value_set=pa.array(["nan", "na", "null"])), False
    )


def _number(text: str | None) -> float | None:
    try:
        return None if text is None or "_" in text else float(text)
    except ValueError:
        return float("nan")


def _stamp(text: str | None) -> Any:
    try:
        return None if text is None else np.datetime64(text.replace(" ", "T"), "s").item()
    except ValueError:
        return None


def _hour(text: str | None) -> float:
    """Hours since midnight; NaN for what is none."""
    try:
        parts = [float(part) for part in (text or "").split(":")]
    except ValueError:
        return float("nan")
    if len(parts) > 3 or any(not 0.0 <= part < 60.0 for part in parts) or parts[0] >= 24.0:
        return float("nan")
    return sum(part / 60.0**power for power, part in enumerate(parts))
