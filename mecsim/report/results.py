"""The table of an experiment, with what has to be known to judge or repeat it in a file beside it."""

import csv
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mecsim.errors import InputError
from mecsim.report.provenance import provenance
from mecsim.sweep import write_json


def write_result(path: Path, rows: Sequence[Mapping[str, object]], **told: Any) -> None:
    """Write rows to a CSV, whose columns are the keys of all rows in their order, and NAME.json beside it.

    The latter holds the command, versions, revision and hardware, and whatever else is `told`, such as seeds. Numbers
    have six digits; what a row lacks or is NaN stays empty.

    Raises:
        InputError: the folder cannot be written.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([_text(row.get(column, "")) for column in columns] for row in rows)
        command = shlex.join([Path(sys.executable).name, *sys.argv])
        write_json(path.with_suffix(".json"), {"format": 1, "command": command, **told, **provenance()})
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; name another folder with --out") from None


def _text(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value
