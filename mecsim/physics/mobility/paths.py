"""Where users are: paths through the plane.

A path is a list of points in time and space with straight, even movement between them. Before its first point and after
its last one the user stays there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Paths:
    """R paths with P points in all."""

    first: NDArray[np.int64]  # (R + 1,) points first[r] .. first[r + 1] − 1 are those of path r
    time_s: Array  # (P,) does not fall within a path
    place_m: Array  # (P, 2)

    def at(self, path: NDArray[np.int64], time_s: Array) -> tuple[Array, Array]:
        """Where paths are at some times, (Q, 2), and how far they have come since their beginning, (Q,), in metres."""
        legs_m = np.hypot(*np.diff(self.place_m, axis=0).T)
        legs_m[self.first[1:-1] - 1] = 0.0  # from the end of a path to the beginning of the next
        along_m = np.concatenate([[0.0], np.cumsum(legs_m)])
        place_m, travelled_m = np.empty((len(path), 2)), np.empty(len(path))
        _interpolate(self.first, self.time_s, self.place_m, along_m, path, time_s, place_m, travelled_m)
        return place_m, travelled_m - along_m[self.first[path]]


@compiled
def _interpolate(
    first: NDArray[np.int64],
    time_s: Array,
    place_m: Array,
    along_m: Array,
    path: NDArray[np.int64],
    at_s: Array,
    out_place_m: Array,
    out_along_m: Array,
) -> None:
    for q in range(len(path)):
        low, high = first[path[q]], first[path[q] + 1]
        begin, end = low, high
        while high - low > 1:  # the last point that is not later, or the first one
            middle = (low + high) // 2
            if time_s[middle] <= at_s[q]:
                low = middle
            else:
                high = middle
        share = 0.0
        if low + 1 < end and (low > begin or at_s[q] > time_s[low]):
            share = (at_s[q] - time_s[low]) / (time_s[low + 1] - time_s[low])
        after = min(low + 1, end - 1)
        for axis in range(2):
            out_place_m[q, axis] = place_m[low, axis] + share * (place_m[after, axis] - place_m[low, axis])
        out_along_m[q] = along_m[low] + share * (along_m[after] - along_m[low])


def recorded_paths(user: NDArray[np.int64], time_s: Array, place_m: Array, users: int) -> Paths:
    """The path of each of `users` users from points that are ordered by user and time, (P,), (P,) and (P, 2)."""
    return Paths(np.searchsorted(user, np.arange(users + 1)), time_s, place_m)


def uniform_places_m(rng: np.random.Generator, shape: tuple[int, ...], area_m: Array) -> Array:
    """Places that are uniform in a rectangle of sides `area_m`, (2,): (..., 2)."""
    return np.asarray(rng.random((*shape, 2)) * area_m)
