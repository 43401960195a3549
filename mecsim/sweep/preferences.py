"""Grids of preference vectors."""

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError


def preference_grid(objectives: int, count: int) -> NDArray[np.float64]:
    """About `count` preferences spread evenly over the simplex, (K, objectives), each with sum 1.

    Two objectives: exactly `count`, equally spaced, the weight of the first growing from 0 to 1. More objectives: the
    finest grid of Das and Dennis (1998) with at most `count` points (but at least the corners).

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
    from pymoo.util.reference_direction import UniformReferenceDirectionFactory

    partitions = 1
    grid = np.eye(objectives)
    while True:
        finer = UniformReferenceDirectionFactory(objectives, n_partitions=partitions + 1).do()
        if len(finer) > count:
            return np.asarray(grid, np.float64)
        partitions, grid = partitions + 1, finer
