"""CSV tables of numbers from outside: read fast, checked value by value, and errors that name the line.

A table has a header of known column names, whose units are part of the names, and a row per line; or the names and
units that a format says. NumPy reads the former; where that fails or a value is out of bounds, the file is read once
more, slowly and exactly, to name the first line at fault.
"""

import csv
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import ScenarioError
from mecsim.schema.cells import Cells, Column, Ids, Numbers
from mecsim.schema.formats import PLAIN, Format, Source
from mecsim.schema.stamps import parse_stamp
from mecsim.schema.units import parse_unit, show
from mecsim.schema.words import nearest, one_line

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

__all__ = ["MAX_ROWS", "Column", "Table", "fail", "read_table"]

MAX_TABLE_BYTE = 2**28
MAX_ROWS = 10_000_000
MAX_SHOWN = 12  # columns that a message names
COLUMN_NAME = re.compile(r"[A-Za-z][\w ;.%°/\[\]()-]{0,39}")
NAMES = "name"  # of the column of text that every table may have


@dataclass(frozen=True, eq=False)
class Table:
    """The numbers of a file, a column each, in the order of its lines."""

    path: str
    columns: dict[str, NDArray[np.float64]]
    names: tuple[str, ...] | None  # what its column `name` says, if it has one
    header_line: int = 1
    format: Format = PLAIN
    dated: bool = False  # whether its times were dates, and count from the first of them

    def refuse(self, wrong: NDArray[np.bool_], message: str) -> None:
        """Raise ScenarioError with `message` if a row is wrong; the first such row's line is named."""
        if wrong.any():
            row = int(np.argmax(wrong))
            with _opened(self.path, self.format) as reader:
                line, _ = next(itertools.islice(_rows(reader, self.header_line), row, None))
            fail(self.path, line, message)


def fail(path: str, line: int | None, message: str) -> NoReturn:
    """Raise ScenarioError about a line of a file, or about the file."""
    raise ScenarioError([one_line(f"{path}:{line}: {message}" if line else f"{path}: {message}")])


def read_table(
    path: str, choices: Sequence[Sequence[Column]], max_rows: int = MAX_ROWS, as_told: Format = PLAIN
) -> Table:
    """The table in a file, whose columns are those of one of the `choices` in any order.

    A column of text called `name` is allowed everywhere. A header may begin with `#`, also below other lines that do.
    Tables are remembered until the file changes. One of more than `max_rows` is refused before its values are read.

    Args:
        path: the file.
        choices: the columns that it may have.
        max_rows: of it.
        as_told: how it is to be read; where that maps columns, all others are left unread.

    Raises:
        ScenarioError: the file cannot be read or holds something else; one line, `FILE:LINE: cause, what is expected`.
    """
    try:
        stat = os.stat(path)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        fail(path, None, f"cannot be read: {reason}, expected a CSV file")
    columns = tuple(tuple(columns) for columns in choices)
    return _read(path, columns, as_told, max_rows, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=6)
def _read(
    path: str, choices: tuple[tuple[Column, ...], ...], as_told: Format, max_rows: int, mtime_ns: int, size_byte: int
) -> Table:
    """`mtime_ns` and `size_byte` tell versions of a file apart."""
    if not Path(path).is_file():
        fail(path, None, "is not a regular file, expected a CSV file")
    if size_byte > MAX_TABLE_BYTE:
        fail(path, None, f"larger than {MAX_TABLE_BYTE >> 20} MiB, expected a shorter table")
    try:
        _refuse_long(path, max_rows)
        header = _header_of(path, choices, as_told)
        if as_told.columns:
            return _read_mapped(path, header, _chosen(path, header, choices, as_told), as_told)
        columns = _columns(path, header, choices)
        values = _read_fast(path, header, columns) if as_told == PLAIN and None not in columns else None
        if values is not None:
            numbers = {column.name: values[:, i] for i, column in enumerate(filter(None, columns))}
            return _frozen(Table(path, numbers, None, header.line))
        places = {column.name if column else NAMES: place for place, column in enumerate(columns)}
        own = {column.name: column for column in columns if column}
        return _read_exactly(path, header, places, _cells(path, header, own, as_told), as_told)
    except UnicodeDecodeError:
        fail(path, _line_not_text(path), "is not UTF-8 text, expected a CSV file")
    except OSError as error:
        fail(path, None, f"cannot be read: {error.strerror}, expected a CSV file")


def _frozen(table: Table) -> Table:
    for values in table.columns.values():
        values.setflags(write=False)
    return table


def _refuse_long(path: str, max_rows: int) -> None:
    """Raise ScenarioError for a file of more lines than a header and so many rows."""
    lines = 0
    with open(path, "rb") as file:
        while chunk := file.read(2**22):
            lines += chunk.count(b"\n")
    if lines > max_rows + 1:
        fail(path, None, f"has {lines:,} lines, expected a table of at most {max_rows:,} rows")


# The header


@dataclass(frozen=True)
class _Header:
    """The names of the columns of a file."""

    names: list[str]
    line: int  # on which they end


def _header_of(path: str, choices: tuple[tuple[Column, ...], ...], as_told: Format) -> _Header:
    """The first row that does not begin with `#`, or before it one that does and has a known name."""
    known = {column.name for columns in choices for column in columns}
    known |= {str(source.column) for source in as_told.columns.values()}
    with _opened(path, as_told) as reader:
        for row in reader:
            names = [name.strip() for name in row]
            if not names or not names[0].startswith("#"):
                return _Header(names, reader.line_num)
            names[0] = names[0].lstrip("# ")
            if known & set(names):
                return _Header(names, reader.line_num)
    return _Header([], 1)


def _columns(path: str, header: _Header, choices: tuple[tuple[Column, ...], ...]) -> list[Column | None]:
    """The column of each name in the header; None for names of rows."""
    names = header.names
    if not names:
        fail(path, 1, f"no header, expected {_header(choices[0])}")
    known = {column.name: column for columns in choices for column in columns}
    for name in names:
        if name != NAMES and name not in known:
            if not COLUMN_NAME.fullmatch(name):  # a message is no way to read any file that a scenario names
                fail(path, header.line, f"no header of columns, expected {_header(choices[0])}")
            fail(path, header.line, f"unknown column {show(name)}, {nearest(name, list(known))}")
        if names.count(name) > 1:
            fail(path, header.line, f"column {name!r} is there twice, expected it once")
    for columns in choices:
        optional = {column.name for column in columns if column.optional}
        needed = {column.name for column in columns} - optional
        if needed <= set(names) <= needed | optional | {NAMES}:
            return [known.get(name) for name in names]
    expected = " or ".join(map(_header, choices))
    fail(path, header.line, f"columns {','.join(names)}, expected {expected}")


def _header(columns: Sequence[Column]) -> str:
    return ",".join(f"[{column.name}]" if column.optional else column.name for column in columns)


def _chosen(path: str, header: _Header, choices: tuple[tuple[Column, ...], ...], as_told: Format) -> dict[str, Column]:
    """By name, the columns of the choice that the map and the file have."""
    mapped = set(as_told.columns) - {NAMES}
    told = mapped | set(header.names)
    missing = [
        [column.name for column in columns if not column.optional and column.name not in told] for columns in choices
    ]
    for columns, lacking in zip(choices, missing, strict=True):
        if not lacking and mapped <= {column.name for column in columns}:
            return {column.name: column for column in columns if column.name in told}
    fewest = min(missing, key=len)
    cause = f"no column for {' and '.join(fewest)}" if fewest else f"columns maps {','.join(as_told.columns)}"
    expected = " or ".join(map(_header, choices))
    fail(path, header.line, f"{cause}, expected {expected}; {_there(header)}")


def _there(header: _Header) -> str:
    """Which columns a file has, unless its first line is none of names: a message is no way to read any file."""
    names = header.names
    if not names or not all(COLUMN_NAME.fullmatch(name) for name in names if name):
        return "the file has no header of columns, or another separator"
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return f"the file has {', '.join(map(repr, names[:MAX_SHOWN]))}{more}"


def _place(path: str, header: _Header, name: str, column: str) -> int:
    """Of a column of the file that stands for one of ours."""
    if header.names.count(column) != 1:
        told = f"twice a column {column!r}" if column in header.names else f"no column {show(column)}"
        fail(path, header.line, f"{told}, which is to be {name}; {_there(header)}")
    return header.names.index(column)


# The rows


def _read_mapped(path: str, header: _Header, columns: dict[str, Column], as_told: Format) -> Table:
    """The columns that a format maps, or that have our names."""
    sources = {name: as_told.columns.get(name, Source(name)) for name in (*columns, NAMES)}
    if NAMES not in as_told.columns and NAMES not in header.names:
        del sources[NAMES]
    places = {
        name: _place(path, header, name, source.column) for name, source in sources.items() if source.column is not None
    }
    table = _read_exactly(path, header, places, _cells(path, header, columns, as_told), as_told)
    rows = len(next(iter(table.columns.values()), table.names or ()))
    for name, source in sources.items():
        if source.value is not None:
            table.columns[name] = np.full(rows, source.value)
            if name not in columns or columns[name].refuses(table.columns[name]).any():
                expected = columns[name].expected if name in columns else "a column of text"
                fail(path, None, f"{name}: expected {expected}, got a value of {source.value:g}")
    return _frozen(table)


def _cells(path: str, header: _Header, columns: dict[str, Column], as_told: Format) -> dict[str, Cells]:
    """What reads each column of numbers."""
    origin = parse_stamp(as_told.origin) if as_told.origin else None
    cells: dict[str, Cells] = {}
    for name, column in columns.items():
        source = as_told.columns.get(name, Source(name))
        factor = 1.0
        if source.ids and not column.ids:
            fail(path, header.line, f"{name}: ids have no meaning here, expected {column.expected}")
        if source.unit is not None:
            if column.unit is None:
                fail(path, header.line, f"{name}: has no unit, expected {column.expected}")
            try:
                factor = parse_unit(source.unit, column.unit)
            except ValueError as error:
                fail(path, header.line, f"{name}: {error}")
        quoted, start = not as_told.columns, origin if column.stamps else None
        cells[name] = Ids(column) if source.ids else Numbers(column, factor, as_told.decimal, quoted, start)
    return cells


def _read_fast(path: str, header: _Header, columns: Sequence[Column | None]) -> NDArray[np.float64] | None:
    """All values, (P, C), or None if anything about them is odd."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        for _ in range(header.line):
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


def _read_exactly(
    path: str, header: _Header, places: dict[str, int], cells: dict[str, Cells], as_told: Format
) -> Table:
    """All values, line by line.

    Args:
        path: the file.
        header: of it.
        places: where the columns stand in a row, by their names.
        cells: what reads each of them.
        as_told: how the file is to be read.

    Raises:
        ScenarioError: about the first line at fault.
    """
    names = list[str]()
    readers = [(place, cells[name].add if name in cells else names.append) for name, place in places.items()]
    rows = 0
    with _opened(path, as_told) as reader:
        for line, row in _rows(reader, header.line):
            if len(row) != len(header.names):
                fail(path, line, f"expected {len(header.names)} values, got {len(row)}")
            rows += 1
            try:
                for place, read in readers:
                    read(row[place])
            except ValueError as error:
                fail(path, line, str(error))
    if not rows:
        fail(path, header.line, "no rows after the header, expected at least one")
    values = {name: cell.values() for name, cell in cells.items() if name in places}
    dated = any(isinstance(cell, Numbers) and cell.stamped and cell.origin is None for cell in cells.values())
    told = tuple(name.strip() for name in names) if NAMES in places else None
    return _frozen(Table(path, values, told, header.line, as_told, dated))


@contextmanager
def _opened(path: str, as_told: Format) -> Iterator["CsvReader"]:
    """A file as rows of text. Errors of the CSV format name their line."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=as_told.delimiter, strict=True)
        try:
            yield reader
        except csv.Error as error:
            separated = "comma" if as_told.separator == "," else repr(as_told.separator)
            fail(path, reader.line_num, f"{error}, expected {separated}-separated values")


def _rows(reader: "CsvReader", header_line: int) -> Iterator[tuple[int, list[str]]]:
    """Line and values of each row below the header; empty lines are none."""
    for row in reader:
        if reader.line_num > header_line and (len(row) > 1 or any(text.strip() for text in row)):
            yield reader.line_num, row


def _line_not_text(path: str) -> int:
    """The line of a file at which it stops being UTF-8."""
    data = Path(path).read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 1
