"""SUMO's floating car data (fcd-output, XML, perhaps .gz): vehicles, persons and containers are users."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mecsim.imports.base import Found, FoundWalks, Importer, Options
from mecsim.imports.rows import UNREADABLE, elements, refuse
from mecsim.schema.cells import number_of

MOVERS = ("vehicle", "person", "container")


def read(paths: Sequence[Path], options: Options) -> Found:
    """The positions of all that moves, in the plane of the road network."""
    found = Found(rows=0)
    users: list[str] = []
    rows: list[tuple[float, float, float]] = []
    for path in paths:
        kind, time_s = None, np.nan
        for name, attributes, text in elements(path):
            kind = kind or name
            if text is not None:
                continue
            if name == "timestep":
                time_s = number_of(attributes.get("time", ""))
            elif name in MOVERS:
                found.rows += 1
                row = time_s, number_of(attributes.get("x", "")), number_of(attributes.get("y", ""))
                if not np.isfinite(row).all() or not attributes.get("id"):
                    found.dropped[UNREADABLE] += 1
                    continue
                users.append(attributes["id"])
                rows.append(row)
        if kind != "fcd-export":
            refuse(path, "is no fcd-output of SUMO, expected an element fcd-export")
    table = np.array(rows).reshape(-1, 3)
    found.assumed.append(
        "positions are metres of the road network (fcd-output without fcd-output.geo); a vehicle stands at its first "
        "place before it enters, and at its last one after it has left"
    )
    found.walks = FoundWalks(table[:, 1:], False, users, table[:, 0])
    return found


IMPORTER = Importer("walks: SUMO's floating car data", "XML files of fcd-output, perhaps .gz", read)
