"""Which tasks count as late, and how much.

A miss is a task that is finished after its deadline, or that is still in the dispatch queue at the end of an episode
although its deadline lies before it. Misses are a share of the tasks that were dispatched or expired so. Which tasks
are dispatched does not depend on the actions, so the share of a late task is known from the tape.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.dispatch import arrival_steps, arrival_times_s, dispatched_tasks
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes


class Counted(NamedTuple):
    """The tasks of N episodes."""

    tasks: NDArray[np.int64]  # (N,) that were dispatched, or expired
    expired: NDArray[np.int64]  # (N,) of these


def counted_of(scenario: OffloadScenario, tapes: OffloadTapes) -> Counted:
    """The tasks that misses are a share of."""
    taken = dispatched_tasks(
        scenario.dispatch.queue, tapes.arrivals, tapes.decision_s, tapes.priority, tapes.deadline_s
    )
    waiting = arrival_steps(tapes.arrivals, tapes.user.shape[1]) < tapes.arrivals.shape[1]
    rows, steps = np.nonzero(taken >= 0)
    waiting[rows, taken[rows, steps]] = False
    arrival_s = arrival_times_s(tapes.arrivals, tapes.user.shape[1], tapes.decision_s)
    expired = (waiting & (arrival_s + tapes.deadline_s < tapes.decision_s[:, -1:])).sum(axis=1)
    return Counted((taken >= 0).sum(axis=1) + expired, expired)
