"""What each step will dispatch: known from the tape, as the order of the queue does not depend on the actions."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import kernel, read_only
from mecsim.physics.dispatch import dispatched_tasks
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

NOBODY = -1  # the task of a step at which none waits

TURN = np.dtype(
    [
        ("task", np.int64),
        ("user", np.int64),
        ("link", np.int64),
        ("arrival_step", np.int64),
        ("size_bit", np.float64),
        ("deadline_s", np.float64),  # after the arrival
        ("queued_bit", np.float64),  # in the dispatch queue, this task included
        ("queued_tasks", np.int32),
        ("priority", np.int32),
    ],
    align=True,
)


class _Tasks(NamedTuple):
    """The columns of a tape that turns tell of, each (N, M)."""

    user: NDArray[np.int64]
    link: NDArray[np.int64]
    size_bit: NDArray[np.float64]
    deadline_s: NDArray[np.float64]
    priority: NDArray[np.int64]


def turns_of(scenario: OffloadScenario, tapes: OffloadTapes) -> NDArray[Any]:
    """A record of type TURN per step, and one for the time after the last step, (N, T + 1)."""
    count, steps = tapes.arrivals.shape
    step_s = scenario.episode.step_s
    taken = dispatched_tasks(scenario.dispatch.queue, tapes.arrivals, step_s, tapes.priority, tapes.deadline_s)
    turns = np.zeros((count, steps + 1), TURN)
    turns["task"] = NOBODY
    arrival_step = np.empty(tapes.user.shape, np.int64)
    tasks = _Tasks(*map(read_only, (tapes.user, tapes.link, tapes.size_bit, tapes.deadline_s, tapes.priority)))
    _fill(turns, read_only(taken), read_only(tapes.arrivals), arrival_step, tasks)
    return turns


@kernel
def _fill(
    turns: NDArray[Any], taken: NDArray[np.int64], arrivals: NDArray[np.int64], arrival_step: NDArray[np.int64],
    tasks: _Tasks,
) -> None:  # fmt: skip
    """Write the turns of all episodes; `arrival_step` (N, M) is room to work in."""
    steps = arrivals.shape[1]
    for n in range(len(turns)):
        arrived = gone = 0
        arrived_bit = gone_bit = 0.0
        for step in range(steps + 1):
            for _ in range(arrivals[n, step] if step < steps else 0):
                arrival_step[n, arrived] = step
                arrived_bit += tasks.size_bit[n, arrived]
                arrived += 1
            turn = turns[n, step]
            turn.queued_tasks = arrived - gone
            if arrived > gone:  # else no dust of a difference of sums
                turn.queued_bit = arrived_bit - gone_bit
            if step == steps or taken[n, step] == NOBODY:
                continue
            task = taken[n, step]
            turn.task, turn.user, turn.link = task, tasks.user[n, task], tasks.link[n, task]
            turn.arrival_step = arrival_step[n, task]
            turn.size_bit, turn.deadline_s = tasks.size_bit[n, task], tasks.deadline_s[n, task]
            turn.priority = tasks.priority[n, task]
            gone += 1
            gone_bit += tasks.size_bit[n, task]
