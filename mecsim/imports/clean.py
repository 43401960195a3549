"""What is dropped of what files hold, and why; and places in metres from the corner of an area."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.imports.base import Array, FoundSites, FoundTasks, FoundWalks
from mecsim.imports.rows import DOUBLED
from mecsim.physics.geography import EARTH_RADIUS_M, middle, to_plane_m

GLOBE_DEGREE = np.array([180.0, 85.0])  # longitude and latitude, either way
CLOCK_DIGITS = 6  # of seconds: what a float can tell of those since 1970
YEAR_5000_S = 1e11  # since 1970, about: what counts milliseconds lies beyond it
LEAST_SIDE_M = 100.0  # of an area that is made to fit
Part = TypeVar("Part", FoundSites, FoundWalks, FoundTasks)
Located = TypeVar("Located", FoundSites, FoundWalks)


@dataclass(frozen=True)
class Limits:
    """Where places may be."""

    area: tuple[float, float, float, float] | None = None  # west, south, east, north, as the file has places
    outside: Literal["refuse", "drop", "clip"] = "refuse"  # what becomes of places beyond the area
    within_m: float = 50_000.0  # of the median place


@dataclass(frozen=True)
class Area:
    """The area of a scenario, whose corner in the south-west is the origin of its plane."""

    width_m: float
    height_m: float
    corners: tuple[float, ...]  # west, south, east, north, as the file has places
    in_degrees: bool

    def told(self) -> dict[str, object]:
        """As in a report."""
        how = "none: metres of the file, from the corner on"
        if self.in_degrees:
            how = (
                f"equirectangular, on a sphere of {EARTH_RADIUS_M:.1f} m: x = R·(longitude − west)·cos(latitude of the "
                "middle), y = R·(latitude − south)"
            )
        unit = "degree" if self.in_degrees else "m"
        return {
            "width_m": self.width_m,
            "height_m": self.height_m,
            **{
                f"{name}_{unit}": end
                for name, end in zip(("west", "south", "east", "north"), self.corners, strict=True)
            },
            "projection": how,
        }


def keep(part: Part, kept: NDArray[np.bool_], dropped: Counter[str], reason: str) -> Part:
    """A part without the rows that are not `kept`, which are counted."""
    if kept.all():
        return part
    dropped[reason] += int((~kept).sum())
    return _select(part, np.flatnonzero(kept))


def _select(part: Part, index: NDArray[np.int64]) -> Part:
    values: dict[str, Any] = {
        name: [value[row] for row in index] if isinstance(value, list) else value[index]
        for name, value in vars(part).items()
        if isinstance(value, (list, np.ndarray))
    }
    return replace(part, **values)


def clean_sites(sites: FoundSites, limits: Limits, dropped: Counter[str]) -> tuple[FoundSites, Area, int]:
    """Sites in metres, the area, and how many were clipped; each place has one site."""
    sites = _without_outliers(sites, limits, dropped)
    _, first = np.unique(sites.places, axis=0, return_index=True)
    sites = keep(sites, _those(first, len(sites.names)), dropped, "a second site at the same place")
    return _in_area(sites, limits, dropped, "sites")


def clean_walks(walks: FoundWalks, limits: Limits, dropped: Counter[str]) -> tuple[FoundWalks, Area, int]:
    """Positions in metres by user and time, the area, and how many were clipped; a user is in one place at a time."""
    _check_clock(walks.time_s)
    walks = replace(walks, time_s=np.round(walks.time_s, CLOCK_DIGITS))
    walks = keep(walks, walks.time_s >= 0.0, dropped, "a negative time")
    walks = _without_outliers(walks, limits, dropped)
    names, user = np.unique(np.array(walks.users, object).astype(str), return_inverse=True)
    rows = np.rec.fromarrays([user, walks.time_s, *walks.places.T])
    _, first = np.unique(rows, return_index=True)
    walks = keep(walks, _those(first, len(user)), dropped, DOUBLED)
    user = np.searchsorted(names, walks.users)
    _, first = np.unique(np.stack([user, walks.time_s], axis=1), axis=0, return_index=True)
    walks = keep(walks, _those(first, len(user)), dropped, "another position of the user at the same time")
    return _in_area(walks, limits, dropped, "positions")


def clean_tasks(tasks: FoundTasks, dropped: Counter[str]) -> FoundTasks:
    """Tasks with a time, a size and, if they tell any, work and a deadline above 0, in the order of time."""
    _check_clock(tasks.time_s)
    tasks = keep(tasks, tasks.time_s >= 0.0, dropped, "a negative time")
    tasks = keep(tasks, tasks.size_bit > 0.0, dropped, "a size of 0 or less")
    if tasks.cycles is not None:
        tasks = keep(tasks, tasks.cycles > 0.0, dropped, "work of 0 or less")
    if tasks.deadline_s is not None:
        tasks = keep(tasks, tasks.deadline_s > 0.0, dropped, "a deadline of 0 or less")
    if not len(tasks.users):
        raise InputError(_nothing_left("tasks", dropped))
    return _select(tasks, np.argsort(tasks.time_s, kind="stable"))


def _check_clock(time_s: Array) -> None:
    """Refuse times that cannot be seconds, whatever they count from."""
    if len(time_s) and np.median(time_s) > YEAR_5000_S:
        cure = "are they milliseconds? A scenario can map the file's columns with unit: ms"
        raise InputError(f"times of about {np.median(time_s):.2g} s; {cure}")


def _those(index: NDArray[np.int64], rows: int) -> NDArray[np.bool_]:
    kept = np.zeros(rows, np.bool_)
    kept[index] = True
    return kept


def _without_outliers(part: Located, limits: Limits, dropped: Counter[str]) -> Located:
    """Places on the globe that are not far from the median one."""
    if part.in_degrees:
        on_globe = np.asarray((np.abs(part.places) <= GLOBE_DEGREE).all(axis=1))
        part = keep(part, on_globe, dropped, "no place in degrees, or beyond a latitude of 85")
    if not len(part.places):
        raise InputError(_nothing_left("places", dropped))
    centre = np.median(part.places, axis=0)
    away_m = to_plane_m(part.places, centre) if part.in_degrees else part.places - centre
    reason = f"an outlier, further than {limits.within_m / 1000:g} km from the median place"
    return keep(part, np.hypot(*away_m.T) <= limits.within_m, dropped, reason)


def _in_area(part: Located, limits: Limits, dropped: Counter[str], noun: str) -> tuple[Located, Area, int]:
    """Places in metres from the corner of the area; what lies beyond it is treated as asked."""
    low, high = part.places.min(axis=0), part.places.max(axis=0)
    if limits.area is not None:
        low, high = np.array(limits.area[:2]), np.array(limits.area[2:])
    places_m, origin, metres = part.places, np.zeros(2), np.ones(2)
    if part.in_degrees:
        origin = middle(np.stack([low, high]))
        metres = to_plane_m(origin + 1.0, origin)  # of a degree
        low, high, places_m = (to_plane_m(degrees, origin) for degrees in (low, high, part.places))
    if limits.area is None:  # at least so large, and whole metres
        more_m = np.maximum(LEAST_SIDE_M, np.ceil(high - low)) - (high - low)
        low, high = low - 0.5 * more_m, high + 0.5 * more_m
    corners = np.concatenate([origin + low / metres, origin + high / metres]).tolist()
    places_m, size_m = np.round(places_m - low, 3), np.round(high - low, 3)
    inside = ((places_m >= 0.0) & (places_m <= size_m)).all(axis=1)
    outside, clipped = int((~inside).sum()), 0
    if outside and limits.outside == "refuse":
        cure = "enlarge it, or choose --outside drop (left out) or clip (put on its border)"
        raise InputError(f"--area: {outside:,} of {len(inside):,} {noun} lie outside; {cure}")
    if limits.outside == "clip":
        places_m, clipped = np.clip(places_m, 0.0, size_m), outside
    area = Area(float(size_m[0]), float(size_m[1]), tuple(corners), part.in_degrees)
    part = replace(part, places=places_m, in_degrees=False)
    if limits.outside == "drop":
        part = keep(part, inside, dropped, "a place outside the area")
    if not len(part.places):
        raise InputError(_nothing_left(noun, dropped))
    return part, area, clipped


def _nothing_left(noun: str, dropped: Counter[str]) -> str:
    told = "; ".join(f"{count:,} rows dropped: {reason}" for reason, count in dropped.most_common(3))
    return f"nothing is left of the {noun}" + (f" ({told})" if told else ", as the files hold none")
