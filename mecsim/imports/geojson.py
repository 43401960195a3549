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


def _geometries(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Name, type and coordinates of each geometry; a feature may have none."""
    features = content.get("features") if content["type"] == "FeatureCollection" else [content]
    for feature in features if isinstance(features, list) else []:
        whole = _mapping(feature)
        is_feature = whole.get("type") == "Feature"
        told = (
            {**_mapping(whole.get("properties")), **({"id": whole["id"]} if "id" in whole else {})}
            if is_feature
            else {}
        )
        name = next((str(told[key]) for key in NAMES if told.get(key) not in (None, "")), "")
        geometry = _mapping(whole.get("geometry")) if is_feature else whole
        parts = geometry.get("geometries") if geometry.get("type") == "GeometryCollection" else [geometry]
        for part in map(_mapping, parts if isinstance(parts, list) else [{}]):
            yield name, str(part.get("type")), part.get("coordinates")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**53)


IMPORTER = Importer("sites: the points of GeoJSON", "GeoJSON files", read)
