"""GeoJSON (RFC 7946): every point is a site. Longitude comes first; other geometries are dropped."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mecsim.core.json_files import parse_json
from mecsim.imports.base import Found, FoundSites, Importer, Options
from mecsim.imports.rows import UNREADABLE, refuse, text_of

NAMES = ("name", "NAME", "Name", "site_id", "id", "ref")


def read(paths: Sequence[Path], options: Options) -> Found:
    """The points of one or more files."""
    found = Found(rows=0)
    names: list[str] = []
    places: list[tuple[float, float]] = []
    for path in paths:
        for name, kind, coordinates in _geometries(_content(path)):
            points = coordinates if kind == "MultiPoint" and isinstance(coordinates, list) else [coordinates]
            for point in points:
                found.rows += 1
                if kind not in ("Point", "MultiPoint"):
                    found.dropped["no point but another geometry"] += 1
                elif not isinstance(point, list) or len(point) < 2 or not all(map(_is_number, point[:2])):
                    found.dropped[UNREADABLE] += 1
                else:
                    names.append(name)
                    places.append((float(point[0]), float(point[1])))
    found.sites = FoundSites(np.array(places).reshape(-1, 2), True, names)
    return found


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = parse_json(text_of(path))
    except ValueError as error:
        refuse(path, f"is no JSON: {error}")
    if not isinstance(content, dict) or "type" not in content:
        refuse(path, "is no GeoJSON, expected an object with a type, such as a FeatureCollection")
    return content


def _geometries(content: Any, name: str = "") -> Iterator[tuple[str, str, Any]]:
    """Name, type and coordinates of each geometry; a feature may have none."""
    if not isinstance(content, dict):
        yield name, "none", None
        return
    if content.get("type") == "FeatureCollection":
        for feature in content.get("features") or []:
            yield from _geometries(feature, name)
    elif content.get("type") == "Feature":
        told = {**(content.get("properties") or {}), **({"id": content["id"]} if "id" in content else {})}
        own = next((str(told[key]) for key in NAMES if told.get(key) not in (None, "")), name)
        yield from _geometries(content.get("geometry"), own)
    elif content.get("type") == "GeometryCollection":
        for geometry in content.get("geometries") or []:
            yield from _geometries(geometry, name)
    else:
        yield name, str(content.get("type")), content.get("coordinates")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


IMPORTER = Importer("sites: the points of GeoJSON", "GeoJSON files", read)
