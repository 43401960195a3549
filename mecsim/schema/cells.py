"""The values of a column of a table, read one after another from their texts."""

from array import array
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.schema.stamps import EXAMPLE, SECOND_NS, Stamp, parse_stamp
from mecsim.schema.units import show

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A column of numbers from `low` to `high`."""

    name: str
    expected: str  # in words, for messages
    low: float
    high: float
    whole: bool = False
    optional: bool = False
    empty: float | None = None  # what an empty value stands for
    unit: str | None = None  # as in its name; None for a plain number
    stamps: bool = False  # whether dates and times may stand there
    ids: bool = False  # whether names may stand there, if the format says so

    def refuses(self, values: Array) -> NDArray[np.bool_]:
        """Which of the values are out of bounds."""
        taken = (values >= self.low) & (values <= self.high)
        if self.whole:
            taken &= values == np.floor(values)
        if self.empty is not None:
            taken |= values == self.empty
        return np.asarray(~taken)


def number_of(text: str) -> float:
    """The number that a text is; NaN where it is none."""
    try:
        return float(text) if "_" not in text else np.nan
    except ValueError:
        return np.nan


class Cells(Protocol):
    """The values of a column that were read so far."""

    def add(self, text: str) -> None:
        """Read one more. Raises ValueError with what is wrong and what was expected."""

    def values(self) -> Array:
        """All of them, (P,)."""


@dataclass
class Numbers:
    """Numbers in units of a file, or moments as dates and times, which become seconds.

    What stands in the file is quoted only of our own tables: a scenario may name any file, and any column of it.
    """

    column: Column
    factor: float = 1.0  # how much of our unit a 1 stands for
    decimal: str = "."
    quoted: bool = True
    origin: Stamp | None = None  # second 0; None for the first moment
    stamped: bool | None = None  # whether there are dates and times; None before the first row
    _zoned: bool = False
    _numbers: "array[float]" = field(default_factory=lambda: array("d"))
    _moments_ns: list[int] = field(default_factory=list)

    def add(self, text: str) -> None:
        if self.stamped is None:
            self._begin(text)
        if self.stamped:
            self._moments_ns.append(self._moment_ns(text))
        else:
            self._numbers.append(self._number(text))

    def values(self) -> Array:
        if not self.stamped:
            return np.array(self._numbers)
        first_ns = self.origin.since_1970_ns if self.origin else min(self._moments_ns)
        return np.array([moment_ns - first_ns for moment_ns in self._moments_ns]) / SECOND_NS

    def _begin(self, text: str) -> None:
        """The first row tells which of both there are."""
        stamp = parse_stamp(text) if self.column.stamps else None
        self.stamped = stamp is not None
        if self.origin is not None and stamp is None:
            raise ValueError(f"{self.column.name}: an origin needs dates and times, got {self._told(text)}")
        self._zoned = stamp is not None and stamp.zoned
        if self.origin is not None and self.origin.zoned != self._zoned:
            told = "with a zone, such as +00:00, as the file's times have one" if self._zoned else "without a zone"
            raise ValueError(f"{self.column.name}: expected an origin {told}")

    def _moment_ns(self, text: str) -> int:
        stamp = parse_stamp(text)
        if stamp is None or stamp.zoned != self._zoned:
            told = "with a zone" if self._zoned else "without a zone"
            raise ValueError(
                f"{self.column.name}: expected a date and a time {told} such as {EXAMPLE}, as in the first row, "
                f"got {self._told(text)}"
            )
        if self.origin is not None and stamp.since_1970_ns < self.origin.since_1970_ns:
            raise ValueError(f"{self.column.name}: a moment before the origin, expected an earlier origin")
        return stamp.since_1970_ns

    def _number(self, text: str) -> float:
        if self.column.empty is not None and not text.strip():
            return self.column.empty
        plain = text if self.decimal == "." else text.replace(".", "_").replace(self.decimal, ".")
        value = number_of(plain) if self.factor == 1.0 else number_of(plain) * self.factor
        if self.column.refuses(np.asarray(value)):
            raise ValueError(f"{self.column.name}: expected {self.column.expected}, got {self._told(text)}")
        return value

    def _told(self, text: str) -> str:
        """What a value is, in a message."""
        if not text.strip():
            return "nothing"
        if self.quoted:
            return show(text.strip())
        return "a number beyond that" if np.isfinite(number_of(text)) else "text that is none"


class Ids:
    """Names, numbered from 0 in their order; of whole numbers in theirs."""

    def __init__(self, column: Column) -> None:
        self._column, self._texts = column, list[str]()

    def add(self, text: str) -> None:
        if not text.strip():
            raise ValueError(f"{self._column.name}: expected a name, got nothing")
        self._texts.append(text.strip())

    def values(self) -> Array:
        number = {text: number for number, text in enumerate(in_order(set(self._texts)))}
        return np.array([number[text] for text in self._texts], np.float64)


def in_order(ids: set[str]) -> list[str]:
    """Names in their order; if all are whole numbers, in that of numbers."""
    if all(text.isascii() and text.isdigit() for text in ids):
        return sorted(ids, key=lambda text: (int(text), text))
    return sorted(ids)
