"""Files of a request log, written a slice at a time: Parquet or CSV, both through Arrow."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

METADATA_KEY = "mecsim"
ROW_GROUP_ROWS = 2**17  # rows that are held before they are written

Column = NDArray[Any] | tuple[NDArray[np.int64], tuple[str, ...]]
"""Values, or indices and the names that they point to."""


class LogFile:
    """A file with the columns of its first slice; use as a context. Small slices are gathered to groups of rows.

    Names become dictionaries of a Parquet file and words of a CSV file, so they hold no commas or quotes. Equal slices
    give equal bytes.
    """

    def __init__(self, path: Path, as_csv: bool, origin: Mapping[str, Any]) -> None:
        self._path, self._as_csv = path, as_csv
        self._origin = {METADATA_KEY: json.dumps(dict(origin))}
        self._names: dict[str, pa.Array] = {}
        self._pending: list[pa.Table] = []
        self._file: csv.CSVWriter | parquet.ParquetWriter | None = None
        self._open = ExitStack()

    def write(self, columns: Mapping[str, Column]) -> None:
        """Add rows. Raises OSError if they cannot be written."""
        self._pending.append(pa.table({name: self._array(name, column) for name, column in columns.items()}))
        if sum(table.num_rows for table in self._pending) >= ROW_GROUP_ROWS:
            self._flush()

    def _array(self, name: str, column: Column) -> pa.Array:
        if not isinstance(column, tuple):
            return pa.array(column)
        index, names = column
        if name not in self._names:
            self._names[name] = pa.array(names)
        if self._as_csv or len(names) > np.iinfo(np.int16).max:
            return self._names[name].take(pa.array(index))
        return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int16)), self._names[name])

    def _flush(self) -> None:
        if not self._pending:
            return
        table = pa.concat_tables(self._pending)
        self._pending.clear()
        if self._file is None:
            self._file = self._open.enter_context(self._opened(table.schema))
        if isinstance(self._file, parquet.ParquetWriter):
            self._file.write_table(table, row_group_size=max(1, len(table)))
        else:
            self._file.write_table(table)

    def _opened(self, schema: pa.Schema) -> csv.CSVWriter | parquet.ParquetWriter:
        if self._as_csv:
            file = self._open.enter_context(self._path.open("wb"))
            file.write((",".join(schema.names) + "\n").encode())  # Arrow would quote each name
            return csv.CSVWriter(
                file, schema, write_options=csv.WriteOptions(include_header=False, quoting_style="none")
            )
        return parquet.ParquetWriter(str(self._path), schema.with_metadata(self._origin), compression="zstd")

    def __enter__(self) -> Self:
        """The file is opened with its first group of rows, when its columns are known."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Write what is left, unless something failed, and close the file."""
        with self._open:
            if kind is None:
                self._flush()
