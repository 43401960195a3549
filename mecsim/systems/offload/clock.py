"""When decisions are: at every step, or whenever a task arrives (`dispatch.decide`).

The times of an episode are on its tape; here is what planners have to know to go on from one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_inline
from mecsim.systems.offload.scenario import OffloadScenario


class Clock(NamedTuple):
    """How time goes on; a tuple, so that compiled code can take it."""

    per_task: bool  # whether decisions are when tasks arrive
    step_s: float  # between two decisions, where they are not
    end_s: float  # after which nothing arrives; infinite where an episode ends with a number of decisions


def clock_of(scenario: OffloadScenario) -> Clock:
    """The clock of a scenario's episodes."""
    span_s = scenario.episode.span_s
    return Clock(scenario.per_task, scenario.episode.step_s, np.inf if span_s is None else span_s)


@compiled_inline
def waiting_first(clock: Clock, waiting: int) -> int:
    """The decisions that come before anybody else arrives: of those who came with the task at hand, one each."""
    return waiting if clock.per_task else 0


@compiled_inline
def time_ahead_s(
    clock: Clock, now_s: float, step: int, pool_s: NDArray[np.float64], p: int, at: int, offset: int
) -> float:
    """When the decision of `step` is, in a future whose first arrivals are those of step `offset` of row p of a pool.

    Args:
        clock: of the episode.
        now_s: of the decision at hand.
        step: later than that.
        pool_s: times of the pool's decisions, (P, T + 1).
        p: an episode of the pool.
        at: its step that comes to stand for `step`; before `offset` nobody has arrived yet.
        offset: at least 1 where decisions are when tasks arrive.
    """
    if not clock.per_task:
        return step * clock.step_s
    if at < offset:
        return now_s
    passed_s: float = pool_s[p, at] - pool_s[p, offset - 1]
    return min(now_s + passed_s, clock.end_s)
