"""The draws of a reel that concern tasks: when they arrive, whose they are, how large, how urgent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.physics import workload
from mecsim.physics.dispatch import dispatched_tasks
from mecsim.systems.offload.data import TaskTrace
from mecsim.systems.offload.draw.moments import Moments, draw_moments, windows_of
from mecsim.systems.offload.draw.reel import Phenomenon, Reel

LEAST_RELATIVE = 1e-9  # work of a bit: no task is for nothing


@dataclass(frozen=True)
class DrawnTasks:
    """The tasks of N episodes of T steps, as in `OffloadTapes`, and when each is dispatched."""

    moments: Moments
    user: NDArray[np.int64]  # (N, M)
    size_bit: NDArray[np.float64]  # (N, M)
    deadline_s: NDArray[np.float64]  # (N, M)
    priority: NDArray[np.int64]  # (N, M)
    cycles_per_bit: NDArray[np.float64]  # (N, M)
    output_bit: NDArray[np.float64]  # (N, M)
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
    return DrawnTasks(
        moments=moments,
        user=user,
        size_bit=size_bit,
        deadline_s=_draw_deadlines_s(reel, user.shape),
        priority=_draw_classes(reel, user.shape),
        cycles_per_bit=_draw_cycles(reel, user.shape),
        output_bit=_draw_outputs_bit(reel, user.shape),
    )


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

    def told(column: NDArray[Any] | None, drawn: Callable[[Reel, tuple[int, ...]], NDArray[Any]]) -> NDArray[Any]:
        """What the trace says of its tasks, or else the scenario."""
        return drawn(reel, index.shape) if column is None else column[index]

    return DrawnTasks(
        moments=windows.moments,
        user=np.where(exists, trace.user[index], 0),
        size_bit=np.where(exists, trace.size_bit[index], 0.0),
        deadline_s=told(trace.deadline_s, _draw_deadlines_s),
        priority=told(trace.priority, _draw_classes),
        cycles_per_bit=told(trace.cycles_per_bit, _draw_cycles),
        output_bit=told(trace.output_bit, _draw_outputs_bit),
        start_s=windows.start_s,
    )


def _draw_deadlines_s(reel: Reel, shape: tuple[int, ...]) -> NDArray[np.float64]:
    deadline_s = reel.scenario.tasks.deadline_s
    if deadline_s is None:
        return np.full(shape, np.inf)
    return reel.generator(Phenomenon.DEADLINES).uniform(deadline_s.low, deadline_s.high, shape)


def _draw_cycles(reel: Reel, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Cycles of a bit."""
    tasks = reel.scenario.tasks
    if tasks.cycles_distribution == "deterministic":
        return np.full(shape, tasks.cycles_per_bit)
    relative = workload.unit_mean_sizes(tasks.cycles_distribution, reel.generator(Phenomenon.WORK), shape, 1.0)
    return tasks.cycles_per_bit * np.maximum(relative, LEAST_RELATIVE)


def _draw_outputs_bit(reel: Reel, shape: tuple[int, ...]) -> NDArray[np.float64]:
    output_bit = reel.scenario.tasks.output_bit
    if output_bit is None:
        return np.zeros(shape)
    return reel.generator(Phenomenon.OUTPUT).uniform(output_bit.low, output_bit.high, shape)


def _draw_classes(reel: Reel, shape: tuple[int, ...]) -> NDArray[np.int64]:
    shares = reel.scenario.tasks.priorities
    if len(shares) == 1:
        return np.zeros(shape, np.int64)
    return reel.generator(Phenomenon.PRIORITIES).choice(len(shares), shape, p=np.divide(shares, sum(shares)))
