"""Lists of sites: OpenCelliD, with or without its header, and any CSV file of places, such as EUA's of Melbourne."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mecsim.imports.base import Found, FoundSites, Importer, Options
from mecsim.imports.rows import UNREADABLE, CsvRows, refuse
from mecsim.schema.cells import number_of

WANTED = {
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "x_m": ("x_m", "east", "easting", "x"),
    "y_m": ("y_m", "north", "northing", "y"),
    "name": ("site_id", "name", "station", "id", "cell"),
    "mcc": ("mcc",),
    "net": ("net", "mnc"),
    "area": ("area", "lac", "tac"),
}
OPENCELLID = "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal"
HEADERS = dict.fromkeys(("GSM", "UMTS", "LTE", "NR", "CDMA"), OPENCELLID.split(","))
CELL = ("mcc", "net", "area")


def read(paths: Sequence[Path], options: Options) -> Found:
    """The sites of one or more files."""
    found = Found(rows=0)
    names: list[str] = []
    places: list[tuple[float, float]] = []
    kinds: set[bool] = set()
    for path in paths:
        rows = CsvRows(path, WANTED, options.columns, HEADERS)
        in_degrees = "latitude" in rows or "longitude" in rows or "x_m" not in rows
        keys = ("longitude", "latitude") if in_degrees else ("x_m", "y_m")
        rows.need(*keys)
        kinds.add(in_degrees)
        for row in rows.into(found):
            place = number_of(row[keys[0]]), number_of(row[keys[1]])
            if not np.isfinite(place).all():
                found.dropped[UNREADABLE] += 1
                continue
            places.append(place)
            cell = [row[part] for part in CELL if row.get(part)] if "name" in rows else []
            names.append("-".join([*cell, row.get("name", "")]))
    if len(kinds) > 1:
        refuse(paths[-1], "has other coordinates than the other files, expected all in degrees or all in metres")
    found.sites = FoundSites(np.array(places).reshape(-1, 2), kinds == {True}, names)
    return found


IMPORTER = Importer("sites of masts or servers: OpenCelliD, EUA, any list with places", "CSV files", read)
