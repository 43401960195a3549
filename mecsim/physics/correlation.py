"""Gauss-Markov processes: random values that forget exponentially, in time or along a path.

A first-order process whose samples lie δ apart has the correlation e^{−δ/c}, with c the coherence time of a field or
the decorrelation distance of shadowing (Gudmundson 1991: Correlation model for shadow fading in mobile radio systems).
"""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import kernel

Number = TypeVar("Number", np.float64, np.complex128)


def correlate(
    values: NDArray[Number],
    order: NDArray[np.int64],
    user: NDArray[np.int64],
    coordinate: NDArray[np.float64],
    scale: NDArray[np.float64] | float,
) -> None:
    """Turn independent standard normal values into samples of one process per user and server, in place.

    Args:
        values: independent values of each task and server, (N, M, A), real or complex with unit variance. They keep
            it. Tasks that are not in `order` keep their values.
        order: tasks in the order of time, (N, T); −1 where there is none.
        user: whose each task is, (N, M).
        coordinate: time or travelled distance of each task, (N, M), which does not fall in the order of a user's tasks.
        scale: change of the coordinate after which the correlation is 1/e, for all or (N, M, A).
    """
    scales = np.broadcast_to(np.asarray(scale, np.float64), values.shape)
    last = np.empty(int(user.max(initial=0)) + 1, np.int64)
    _correlate(values, order, user, coordinate, scales, last)


@kernel
def _correlate(
    values: NDArray[Number],
    order: NDArray[np.int64],
    user: NDArray[np.int64],
    coordinate: NDArray[np.float64],
    scale: NDArray[np.float64],
    last: NDArray[np.int64],
) -> None:
    """x_k = ρ·x_{k−1} + √(1 − ρ²)·w_k with ρ = e^{−δ/c}, where task k−1 is the user's last one before task k."""
    for n in range(order.shape[0]):
        last[:] = -1
        for step in range(order.shape[1]):
            task = order[n, step]
            if task < 0:
                continue
            before = last[user[n, task]]
            last[user[n, task]] = task
            if before < 0:
                continue
            moved = coordinate[n, task] - coordinate[n, before]
            for server in range(values.shape[2]):
                decay = moved / scale[n, task, server]
                fresh = math.sqrt(-math.expm1(-2.0 * decay))  # √(1 − ρ²), exact for small steps too
                values[n, task, server] = math.exp(-decay) * values[n, before, server] + fresh * values[n, task, server]
