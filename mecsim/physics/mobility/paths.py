"""Where users are: paths through the plane.

A path is a list of points in time and space with straight, even movement between them. Before its first point and after
its last one the user stays there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Paths:
    """R paths with P points in all."""

    first: NDArray[np.int64]  # (R + 1,) points first[r] .. first[r + 1] − 1 are those of path r
    time_s: Array  # (P,) does not fall within a path
    place_m: Array  # (P, 2)

    def at(self, path: NDArray[np.int64], time_s: Array) -> tuple[Array, Array]:
        """Where paths are at some times, (Q, 2), and how far they have come since their beginning, (Q,), in metres."""
        from mecsim.physics.mobility.interpolation import (
            interpolate,
        )  # compiles, which reading a scenario does not need

        legs_m = np.hypot(*np.diff(self.place_m, axis=0).T)
        legs_m[self.first[1:-1] - 1] = 0.0  # from the end of a path to the beginning of the next
        along_m = np.concatenate([[0.0], np.cumsum(legs_m)])
        place_m, travelled_m = np.empty((len(path), 2)), np.empty(len(path))
        interpolate(self.first, self.time_s, self.place_m, along_m, path, time_s, place_m, travelled_m)
        return place_m, travelled_m - along_m[self.first[path]]


def recorded_paths(user: NDArray[np.int64], time_s: Array, place_m: Array, users: int) -> Paths:
    """The path of each of `users` users from points that are ordered by user and time, (P,), (P,) and (P, 2)."""
    return Paths(np.searchsorted(user, np.arange(users + 1)), time_s, place_m)


def uniform_places_m(rng: np.random.Generator, shape: tuple[int, ...], area_m: Array) -> Array:
    """Places that are uniform in a rectangle of sides `area_m`, (2,): (..., 2)."""
    return np.asarray(rng.random((*shape, 2)) * area_m)
