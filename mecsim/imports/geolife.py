"""GeoLife's walks: files as they were published (.plt), or a table of them (X;Y;t;trajectory_id)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mecsim.imports.base import Found, FoundWalks, Importer, Options
from mecsim.imports.rows import UNREADABLE, refuse, seconds, text_of
from mecsim.imports.walks import WANTED, read_walks
from mecsim.schema.cells import number_of

HEAD_LINES = 6  # of a .plt file
TABLE = {
    "user": WANTED["user"],
    "time_s": WANTED["time_s"],
    "longitude": ("x", "longitude", "lon"),
    "latitude": ("y", "latitude", "lat"),
}


def read(paths: Sequence[Path], options: Options) -> Found:
    """A walk for each file or trajectory; each begins at 0, as they are of different days."""
    if not all(path.suffix == ".plt" for path in paths):
        if any(path.suffix == ".plt" for path in paths):
            refuse(paths[0], "expected all files of one sort: .plt, or tables")
        return read_walks(paths, options, TABLE, own_clocks=True)
    found = Found(rows=0)
    users: list[str] = []
    rows: list[tuple[float, float, float]] = []
    for path in paths:
        for line in text_of(path).splitlines()[HEAD_LINES:]:
            values = line.split(",")
            if not line.strip():
                continue
            found.rows += 1
            if len(values) < 7:
                found.dropped[UNREADABLE] += 1
                continue
            row = seconds(f"{values[5]} {values[6]}"), number_of(values[1]), number_of(values[0])
            if not np.isfinite(row).all():
                found.dropped[UNREADABLE] += 1
                continue
            users.append(f"{path.parent.parent.name}/{path.stem}" if path.parent.name == "Trajectory" else path.stem)
            rows.append(row)
    table = np.array(rows).reshape(-1, 3)
    found.walks = FoundWalks(table[:, 1:], True, users, table[:, 0], own_clocks=True)
    return found


IMPORTER = Importer("walks: GeoLife, a walk for each trajectory, which begins at 0", ".plt files, or CSV tables", read)
