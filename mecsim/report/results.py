"""The table of an experiment, with what has to be known to judge or repeat it in a file beside it."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mecsim.core.frames import Column, Schema, Type, write_csv
from mecsim.report.provenance import command_told, provenance
from mecsim.sweep import write_json

if TYPE_CHECKING:
    import polars as pl


DIGITS = 6


def result_schema(rows: Sequence[Mapping[str, object]]) -> Schema:
    """Of the keys of all rows in their order; each holds whole numbers, numbers or texts, whatever fits its values."""
    columns = []
    for name in dict.fromkeys(key for row in rows for key in row):
        values = [row[name] for row in rows if row.get(name) is not None]
        whole = all(isinstance(value, int | np.integer) for value in values)
        number = all(isinstance(value, int | float | np.integer) for value in values)
        kind: Type = "Int64" if whole else "Float64" if number else "String"
        digits = DIGITS if kind == "Float64" else None
        columns.append(Column(name, kind, name.replace("_", " "), gaps=True, digits=digits))
    return Schema(tuple(columns))


def write_result(path: Path, rows: Sequence[Mapping[str, object]], **told: Any) -> "pl.DataFrame":
    """Write rows to a CSV, whose columns are the keys of all rows in their order, and NAME.json beside it.

    The latter holds the command, versions, revision and hardware, and whatever else is `told`, such as seeds. Numbers
    have six digits; what a row lacks or is NaN stays empty. Returns the table, with all digits.

    Raises:
        OSError: the folder cannot be written.
    """
    schema = result_schema(rows)
    frame = schema.rows(rows)
    command = command_told([Path(sys.executable).name, *sys.argv])
    beside = {"format": 1, "command": command, **told, **provenance()}  # before a committed table is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, frame.fill_nan(None), schema)
    write_json(path.with_suffix(".json"), beside)
    return frame
