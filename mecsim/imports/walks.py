"""Recorded positions in CSV files: bus routes, tracks of phones, and walks of which a file each tells no times."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mecsim.imports.base import Found, FoundWalks, Importer, Options
from mecsim.imports.rows import UNREADABLE, CsvRows, refuse, seconds
from mecsim.schema.cells import number_of

WANTED: Mapping[str, Sequence[str]] = {
    "user": ("user", "vehicle_id", "trajectory_id", "traj_id", "user_id", "device_id", "mmsi", "trip_id", "id"),
    "time_s": ("time_s", "timestamp", "time", "datetime", "t"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "x_m": ("x_m", "east", "easting", "x"),
    "y_m": ("y_m", "north", "northing", "y"),
}


def read(paths: Sequence[Path], options: Options) -> Found:
    """The positions of one or more files; one without a column of users is that of a user, by its name."""
    return read_walks(paths, options, WANTED)


def read_walks(
    paths: Sequence[Path], options: Options, wanted: Mapping[str, Sequence[str]], own_clocks: bool = False
) -> Found:
    """The positions of CSV files.

    Args:
        paths: the files.
        options: of the user.
        wanted: what columns may be called.
        own_clocks: whether each walk was recorded on a day of its own.
    """
    found = Found(rows=0)
    users: list[str] = []
    times_s: list[float] = []
    places: list[tuple[float, float]] = []
    kinds: set[bool] = set()
    timeless = False
    for path in paths:
        rows = CsvRows(path, wanted, options.columns)
        in_degrees = "latitude" in rows or "longitude" in rows or "x_m" not in rows
        keys = ("longitude", "latitude") if in_degrees else ("x_m", "y_m")
        rows.need(*keys)
        kinds.add(in_degrees)
        if "time_s" not in rows:
            if options.every_s is None:
                refuse(
                    path,
                    "no column of times; name one with --column, or say how far apart positions are, as in --every 5s",
                )
            timeless = True
        count: dict[str, int] = {}
        for row in rows.into(found, doubles="time_s" not in rows):
            user = row.get("user") or ("" if "user" in rows else path.stem)
            time_s = seconds(row["time_s"]) if "time_s" in rows else count.get(user, 0) * float(options.every_s or 0.0)
            count[user] = count.get(user, 0) + 1
            place = number_of(row[keys[0]]), number_of(row[keys[1]])
            if not user or not np.isfinite([time_s, *place]).all():
                found.dropped[UNREADABLE] += 1
                continue
            users.append(user)
            times_s.append(time_s)
            places.append(place)
    if len(kinds) > 1:
        refuse(paths[-1], "has other coordinates than the other files, expected all in degrees or all in metres")
    if timeless:
        found.assumed.append(f"positions without a time are {options.every_s:g} s apart, from 0 on")
    found.walks = FoundWalks(np.array(places).reshape(-1, 2), kinds == {True}, users, np.array(times_s), own_clocks)
    return found


IMPORTER = Importer("walks: positions in CSV files, such as those of buses", "CSV files", read)
