"""CSV tables of numbers from outside: read fast, checked value by value, and errors that name the line.

A table has a header of known column names, whose units are part of the names, and a row per line. NumPy reads it; where
that fails or a value is out of bounds, the file is read once more, slowly and exactly, to name the first line at fault.
"""

import csv
import itertools
import math
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import ScenarioError
from mecsim.schema.units import show
from mecsim.schema.words import nearest, one_line

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

MAX_TABLE_BYTE = 2**28
MAX_ROWS = 10_000_000
COLUMN_NAME = re.compile(r"[A-Za-z][\w ;.%°/\[\]()-]{0,39}")


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

    def refuses(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the values are out of bounds."""
        taken = (values >= self.low) & (values <= self.high)
        if self.whole:
            taken &= values == np.floor(values)
        if self.empty is not None:
            taken |= values == self.empty
        return np.asarray(~taken)

    def parse(self, text: str) -> float:
        """One value. Raises ValueError with what is wrong and what was expected."""
        if self.empty is not None and not text.strip():
            return self.empty
        try:
            value = float(text) if "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if self.refuses(np.asarray(value)):
            raise ValueError(f"{self.name}: expected {self.expected}, got {show(text.strip()) if text else 'nothing'}")
        return value


@dataclass(frozen=True, eq=False)
class Table:
    """The numbers of a file, a column each, in the order of its lines."""

    path: str
    columns: dict[str, NDArray[np.float64]]
    names: tuple[str, ...] | None  # what its column `name` says, if it has one

    def refuse(self, wrong: NDArray[np.bool_], message: str) -> None:
        """Raise ScenarioError with `message` if a row is wrong; the first such row's line is named."""
        if wrong.any():
            row = int(np.argmax(wrong))
            with _opened(self.path) as reader:
                next(reader)
                line, _ = next(itertools.islice(_rows(reader), row, None))
            fail(self.path, line, message)


def fail(path: str, line: int | None, message: str) -> NoReturn:
    """Raise ScenarioError about a line of a file, or about the file."""
    raise ScenarioError([one_line(f"{path}:{line}: {message}" if line else f"{path}: {message}")])


def read_table(path: str, choices: Sequence[Sequence[Column]], max_rows: int = MAX_ROWS) -> Table:
    """The table in a file, whose columns are those of one of the `choices` in any order.

    A column of text called `name` is allowed everywhere. Tables are remembered until the file changes. One of more than
    `max_rows` is refused before its values are read.

    Raises:
        ScenarioError: the file cannot be read or holds something else; one line, `FILE:LINE: cause, what is expected`.
    """
    try:
        stat = os.stat(path)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        fail(path, None, f"cannot be read: {reason}, expected a CSV file")
    return _read(path, tuple(tuple(columns) for columns in choices), max_rows, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=6)
def _read(path: str, choices: tuple[tuple[Column, ...], ...], max_rows: int, mtime_ns: int, size_byte: int) -> Table:
    """`mtime_ns` and `size_byte` tell versions of a file apart."""
    if not Path(path).is_file():
        fail(path, None, "is not a regular file, expected a CSV file")
    if size_byte > MAX_TABLE_BYTE:
        fail(path, None, f"larger than {MAX_TABLE_BYTE >> 20} MiB, expected a shorter table")
    try:
        _refuse_long(path, max_rows)
        with _opened(path) as reader:
            names = [name.strip() for name in next(reader, [])]
        columns = _columns(path, names, choices)
        texts = list[str]()
        values = _read_fast(path, columns) if None not in columns else None
        if values is None:
            values = _read_exactly(path, columns, texts)
    except UnicodeDecodeError:
        fail(path, _line_not_text(path), "is not UTF-8 text, expected a CSV file")
    except OSError as error:
        fail(path, None, f"cannot be read: {error.strerror}, expected a CSV file")
    values.setflags(write=False)
    numbers = {column.name: values[:, i] for i, column in enumerate(filter(None, columns))}
    return Table(path, numbers, tuple(texts) if None in columns else None)


def _refuse_long(path: str, max_rows: int) -> None:
    """Raise ScenarioError for a file of more lines than a header and so many rows."""
    lines = 0
    with open(path, "rb") as file:
        while chunk := file.read(2**22):
            lines += chunk.count(b"\n")
    if lines > max_rows + 1:
        fail(path, None, f"has {lines:,} lines, expected a table of at most {max_rows:,} rows")


def _columns(path: str, names: list[str], choices: tuple[tuple[Column, ...], ...]) -> list[Column | None]:
    """The column of each name in the header; None for names of rows."""
    if not names:
        fail(path, 1, f"no header, expected {_header(choices[0])}")
    known = {column.name: column for columns in choices for column in columns}
    for name in names:
        if name != "name" and name not in known:
            if not COLUMN_NAME.fullmatch(name):  # a message is no way to read any file that a scenario names
                fail(path, 1, f"no header of columns, expected {_header(choices[0])}")
            fail(path, 1, f"unknown column {show(name)}, {nearest(name, list(known))}")
        if names.count(name) > 1:
            fail(path, 1, f"column {name!r} is there twice, expected it once")
    for columns in choices:
        optional = {column.name for column in columns if column.optional}
        needed = {column.name for column in columns} - optional
        if needed <= set(names) <= needed | optional | {"name"}:
            return [known.get(name) for name in names]
    fail(path, 1, f"columns {','.join(names)}, expected {' or '.join(_header(columns) for columns in choices)}")


def _header(columns: Sequence[Column]) -> str:
    return ",".join(f"[{column.name}]" if column.optional else column.name for column in columns)


def _read_fast(path: str, columns: Sequence[Column | None]) -> NDArray[np.float64] | None:
    """All values, (P, C), or None if anything about them is odd."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        file.readline()
        lines = _plain_lines(file)
        try:
            first = next(lines, None)
            if first is None:
                return None
            values = np.loadtxt(itertools.chain([first], lines), delimiter=",", comments=None, ndmin=2)
        except ValueError:
            return None
    if values.shape[1] != len(columns):
        return None
    odd = any(column and column.refuses(values[:, i]).any() for i, column in enumerate(columns))
    return None if odd else values


def _plain_lines(file: TextIO) -> Iterator[str]:
    """The lines that hold something. Raises ValueError at a quote: NumPy would take one that is never closed."""
    for line in file:
        if '"' in line:
            raise ValueError("quoted")
        if not line.isspace():
            yield line


def _read_exactly(path: str, columns: Sequence[Column | None], names: list[str]) -> NDArray[np.float64]:
    """All numbers, (P, C), line by line; what stands in the column of names is added to `names`.

    Raises:
        ScenarioError: about the first line at fault.
    """
    values = array("d")
    rows = 0
    with _opened(path) as reader:
        next(reader)
        for line, row in _rows(reader):
            if len(row) != len(columns):
                fail(path, line, f"expected {len(columns)} values, got {len(row)}")
            rows += 1
            for column, text in zip(columns, row, strict=True):
                if column is None:
                    names.append(text.strip())
                    continue
                try:
                    values.append(column.parse(text))
                except ValueError as error:
                    fail(path, line, str(error))
    if not rows:
        fail(path, 1, "no rows after the header, expected at least one")
    return np.frombuffer(values, np.float64).reshape(rows, -1)


@contextmanager
def _opened(path: str) -> Iterator["CsvReader"]:
    """A file as rows of text. Errors of the CSV format name their line."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            yield reader
        except csv.Error as error:
            fail(path, reader.line_num, f"{error}, expected comma-separated values")


def _rows(reader: "CsvReader") -> Iterator[tuple[int, list[str]]]:
    """Line and values of each row; empty lines are none."""
    for row in reader:
        if len(row) > 1 or any(text.strip() for text in row):
            yield reader.line_num, row


def _line_not_text(path: str) -> int:
    """The line of a file at which it stops being UTF-8."""
    data = Path(path).read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 1
