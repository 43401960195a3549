"""The dispatch queue: which waiting task each step takes.

A step dispatches one task if any waits, whatever the server. The order is therefore known before any decision: it
depends on the arrivals alone.
"""

import heapq
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import allocating_kernel

Queue = Literal["fifo", "priority", "edf"]


def dispatched_tasks(
    queue: Queue,
    arrivals: NDArray[np.int64],
    decision_s: NDArray[np.float64],
    priority: NDArray[np.int64],
    deadline_s: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The task that each step dispatches, (N, T); −1 where none waits.

    Args:
        queue: fifo takes the oldest task; priority the oldest of the most urgent class (the lowest number); edf the
            earliest deadline, the oldest of equals.
        arrivals: how many tasks arrive at the start of each step, (N, T); tasks are numbered in this order.
        decision_s: time of each step, and of the end of the episode, (N, T + 1).
        priority: class of each task, (N, M).
        deadline_s: deadline of each task after its arrival, (N, M).
    """
    if queue == "fifo":
        return _first_come(arrivals)
    if queue == "priority":
        rank = priority.astype(np.float64)
    else:
        rank = arrival_times_s(arrivals, priority.shape[1], decision_s) + deadline_s
    return np.asarray(_by_rank(arrivals, rank))


def arrival_steps(arrivals: NDArray[np.int64], tasks: int) -> NDArray[np.int64]:
    """The step at which each of M tasks arrives, (N, M); T for tasks that do not exist."""
    episodes, steps = arrivals.shape
    arrival_step = np.full((episodes, tasks), steps)
    exists = np.arange(tasks) < arrivals.sum(axis=1)[:, None]
    arrival_step[exists] = np.repeat(np.tile(np.arange(steps), episodes), arrivals.ravel())
    return arrival_step


def arrival_times_s(arrivals: NDArray[np.int64], tasks: int, decision_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """When each of M tasks arrives, (N, M), of which `decision_s` (N, T + 1) says when steps are; its last entry for
    tasks that do not exist."""
    step = np.minimum(arrival_steps(arrivals, tasks), decision_s.shape[1] - 1)
    return np.take_along_axis(decision_s, step, axis=1)


def _first_come(arrivals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Tasks 0, 1, 2, … in turn: the queue is as long as what has come minus what has gone."""
    arrived = np.cumsum(arrivals, axis=1)
    step = np.arange(1, arrivals.shape[1] + 1)
    # Dispatched up to a step: all that came before some earlier moment of emptiness, plus one per step since then.
    gone = step + np.minimum.accumulate(np.minimum(arrived - step, 0), axis=1)
    before = np.concatenate([np.zeros((len(gone), 1), np.int64), gone[:, :-1]], axis=1)
    return np.where(gone > before, before, -1)


@allocating_kernel
def _by_rank(arrivals: NDArray[np.int64], rank: NDArray[np.float64]) -> NDArray[np.int64]:
    """The waiting task of the least rank at each step, the oldest of equals."""
    episodes, steps = arrivals.shape
    taken = np.full((episodes, steps), -1, np.int64)
    for n in range(episodes):
        waiting = [(0.0, 0) for _ in range(0)]
        arrived = 0
        for step in range(steps):
            for _ in range(arrivals[n, step]):
                heapq.heappush(waiting, (rank[n, arrived], arrived))
                arrived += 1
            if len(waiting) > 0:
                taken[n, step] = heapq.heappop(waiting)[1]
    return taken
