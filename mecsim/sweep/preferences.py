"""Grids of preference vectors."""

from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError

MAX_SPREAD = 200
"""Points that repel each other are found for up to so many: it takes seconds for these and grows with their square."""

NOTHING = 1e-9  # weights below it are rounding


def preference_grid(objectives: int, count: int) -> NDArray[np.float64]:
    """`count` preferences spread evenly over the simplex, (K, objectives), each with sum 1, the corners among them.

    One objective has one preference. Two objectives: equally spaced, the weight of the first growing from 0 to 1. More:
    the lattice of Das and Dennis (1998) where one has `count` points, such as 21 or 45 for three objectives and 20 or
    84 for four; else, up to 200, points of least Riesz s-energy (Blank, Deb, Dhebar, Bandaru and Seada 2020), the same
    in every call; else the finest lattice of at most `count` points.

    Raises:
        InputError: fewer preferences than objectives.
    """
    if objectives == 1:
        return np.ones((1, 1))
    if count < objectives:
        raise InputError(f"at least {objectives} preferences are needed for {objectives} objectives, got {count}")
    if objectives == 2:
        first = np.linspace(0.0, 1.0, count)
        return np.stack([first, 1.0 - first], axis=1)
    partitions = 1
    while comb(partitions + objectives, objectives - 1) <= count:
        partitions += 1
    on_lattice = comb(partitions + objectives - 1, objectives - 1)
    if on_lattice < count <= MAX_SPREAD:
        return _spread(objectives, count).copy()
    from pymoo.util.reference_direction import UniformReferenceDirectionFactory

    return np.asarray(UniformReferenceDirectionFactory(objectives, n_partitions=partitions).do(), np.float64)


@lru_cache(maxsize=16)
def _spread(objectives: int, count: int) -> NDArray[np.float64]:
    from pymoo.util.ref_dirs.energy import RieszEnergyReferenceDirectionFactory

    points = RieszEnergyReferenceDirectionFactory(objectives, count).do(random_state=np.random.default_rng(1))
    points = np.where(points < NOTHING, 0.0, points)
    for corner in np.eye(objectives):  # they are there already, but for rounding
        points[np.abs(points - corner).max(axis=1).argmin()] = corner
    return np.asarray(points / points.sum(axis=1, keepdims=True))
