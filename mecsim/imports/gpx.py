"""GPX 1.0 and 1.1: each track is a walk, whose segments go on one after another."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mecsim.imports.base import Found, FoundWalks, Importer, Options
from mecsim.imports.rows import UNREADABLE, elements, refuse, seconds
from mecsim.schema.cells import number_of


def read(paths: Sequence[Path], options: Options) -> Found:
    """A walk for each track; each begins at 0, as tracks are of different days."""
    found = Found(rows=0)
    users: list[str] = []
    rows: list[tuple[float, float, float]] = []
    timeless = False
    for path in paths:
        track, place, time_s, points = 0, (np.nan, np.nan), np.nan, 0
        kind = None
        for name, attributes, text in elements(path):
            kind = kind or name
            if name == "trk" and text is None:
                track, points = track + 1, 0
            elif name == "trkpt" and text is None:
                found.rows += 1
                place = number_of(attributes.get("lon", "")), number_of(attributes.get("lat", ""))
                time_s = np.nan if options.every_s is None else points * options.every_s
                points += 1
            elif name == "time" and text is not None:
                time_s = seconds(text)
            elif name == "trkpt":
                if np.isfinite([time_s, *place]).all():
                    users.append(f"{path.stem}/{track}")
                    rows.append((time_s, *place))
                else:
                    found.dropped["a point without a time" if np.isnan(time_s) else UNREADABLE] += 1
        if kind != "gpx":
            refuse(path, "is no GPX, expected an element gpx")
        timeless = timeless or options.every_s is not None
    if timeless:
        found.assumed.append(f"positions without a time are {options.every_s:g} s apart, from 0 on")
    table = np.array(rows).reshape(-1, 3)
    found.walks = FoundWalks(table[:, 1:], True, users, table[:, 0], own_clocks=True)
    return found


IMPORTER = Importer("walks: GPX, one for each track, which begins at 0", "GPX files", read)
