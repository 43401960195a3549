"""The dispatch queue against a naive one: everybody who waits is sorted anew at each step."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.physics.dispatch import Queue, arrival_steps, dispatched_tasks

QUEUES: list[Queue] = ["fifo", "priority", "edf"]


def naive(arrivals: list[int], rank: Callable[[int, int], float]) -> list[int]:
    """The task of each step; `rank` of task and arrival step, the oldest of equals first."""
    waiting: list[tuple[float, int]] = []
    taken, arrived = [], 0
    for step, count in enumerate(arrivals):
        waiting += [(rank(arrived + k, step), arrived + k) for k in range(count)]
        arrived += count
        waiting.sort()
        taken.append(waiting.pop(0)[1] if waiting else -1)
    return taken


def rank_of(
    queue: Queue, step_s: float, priority: NDArray[np.int64], deadline_s: NDArray[np.float64]
) -> Callable[[int, int], float]:
    """What a queue sorts the tasks of an episode by."""
    ranks: dict[Queue, Callable[[int, int], float]] = {
        "fifo": lambda task, step: 0.0,
        "priority": lambda task, step: float(priority[task]),
        "edf": lambda task, step: step * step_s + float(deadline_s[task]),
    }
    return ranks[queue]


@settings(max_examples=200)
@given(
    arrivals=st.lists(st.lists(st.integers(0, 4), min_size=9, max_size=9), min_size=1, max_size=3),
    spare=st.integers(0, 3),
    step_s=st.sampled_from([1.0, 0.1, 7.3]),
    seed=st.integers(0, 2**32),
)
def test_the_least_rank_goes_first(arrivals: list[list[int]], spare: int, step_s: float, seed: int) -> None:
    """fifo by age, priority by class, edf by the time at which the deadline is; several episodes, many ties."""
    rng = np.random.default_rng(seed)
    tasks = max(sum(row) for row in arrivals) + spare
    priority = rng.integers(0, 3, (len(arrivals), tasks))
    deadline_s = step_s * rng.choice([0.5, 1.0, 2.0, 7.0, np.inf], (len(arrivals), tasks))
    decision_s = np.tile(np.arange(10) * step_s, (len(arrivals), 1))
    for queue in QUEUES:
        taken = dispatched_tasks(queue, np.array(arrivals), decision_s, priority, deadline_s)
        for n, row in enumerate(arrivals):
            rank = rank_of(queue, step_s, priority[n], deadline_s[n])
            assert taken[n].tolist() == naive(row, rank)


def small(queue: Queue) -> NDArray[np.int64]:
    """Three tasks at once, one at step 1 and two at step 4; 1 s per step."""
    priority, deadline_s = np.array([[2, 1, 1, 0, 1, 0]]), np.array([[2.5, 9.0, 3.0, 1.2, 5.0, 5.0]])
    return dispatched_tasks(queue, np.array([[3, 1, 0, 0, 2, 0, 0]]), np.arange(8.0)[None], priority, deadline_s)


@pytest.mark.parametrize(
    ("queue", "order"),
    [
        ("fifo", [0, 1, 2, 3, 4, 5, -1]),
        ("priority", [1, 3, 2, 0, 5, 4, -1]),
        ("edf", [0, 3, 2, 1, 4, 5, -1]),  # due at 2.5, 9, 3, 2.2, 9 and 9 s
    ],
)
def test_six_tasks_by_hand(queue: Queue, order: list[int]) -> None:
    assert small(queue)[0].tolist() == order


def test_arrival_steps_by_hand() -> None:
    """T for tasks that never come."""
    np.testing.assert_array_equal(
        arrival_steps(np.array([[0, 2, 0, 1], [3, 0, 0, 1]]), 5), [[1, 1, 3, 4, 4], [0, 0, 0, 3, 4]]
    )
