"""Alibaba's requests for generated images: gmt_create, groupId, exec_time_seconds, status."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mecsim.imports.base import Found, FoundTasks, Importer, Options
from mecsim.imports.rows import UNREADABLE, CsvRows, seconds
from mecsim.schema.cells import number_of

WANTED = {
    "time_s": ("gmt_create",),
    "user": ("groupid", "group_id"),
    "run_s": ("exec_time_seconds",),
    "status": ("status",),
}
SUCCESS = ("success", "succeeded", "succeed", "finished", "ok", "done", "completed", "complete")
PROMPT_BIT = 8000.0
REFERENCE_HZ = 2e9


def read(paths: Sequence[Path], options: Options) -> Found:
    """The requests of one or more files that succeeded, as tasks whose work is their time of execution."""
    found = Found(rows=0)
    users: list[str] = []
    rows: list[tuple[float, float]] = []
    for path in paths:
        csv_rows = CsvRows(path, WANTED, options.columns)
        csv_rows.need("time_s", "run_s")
        for row in csv_rows.into(found):
            values = seconds(row["time_s"]), number_of(row["run_s"])
            if row.get("status") and row["status"].lower() not in SUCCESS:
                found.dropped["a request that failed"] += 1
            elif not np.isfinite(values).all():
                found.dropped[UNREADABLE] += 1
            else:
                users.append(row.get("user") or "0")
                rows.append(values)
    table = np.array(rows).reshape(-1, 2)
    found.assumed += [
        f"a request is {PROMPT_BIT:g} bit to send, a thousand letters",
        f"a second of execution is {REFERENCE_HZ:g} cycles",
    ]
    found.tasks = FoundTasks(table[:, 0], users, np.full(len(table), PROMPT_BIT), cycles=REFERENCE_HZ * table[:, 1])
    return found


IMPORTER = Importer("tasks: requests for generated images, Alibaba", "CSV files", read)
