"""What each step will dispatch: known from the tape, as the order of the queue does not depend on the actions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.engines.tape import Tapes
from mecsim.physics.dispatch import arrival_steps, dispatched_tasks
from mecsim.scenario import Scenario

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


def turns_of(scenario: Scenario, tapes: Tapes) -> NDArray[Any]:
    """A record of type TURN per step, and one for the time after the last step, (N, T + 1)."""
    count, steps = tapes.arrivals.shape
    step_s = scenario.episode.step_s
    taken = dispatched_tasks(scenario.dispatch.queue, tapes.arrivals, step_s, tapes.priority, tapes.deadline_s)
    rows = np.arange(count)[:, None]
    turns = np.zeros((count, steps + 1), TURN)
    turns["task"] = NOBODY
    turns["task"][:, :-1] = taken
    sent = taken != NOBODY
    task = np.where(sent, taken, 0)
    columns = {
        "user": tapes.user,
        "link": tapes.link,
        "size_bit": tapes.size_bit,
        "deadline_s": tapes.deadline_s,
        "priority": tapes.priority,
        "arrival_step": arrival_steps(tapes.arrivals, tapes.user.shape[1]),
    }
    for name, values in columns.items():
        turns[name][:, :-1] = np.where(sent, values[rows, task], 0)
    before = np.zeros((count, 1))
    arrived = np.cumsum(tapes.arrivals, axis=1)
    arrived_bit = np.concatenate([before, np.cumsum(tapes.size_bit, axis=1)], axis=1)[rows, arrived]
    gone = np.concatenate([before, np.cumsum(sent, axis=1)], axis=1)
    gone_bit = np.concatenate([before, np.cumsum(np.where(sent, tapes.size_bit[rows, task], 0.0), axis=1)], axis=1)
    # Nothing arrives after the last step, so what waits then is what is left.
    queued_tasks = np.concatenate([arrived, arrived[:, -1:]], axis=1) - gone
    queued_bit = np.concatenate([arrived_bit, arrived_bit[:, -1:]], axis=1) - gone_bit
    turns["queued_tasks"] = queued_tasks
    turns["queued_bit"] = np.where(queued_tasks > 0, queued_bit, 0.0)  # no dust of a difference of sums
    return turns
