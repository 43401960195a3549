"""Which tasks count as late, and how much.

A miss is a task that is finished after its deadline, or that is still in the dispatch queue at the end of an episode
although its deadline lies before it. Misses are a share of the tasks that were dispatched or expired so. Which tasks
are dispatched does not depend on the actions, so the share of a late task is known from the tape.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.dispatch import arrival_steps, arrival_times_s
from mecsim.systems.offload.tape import OffloadTapes


class Counted(NamedTuple):
    """The tasks of N episodes."""

    tasks: NDArray[np.int64]  # (N,) that were dispatched, or expired
    expired: NDArray[np.int64]  # (N,) of these


def never_dispatched(tapes: OffloadTapes, task: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which tasks still wait when their episode ends, (N, M); `task` is that of each step, (N, T), −1 for none."""
    waiting: NDArray[np.bool_] = arrival_steps(tapes.arrivals, tapes.user.shape[1]) < tapes.arrivals.shape[1]
    rows, steps = np.nonzero(task >= 0)
    waiting[rows, task[rows, steps]] = False
    return waiting


def counted_of(tapes: OffloadTapes, task: NDArray[np.int64]) -> Counted:
    """The tasks that misses are a share of; `task` as of `never_dispatched`."""
    waiting = never_dispatched(tapes, task)
    arrival_s = arrival_times_s(tapes.arrivals, tapes.user.shape[1], tapes.decision_s)
    expired = (waiting & (arrival_s + tapes.deadline_s < tapes.decision_s[:, -1:])).sum(axis=1)
    return Counted((task >= 0).sum(axis=1) + expired, expired)
