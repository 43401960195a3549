"""The draws of a reel that concern time: when decisions are, and how many tasks arrive at each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.systems.offload.data import TaskTrace, spans_s, steps_of
from mecsim.systems.offload.draw.reel import Phenomenon, Reel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """The decisions of N episodes, as in `OffloadTapes`."""

    decision_s: Array  # (N, T + 1)
    arrivals: NDArray[np.int64]  # (N, T)


@dataclass(frozen=True)
class Windows:
    """Episodes that are windows of a trace."""

    moments: Moments
    first: NDArray[np.int64]  # (N,) of the trace's tasks, in order
    end: NDArray[np.int64]  # (N,) the first one after it
    start_s: Array  # (N,) when the episode begins, by the clock of the trace


def draw_moments(reel: Reel, rng: np.random.Generator) -> Moments:
    """By the scenario's law of arrivals."""
    scenario, law, shape = reel.scenario, reel.scenario.arrivals.law, (reel.size, reel.scenario.steps)
    if not scenario.per_task:
        per_step = scenario.arrival_rate_per_s * scenario.episode.step_s
        return Moments(_steps_s(reel), law.draw_counts(rng, per_step, shape))
    time_s = np.cumsum(law.draw_gaps(rng, shape), axis=1) / scenario.arrival_rate_per_s
    span_s = scenario.episode.span_s
    exists = np.ones(shape, np.bool_) if span_s is None else time_s < span_s
    if span_s is not None and exists[:, -1].any():
        raise InputError(
            f"more than {shape[1] - 1} tasks arrived in {span_s:g} s, where {scenario.expected_arrivals:.0f} are "
            f"expected: the dispersion of the law of arrivals is higher than the {law.dispersion:g} that it tells"
        )
    return _by_task(time_s, exists, time_s[:, -1] if span_s is None else np.full(reel.size, span_s))


def windows_of(reel: Reel, trace: TaskTrace) -> Windows:
    """Recorded tasks: with a decision each step, those whose time lies in (t − Δt, t] arrive at the step at t."""
    if reel.scenario.per_task:
        return _windows_of_tasks(reel, trace)
    steps, step_s = reel.scenario.steps, reel.scenario.episode.step_s
    at = steps_of(trace, step_s)
    start = _draw_starts(reel, at)
    first, end = np.searchsorted(at, start), np.searchsorted(at, start + steps)
    arrivals = [np.bincount(at[i:j] - m, minlength=steps) for i, j, m in zip(first, end, start, strict=True)]
    start_s = np.multiply(start, step_s, dtype=np.float64)
    return Windows(Moments(_steps_s(reel), np.stack(arrivals)), first, end, start_s)


def _steps_s(reel: Reel) -> Array:
    """When decisions are at every step, (N, T + 1)."""
    step_s = np.multiply(np.arange(reel.scenario.steps + 1), reel.scenario.episode.step_s, dtype=np.float64)
    return np.tile(step_s, (reel.size, 1))


def _by_task(time_s: Array, exists: NDArray[np.bool_], end_s: Array) -> Moments:
    """A decision for each task that exists, in the order of their times (N, T), and what is left at the end (N,).

    Those of one moment wait for each other in the dispatch queue.
    """
    rows, steps = time_s.shape
    decision_s = np.concatenate([np.where(exists, time_s, end_s[:, None]), end_s[:, None]], axis=1)
    begins = np.diff(decision_s[:, :-1], axis=1, prepend=-1.0) > 0.0
    leader = np.maximum.accumulate(np.where(begins, np.arange(steps), 0), axis=1)
    cell = (leader + steps * np.arange(rows)[:, None])[exists]
    return Moments(decision_s, np.bincount(cell, minlength=rows * steps).reshape(rows, steps))


def _windows_of_tasks(reel: Reel, trace: TaskTrace) -> Windows:
    """So many tasks each, or those of a span of time.

    The clock of a number of tasks begins with the task before the first, so that all gaps are as they were.
    """
    steps, span_s, recorded_s = reel.scenario.steps, reel.scenario.episode.span_s, trace.time_s
    if span_s is None:
        first = _draw_first(reel, len(recorded_s))
        end = np.minimum(first + steps, len(recorded_s))
        start_s = recorded_s[np.maximum(first - 1, 0)]
    else:
        start_s, until_s = _draw_spans_s(reel, trace, span_s)
        first, end = np.searchsorted(recorded_s, start_s), np.searchsorted(recorded_s, until_s)
    index = first[:, None] + np.arange(steps)
    exists = index < end[:, None]
    time_s = recorded_s[np.minimum(index, len(recorded_s) - 1)] - start_s[:, None]
    end_s = recorded_s[np.maximum(end - 1, 0)] - start_s if span_s is None else np.full(reel.size, span_s)
    return Windows(_by_task(np.minimum(time_s, end_s[:, None]), exists, end_s), first, end, start_s)


def _draw_starts(reel: Reel, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The step of the trace at which each episode begins, (N,); `at` are the steps of the trace's tasks, in order.

    Sequential: episode i takes window i, starting over after the last one. Windows begin at multiples of their length;
    the first one is that of the first task. So an episode does not depend on how many there are, nor on the seed.
    """
    steps = reel.scenario.steps
    if reel.scenario.tasks.trace.start == "random":
        last = max(at[0], at[-1] - steps + 1)
        return reel.generator(Phenomenon.ARRIVALS).integers(at[0], last, reel.size, endpoint=True)
    first = at[0] // steps
    return np.asarray((first + _windows(reel, int(at[-1] // steps - first + 1))) * steps)


def _draw_first(reel: Reel, tasks: int) -> NDArray[np.int64]:
    """The first of the trace's tasks in each episode, (N,), likewise."""
    steps = reel.scenario.steps
    if reel.scenario.tasks.trace.start == "random":
        return reel.generator(Phenomenon.ARRIVALS).integers(0, max(0, tasks - steps), reel.size, endpoint=True)
    return np.asarray(_windows(reel, -(-tasks // steps)) * steps)


def _draw_spans_s(reel: Reel, trace: TaskTrace, span_s: float) -> tuple[Array, Array]:
    """When each episode of a span of time begins, (N,), and before when it ends, likewise."""
    first_s, last_s = float(trace.time_s[0]), float(trace.time_s[-1])
    if reel.scenario.tasks.trace.start == "random":
        latest_s = max(first_s, last_s - span_s)
        start_s = reel.generator(Phenomenon.ARRIVALS).uniform(first_s, latest_s, reel.size)
        return start_s, start_s + span_s
    edges_s = spans_s(trace, span_s)
    window = _windows(reel, len(edges_s) - 1)
    return edges_s[window], edges_s[window + 1]


def _windows(reel: Reel, count: int) -> NDArray[np.int64]:
    """Which of so many windows each episode is, (N,)."""
    return (reel.first + np.arange(reel.size)) % count
