"""The draws of a reel that concern tasks: when they arrive, whose they are, how large, how urgent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.physics import workload
from mecsim.physics.dispatch import dispatched_tasks
from mecsim.systems.offload.data import TaskTrace
from mecsim.systems.offload.draw.moments import Moments, draw_moments, windows_of
from mecsim.systems.offload.draw.reel import Phenomenon, Reel


@dataclass(frozen=True)
class DrawnTasks:
    """The tasks of N episodes of T steps, as in `OffloadTapes`, and when each is dispatched."""

    moments: Moments
    user: NDArray[np.int64]  # (N, M)
    size_bit: NDArray[np.float64]  # (N, M)
    deadline_s: NDArray[np.float64]  # (N, M)
    priority: NDArray[np.int64]  # (N, M)
    start_s: NDArray[np.float64] | None = None  # (N,) when an episode of recorded tasks begins, by their clock


@dataclass(frozen=True)
class Dispatches:
    """When tasks are dispatched. Those that never are count as dispatched in the last step: nothing reads them."""

    task: NDArray[np.int64]  # (N, T) task of each step; −1 where none waits
    time_s: NDArray[np.float64]  # (N, M) of each task


def draw_tasks(reel: Reel, cpu_hz: NDArray[np.float64]) -> DrawnTasks:
    """The tasks of a reel; `cpu_hz`, (N, A), is what a balanced size depends on."""
    if reel.scenario.task_trace is not None:
        return _take_windows(reel, reel.scenario.task_trace)
    rng = reel.generator(Phenomenon.ARRIVALS)
    moments = draw_moments(reel, rng)
    user, size_bit = _draw_sizes_bit(reel, cpu_hz, moments.arrivals.sum(axis=1), rng)
    return DrawnTasks(moments, user, size_bit, _draw_deadlines_s(reel, user.shape), _draw_classes(reel, user.shape))


def dispatches_of(reel: Reel, tasks: DrawnTasks) -> Dispatches:
    """When the tasks of a reel are dispatched."""
    queue, moments = reel.scenario.dispatch.queue, tasks.moments
    taken = dispatched_tasks(queue, moments.arrivals, moments.decision_s, tasks.priority, tasks.deadline_s)
    step_of = np.full(tasks.user.shape, taken.shape[1] - 1)
    episode, step = np.nonzero(taken >= 0)
    step_of[episode, taken[episode, step]] = step
    return Dispatches(taken, np.take_along_axis(moments.decision_s, step_of, axis=1))


def _draw_sizes_bit(
    reel: Reel, cpu_hz: NDArray[np.float64], total: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Users and sizes, (N, M), of the `total` tasks (N,) of each episode; zeros where there is none."""
    scenario, users, size = reel.scenario, reel.scenario.users, reel.scenario.tasks.size
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
    return np.where(exists, user, 0), np.where(exists, size_bit, 0.0)


def _take_windows(reel: Reel, trace: TaskTrace) -> DrawnTasks:
    """Episodes that are windows of a trace."""
    windows = windows_of(reel, trace)
    index = windows.first[:, None] + np.arange(max(1, int((windows.end - windows.first).max())))
    exists = index < windows.end[:, None]
    index = np.minimum(index, len(trace.time_s) - 1)
    deadline_s, priority = _draw_deadlines_s(reel, index.shape), _draw_classes(reel, index.shape)
    if trace.deadline_s is not None:
        deadline_s = trace.deadline_s[index]
    if trace.priority is not None:
        priority = trace.priority[index]
    return DrawnTasks(
        moments=windows.moments,
        user=np.where(exists, trace.user[index], 0),
        size_bit=np.where(exists, trace.size_bit[index], 0.0),
        deadline_s=deadline_s,
        priority=priority,
        start_s=windows.start_s,
    )


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
