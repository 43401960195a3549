"""What each step will dispatch: known from the tape, as the order of the queue does not depend on the actions."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import kernel, read_only
from mecsim.physics.dispatch import arrival_steps, dispatched_tasks
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

NOBODY = -1  # the task of a step at which none waits

TURN = np.dtype(
    [
        ("task", np.int64),
        ("user", np.int64),
        ("link", np.int64),
        ("now_s", np.float64),  # when it is decided; of the last one, when the episode ends
        ("elapsed_s", np.float64),  # since the last decision, or the beginning of the episode
        ("arrival_s", np.float64),
        ("size_bit", np.float64),
        ("work_bit", np.float64),  # of what bits would take the scenario's cycles_per_bit
        ("output_bit", np.float64),
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
    work_bit: NDArray[np.float64]
    output_bit: NDArray[np.float64]
    deadline_s: NDArray[np.float64]
    priority: NDArray[np.int64]


def turns_of(scenario: OffloadScenario, tapes: OffloadTapes) -> NDArray[Any]:
    """A record of type TURN per step, and one for the time after the last step, (N, T + 1)."""
    count, steps = tapes.arrivals.shape
    taken = dispatched_tasks(
        scenario.dispatch.queue, tapes.arrivals, tapes.decision_s, tapes.priority, tapes.deadline_s
    )
    turns = np.zeros((count, steps + 1), TURN)
    turns["task"], turns["now_s"] = NOBODY, tapes.decision_s
    turns["elapsed_s"] = np.diff(tapes.decision_s, axis=1, prepend=0.0)
    arrival_s = np.empty(tapes.user.shape)
    work_bit = tapes.size_bit * (tapes.cycles_per_bit / scenario.tasks.cycles_per_bit)
    columns = (tapes.user, tapes.link, tapes.size_bit, work_bit, tapes.output_bit, tapes.deadline_s, tapes.priority)
    tasks = _Tasks(*map(read_only, columns))
    _fill(turns, read_only(taken), read_only(tapes.arrivals), arrival_s, tasks)
    return turns


def upcoming_of(scenario: OffloadScenario, tapes: OffloadTapes, shown: int) -> NDArray[np.float64]:
    """Sizes in bit of the first `shown` tasks behind the head of the dispatch queue, (N, T + 1, shown).

    0 where so many do not wait, or no step is left to dispatch them.
    """
    count, steps = tapes.arrivals.shape
    upcoming = np.zeros((count, steps + 1, shown))
    if shown:
        tasks = tapes.user.shape[1]
        # Whoever waits is dispatched after the last step, too, so that the order of each queue is that of dispatch.
        arrivals = np.pad(tapes.arrivals, ((0, 0), (0, tasks)))
        order = dispatched_tasks(scenario.dispatch.queue, arrivals, tapes.decision_s, tapes.priority, tapes.deadline_s)
        arrival_step = arrival_steps(arrivals, tasks)
        _fill_upcoming(upcoming, *map(read_only, (order, arrivals, arrival_step, tapes.size_bit)))
    return upcoming


@kernel
def _fill_upcoming(
    upcoming: NDArray[np.float64], order: NDArray[np.int64], arrivals: NDArray[np.int64],
    arrival_step: NDArray[np.int64], size_bit: NDArray[np.float64],
) -> None:  # fmt: skip
    """Write the upcoming tasks of all episodes: those that are dispatched later and are there already."""
    for n in range(len(upcoming)):
        waiting = 0
        for step in range(upcoming.shape[1]):
            waiting = max(0, waiting - 1) + arrivals[n, step]  # the last step's head is gone
            found, later = 0, step
            while found < min(waiting - 1, upcoming.shape[2], upcoming.shape[1] - 2 - step):
                later += 1
                task = order[n, later]
                if task != NOBODY and arrival_step[n, task] <= step:
                    upcoming[n, step, found] = size_bit[n, task]
                    found += 1


@kernel
def _fill(
    turns: NDArray[Any], taken: NDArray[np.int64], arrivals: NDArray[np.int64], arrival_s: NDArray[np.float64],
    tasks: _Tasks,
) -> None:  # fmt: skip
    """Write the turns of all episodes, which have their times; `arrival_s` (N, M) is room to work in."""
    steps = arrivals.shape[1]
    for n in range(len(turns)):
        arrived = gone = 0
        arrived_bit = gone_bit = 0.0
        for step in range(steps + 1):
            for _ in range(arrivals[n, step] if step < steps else 0):
                arrival_s[n, arrived] = turns[n, step].now_s
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
            turn.arrival_s = arrival_s[n, task]
            turn.size_bit, turn.deadline_s = tasks.size_bit[n, task], tasks.deadline_s[n, task]
            turn.work_bit, turn.output_bit = tasks.work_bit[n, task], tasks.output_bit[n, task]
            turn.priority = tasks.priority[n, task]
            gone += 1
            gone_bit += tasks.size_bit[n, task]
