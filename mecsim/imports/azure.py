"""Requests to Azure's language models of 2023 and 2024: TIMESTAMP,ContextTokens,GeneratedTokens."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mecsim.imports.base import Found, FoundTasks, Importer, Options
from mecsim.imports.rows import UNREADABLE, CsvRows, seconds
from mecsim.schema.cells import number_of

WANTED = {
    "time_s": ("timestamp",),
    "context": ("contexttokens",),
    "generated": ("generatedtokens",),
    "user": ("user", "conversation_id"),
}
TOKEN_BIT = 32.0  # four letters
CYCLES_PER_GENERATED, CYCLES_PER_READ = 1e8, 1e6
"""Of a model on a CPU: a token that is written costs as much as many that are read, all at a time."""


def read(paths: Sequence[Path], options: Options) -> Found:
    """The requests of one or more files, as tasks whose size is that of what the model reads."""
    found = Found(rows=0)
    users: list[str] = []
    rows: list[tuple[float, float, float]] = []
    for path in paths:
        csv_rows = CsvRows(path, WANTED, options.columns)
        csv_rows.need("time_s", "context", "generated")
        for row in csv_rows.into(found):
            values = seconds(row["time_s"]), number_of(row["context"]), number_of(row["generated"])
            if not np.isfinite(values).all():
                found.dropped[UNREADABLE] += 1
                continue
            users.append(row.get("user") or "0")
            rows.append(values)
    table = np.array(rows).reshape(-1, 3)
    found.assumed += [
        f"a token is {TOKEN_BIT:g} bit (four letters): of the context to send, generated to send back",
        f"a token of the context takes {CYCLES_PER_READ:g} cycles, one that is generated {CYCLES_PER_GENERATED:g}",
    ]
    if set(users) == {"0"}:
        found.assumed.append("all requests are of one user, as the file names none")
    time_s, context, generated = table.T
    found.tasks = FoundTasks(
        time_s,
        users,
        TOKEN_BIT * context,
        cycles=CYCLES_PER_READ * context + CYCLES_PER_GENERATED * generated,
        output_bit=TOKEN_BIT * generated,
    )
    return found


IMPORTER = Importer("tasks: requests to language models, Azure 2023 and 2024", "CSV files", read)
