"""Tables as CSV files: what their columns hold is declared once, and one writer and one reader keep to it.

Files have a header, commas, CRLF line ends, and every digit of a number, unless its column says otherwise. Numbers look
as Python writes them: `inf`, `nan`, `1e-05`; where there is nothing, a field is empty.

polars is imported when a table is first made, so that declaring one costs nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import atomic_write
from mecsim.errors import InputError, MecsimError
from mecsim.schema.tables import COLUMN_NAME
from mecsim.schema.units import show

if TYPE_CHECKING:
    import polars as pl

Type = Literal["Int64", "Float64", "String"]
"""Names of polars types."""

Values: TypeAlias = "NDArray[np.generic] | Sequence[object] | pl.Series"

PLAIN = (1e-4, 1e16)
"""Sizes that polars and Python write alike; beyond them Python has exponents."""

LINE_END = b"\r\n"

NOUNS: Mapping[str, str] = {"Int64": "a whole number", "Float64": "a number", "String": "text"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str  # with the unit of what it holds
    type: Type
    about: str  # what it holds
    optional: bool = False  # some tables lack it
    gaps: bool = False  # fields may be empty
    digits: int | None = None  # significant ones that are written; all if None


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in their order."""

    columns: tuple[Column, ...]

    def named(self, name: str) -> Column:
        """The column of a name.

        Raises:
            KeyError: there is none.
        """
        return {column.name: column for column in self.columns}[name]

    def frame(self, columns: Mapping[str, Values]) -> "pl.DataFrame":
        """A table of values by column, all of one length, in any order of the columns; None and NaN are kept apart.

        Raises:
            ValueError: a column is missing, is not declared, or has a gap where none may be.
        """
        import polars as pl

        self._check(list(columns))
        frame = pl.DataFrame(
            {
                column.name: pl.Series(column.name, columns[column.name], getattr(pl, column.type))
                for column in self.columns
                if column.name in columns
            }
        )
        for name in frame.columns:
            if not self.named(name).gaps and frame[name].null_count():
                raise ValueError(f"{name}: has gaps, and none are declared")
        return frame

    def rows(self, rows: Sequence[Mapping[str, object]]) -> "pl.DataFrame":
        """The same of rows, of which each may lack columns; a column that all of them lack is absent or empty."""
        given = {name for row in rows for name in row}
        kept = [column.name for column in self.columns if column.name in given or not column.optional]
        self._check([*kept, *(name for name in given if name not in kept)])
        return self.frame({name: [row.get(name) for row in rows] for name in kept})

    def _check(self, names: Sequence[str]) -> None:
        known = [column.name for column in self.columns]
        for name in names:
            if name not in known:
                raise ValueError(f"{name}: is no column of this table, these are {', '.join(known)}")
        for column in self.columns:
            if not column.optional and column.name not in names:
                raise ValueError(f"{column.name}: the column is missing")


class CsvFile:
    """A table that is written batch by batch, so that it may be larger than memory; use as a context.

    All batches have the same columns. The header comes with the first of them.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._open = path, ExitStack()
        self._header: bytes | None = None

    def append(self, text: bytes) -> None:
        """Add the rows of a `csv_text`.

        Raises:
            ValueError: it has other columns than those before.
        """
        start = text.index(LINE_END) + len(LINE_END)
        header = text[:start]
        if self._header is None:
            self._file.write(header)
        elif header != self._header:
            raise ValueError(f"the columns {header.decode().strip()} differ from those before")
        self._file.write(memoryview(text)[start:])
        self._header = header

    def __enter__(self) -> "CsvFile":
        """Open it; it has its name when all batches are there."""
        partial = self._open.enter_context(atomic_write(self._path))
        self._file: BinaryIO = self._open.enter_context(partial.open("wb"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self._open.__exit__(kind, error, at)


def csv_text(columns: Mapping[str, Values], schema: Schema) -> bytes:
    """The file that a table would be, header and all.

    Raises:
        ValueError: the columns do not fit the schema.
    """
    text = BytesIO()
    _write(text, schema.frame(columns), schema)
    return text.getvalue()


def write_csv(path: Path, frame: "pl.DataFrame", schema: Schema) -> None:
    """Write a whole table, such that whoever reads the file finds all of it or what was there before."""
    with atomic_write(path) as partial, partial.open("wb") as file:
        _write(file, frame, schema)


def read_csv(path: Path, schema: Schema, error: type[MecsimError] = InputError) -> "pl.DataFrame":
    """The table in a file that has the columns of `schema`, in any order.

    Raises `error`, one line that says where and what, if the file does not fit.
    """
    import polars as pl

    with _refused(path, error):
        text = pl.read_csv(path, infer_schema=False, raise_if_empty=False)
        known = [column.name for column in schema.columns]
        if not all(map(COLUMN_NAME.fullmatch, text.columns)):  # somebody's text, which no message may quote
            raise error(f"{path}:1: no header of columns, expected {', '.join(known)}")
        try:
            schema._check(text.columns)
        except ValueError as wrong:
            raise error(f"{path}: {' '.join(str(wrong).split())}") from None
        columns = {}
        for column in schema.columns:
            if column.name in text.columns:
                columns[column.name] = _parsed(path, text, column, error)
        return pl.DataFrame(columns)


@contextmanager
def _refused(path: Path, error: type[MecsimError]) -> Iterator[None]:
    import polars as pl

    try:
        yield
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as wrong:
        told = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else str(wrong).split("\n")[0]
        raise error(f"{path}: cannot be read: {told}") from None


def _parsed(path: Path, text: "pl.DataFrame", column: Column, error: type[MecsimError]) -> "pl.Series":
    import polars as pl

    found = text[column.name]
    filled = found.set(found == "", None)
    parsed = filled.cast(getattr(pl, column.type), strict=False)
    wrong = parsed.is_null() if not column.gaps else parsed.is_null() & filled.is_not_null()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        expected = NOUNS[column.type] + (" or nothing" if column.gaps else "")
        line = 2 + row + sum(int(text[name][:row].str.count_matches("\n").sum()) for name in text.columns)
        raise error(f"{path}:{line}: {column.name}: expected {expected}, got {show(found[row] or '')}")
    return parsed


def _write(file: BinaryIO, frame: "pl.DataFrame", schema: Schema) -> None:
    written = frame.with_columns(_text(frame[name], schema.named(name)) for name in frame.columns)
    written.write_csv(file, line_terminator=LINE_END.decode())


def _text(values: "pl.Series", column: Column) -> "pl.Series":
    """Values as they are written; None where a field is empty."""
    import polars as pl

    if column.type == "String":
        return values.set(values == "", None)
    if column.type == "Int64":
        return values
    if column.digits is not None:
        return _as_python_writes(values, f".{column.digits}g")
    smallest, largest = PLAIN
    size = values.abs()
    plain = ((values == 0.0) | ((size >= smallest) & (size < largest))).fill_null(True)
    text = values.cast(pl.String)
    return text if plain.all() else text.zip_with(plain, _as_python_writes(values.set(plain, None), ""))


def _as_python_writes(values: "pl.Series", form: str) -> "pl.Series":
    import polars as pl

    text: list[Any] = [
        None if value is None else format(value, form) if form else repr(value) for value in values.to_list()
    ]
    return pl.Series(values.name, text, pl.String)
