"""The draws of a reel that concern tasks: when they arrive, whose they are, how large, how urgent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.physics import workload
from mecsim.physics.dispatch import dispatched_tasks
from mecsim.systems.offload.data import TaskTrace, steps_of
from mecsim.systems.offload.draw.reel import Phenomenon, Reel


@dataclass(frozen=True)
class DrawnTasks:
    """The tasks of N episodes of T steps, as in `OffloadTapes`, and when each is dispatched."""

    arrivals: NDArray[np.int64]  # (N, T)
    user: NDArray[np.int64]  # (N, M)
    size_bit: NDArray[np.float64]  # (N, M)
    deadline_s: NDArray[np.float64]  # (N, M)
    priority: NDArray[np.int64]  # (N, M)
    start_s: NDArray[np.float64] | None = None  # (N,) when an episode of recorded tasks begins, by their clock


@dataclass(frozen=True)
class Dispatches:
    """When tasks are dispatched. Those that never are count as dispatched in the last step: nothing reads them."""

    task: NDArray[np.int64]  # (N, T) task of each step; −1 where none waits
    step: NDArray[np.int64]  # (N, M) step of each task


def draw_tasks(reel: Reel, cpu_hz: NDArray[np.float64]) -> DrawnTasks:
    """The tasks of a reel; `cpu_hz`, (N, A), is what a balanced size depends on."""
    if reel.scenario.task_trace is not None:
        return _take_windows(reel, reel.scenario.task_trace)
    arrivals, user, size_bit = _draw_arrivals(reel, cpu_hz)
    return DrawnTasks(arrivals, user, size_bit, _draw_deadlines_s(reel, user.shape), _draw_classes(reel, user.shape))


def dispatches_of(reel: Reel, tasks: DrawnTasks) -> Dispatches:
    """When the tasks of a reel are dispatched."""
    queue, step_s = reel.scenario.dispatch.queue, reel.scenario.episode.step_s
    taken = dispatched_tasks(queue, tasks.arrivals, step_s, tasks.priority, tasks.deadline_s)
    step_of = np.full(tasks.user.shape, taken.shape[1] - 1)
    episode, step = np.nonzero(taken >= 0)
    step_of[episode, taken[episode, step]] = step
    return Dispatches(taken, step_of)


def _draw_arrivals(
    reel: Reel, cpu_hz: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    scenario, users, size = reel.scenario, reel.scenario.users, reel.scenario.tasks.size
    rng = reel.generator(Phenomenon.ARRIVALS)
    per_step = users.arrival_rate_per_s * users.count * scenario.episode.step_s
    arrivals = scenario.arrivals.law.draw_counts(rng, per_step, (reel.size, scenario.episode.steps))
    total = arrivals.sum(axis=1)
    shape = (reel.size, max(1, int(total.max())))
    user = rng.integers(0, users.count, shape)
    mean_bit: NDArray[np.float64] | float
    if size.mean_bit == "balanced":
        mean_bit = workload.balanced_mean_size_bit(
            size.load, cpu_hz.sum(axis=1), scenario.tasks.cycles_per_bit, users.count, users.arrival_rate_per_s
        )[:, None]
    else:
        mean_bit = size.mean_bit
    relative = workload.unit_mean_sizes(size.distribution, reel.generator(Phenomenon.SIZES), shape, size.scv)
    size_bit = mean_bit * relative
    if size.clip_bit is not None:
        size_bit = np.clip(size_bit, size.clip_bit.low, size.clip_bit.high)
    exists = np.arange(shape[1]) < total[:, None]
    return arrivals, np.where(exists, user, 0), np.where(exists, size_bit, 0.0)


def _take_windows(reel: Reel, trace: TaskTrace) -> DrawnTasks:
    """Episodes that are windows of a trace: tasks whose time lies in (t − Δt, t] arrive at the step at t."""
    steps, step_s = reel.scenario.episode.steps, reel.scenario.episode.step_s
    at = steps_of(trace, step_s)
    start = _draw_starts(reel, at)
    first, end = np.searchsorted(at, start), np.searchsorted(at, start + steps)
    arrivals = [np.bincount(at[i:j] - m, minlength=steps) for i, j, m in zip(first, end, start, strict=True)]
    index = first[:, None] + np.arange(max(1, int((end - first).max())))
    exists = index < end[:, None]
    index = np.minimum(index, len(at) - 1)
    deadline_s, priority = _draw_deadlines_s(reel, index.shape), _draw_classes(reel, index.shape)
    if trace.deadline_s is not None:
        deadline_s = trace.deadline_s[index]
    if trace.priority is not None:
        priority = trace.priority[index]
    return DrawnTasks(
        arrivals=np.stack(arrivals),
        user=np.where(exists, trace.user[index], 0),
        size_bit=np.where(exists, trace.size_bit[index], 0.0),
        deadline_s=deadline_s,
        priority=priority,
        start_s=np.multiply(start, step_s, dtype=np.float64),
    )


def _draw_starts(reel: Reel, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The step of the trace at which each episode begins, (N,); `at` are the steps of the trace's tasks, in order.

    Sequential: episode i takes window i, starting over after the last one. Windows begin at multiples of their length;
    the first one is that of the first task. So an episode does not depend on how many there are, nor on the seed.
    """
    steps = reel.scenario.episode.steps
    if reel.scenario.tasks.trace.start == "random":
        last = max(at[0], at[-1] - steps + 1)
        return reel.generator(Phenomenon.ARRIVALS).integers(at[0], last, reel.size, endpoint=True)
    first, last = at[0] // steps, at[-1] // steps
    window = (reel.first + np.arange(reel.size)) % (last - first + 1)
    return np.asarray((first + window) * steps)


def _draw_deadlines_s(reel: Reel, shape: tuple[int, ...]) -> NDArray[np.float64]:
    deadline_s = reel.scenario.tasks.deadline_s
    if deadline_s is None:
        return np.full(shape, np.inf)
    return reel.generator(Phenomenon.DEADLINES).uniform(deadline_s.low, deadline_s.high, shape)


def _draw_classes(reel: Reel, shape: tuple[int, ...]) -> NDArray[np.int64]:
    shares = reel.scenario.tasks.priorities
    if len(shares) == 1:
        return np.zeros(shape, np.int64)
    return reel.generator(Phenomenon.PRIORITIES).choice(len(shares), shape, p=np.divide(shares, sum(shares)))
