"""From degrees on the globe to metres on a plane."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EARTH_RADIUS_M = 6_371_008.8  # mean radius of the International Union of Geodesy and Geophysics


def to_plane_m(degrees: Array, origin: Array) -> Array:
    """East and north of the origin in metres, (P, 2), by the equirectangular projection.

    x = R·Δλ·cos φ_0 and y = R·Δφ. As meridians converge, distances are wrong by up to the share Δφ·tan φ_0: 10 km from
    the origin that is 0.2 % at a latitude of 52°.

    Args:
        degrees: longitude λ and latitude φ, (P, 2).
        origin: longitude and latitude of the origin, (2,).
    """
    east = np.cos(np.radians(origin[1]))
    return np.asarray(EARTH_RADIUS_M * np.radians(degrees - origin) * np.array([east, 1.0]))


def middle(places: Array) -> Array:
    """The middle of the bounding box of places, (P, 2)."""
    return np.asarray(0.5 * (places.min(axis=0) + places.max(axis=0)))


def hexagonal_sites_m(count: int, distance_m: float) -> Array:
    """Sites of cells, (count, 2): the first at the origin, the others around it in rings of hexagons.

    Neighbours are `distance_m` apart. Within a ring they begin in the east and go against the clock.
    """
    corners = distance_m * np.array([[np.cos(angle), np.sin(angle)] for angle in np.arange(6) * np.pi / 3.0])
    places = [np.zeros((1, 2))]
    ring = 0
    while sum(map(len, places)) < count:
        ring += 1
        steps = np.arange(ring)[:, None] / ring
        places += [
            ring * (start + steps * (end - start)) for start, end in zip(corners, np.roll(corners, -1, 0), strict=True)
        ]
    return np.concatenate(places)[:count]
