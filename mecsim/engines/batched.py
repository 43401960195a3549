"""The batched engine: many episodes side by side, compiled, on all of Numba's threads.

One pass per step and episode: dispatch, let the servers work for a step, take in what arrives, write the observation.
The definition of the system is in `simpy_engine`; both agree to 1e-9 on the same tape and actions.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from mecsim.compiled import compiled_inline, compiled_parallel, threads_for
from mecsim.engines.system import (
    ABSENT,
    CPU_GHZ,
    DELAY,
    EDGES,
    ENERGY,
    EXECUTING,
    HISTOGRAM,
    QUEUED_MBIT,
    QUEUED_TASKS,
    RATE_MBIT_PER_S,
    REMAINING,
    SIZE_MBIT,
    TO_GHZ,
    TO_MBIT,
    UPLOADING,
    Observation,
    Records,
    System,
    checked_action,
    histogram_bin,
    system_of,
)
from mecsim.engines.tape import Tapes
from mecsim.physics.energy import execution_energy_j, upload_energy_j
from mecsim.physics.processor_sharing import NONE, added_delay_s, advance, idle_servers, send, unsent_tasks
from mecsim.scenario import Scenario

RecordArray = NDArray[Any]  # of the record type that a comment names


EPISODE = np.dtype(
    [
        ("num_servers", np.int64),
        ("head", np.int64),  # tasks head .. tail − 1 of the tape wait in the FIFO dispatch queue
        ("tail", np.int64),
    ]
)
WAITING = np.dtype(
    [
        ("user", np.int64),
        ("size_bit", np.float64),
        ("earlier_bit", np.float64),  # sum of the sizes of all tasks before this one
    ]
)
DISPATCH = np.dtype([("task", np.int64), ("server", np.int64), ("delay_s", np.float64), ("energy_j", np.float64)])


class _State(NamedTuple):
    """All episodes, as arrays of records (see `processor_sharing`)."""

    episodes: RecordArray  # (N,) of EPISODE
    servers: RecordArray  # (N, A) of SERVER
    tasks: RecordArray  # (N, T) of TASK, a slot per step: a step dispatches at most one task
    log: RecordArray  # (N, T) of DISPATCH, the same slots
    waiting: RecordArray  # (N, M + 1) of WAITING, in the order of arrival
    arrivals: NDArray[np.int64]  # (N, T)
    cpu_hz: NDArray[np.float64]  # (N, A)
    rate_bit_per_s: NDArray[np.float64]  # (N, U, A)
    scratch_bit: NDArray[np.float64]  # (N, T + 1)


class BatchedEngine:
    """Implements `OffloadEngine` for any number of episodes. See there for the meaning of each method."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.system = system_of(scenario)
        self._step = 0

    def begin(self, tapes: Tapes) -> None:
        tapes.check_fits(self.scenario)
        count, steps = tapes.arrivals.shape
        episodes = np.zeros(count, EPISODE)
        episodes["num_servers"] = tapes.num_servers
        episodes["tail"] = tapes.arrivals[:, 0]
        waiting = np.zeros((count, tapes.size_bit.shape[1] + 1), WAITING)
        waiting["user"][:, :-1] = tapes.user
        waiting["size_bit"][:, :-1] = tapes.size_bit
        np.cumsum(tapes.size_bit, axis=1, out=waiting["earlier_bit"][:, 1:])
        log = np.zeros((count, steps), DISPATCH)
        log["task"] = NONE
        self._tapes = tapes
        self._state = _State(
            episodes=episodes,
            servers=idle_servers(tapes.cpu_hz / self.system.cycles_per_bit),
            tasks=unsent_tasks(count, steps),
            log=log,
            waiting=waiting,
            arrivals=tapes.arrivals,
            cpu_hz=tapes.cpu_hz,
            rate_bit_per_s=tapes.rate_bit_per_s,
            scratch_bit=np.empty((count, steps + 1)),
        )
        self._step = 0

    def observe(self, out: Observation) -> None:
        with threads_for(len(self._tapes)):
            _observe_all(self.system, self._state, self._step, out.options, out.mask, out.context)

    def option_costs(self) -> NDArray[np.float64]:
        cost = np.empty((*self._state.servers.shape, 2))
        with threads_for(len(self._tapes)):
            _option_costs(self.system, self._state, self._step, cost)
        return cost

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        valid = self._checked(action)
        cost = np.empty((len(valid), 2))
        with threads_for(len(self._tapes)):
            _step_all(self.system, self._state, self._step, valid, cost)
        self._step += 1
        return cost

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        valid = self._checked(action)
        cost = np.empty((len(valid), 2))
        with threads_for(len(self._tapes)):
            _step_and_observe_all(self.system, self._state, self._step, valid, cost, out.options, out.mask, out.context)
        self._step += 1
        return cost

    def _checked(self, action: NDArray[np.int64]) -> NDArray[np.int64]:
        return checked_action(action, self._tapes.num_servers, self._step, self.system.steps)

    def records(self) -> Records:
        with threads_for(len(self._tapes)):
            _drain_all(self.system, self._state, self._step)
        tapes, log = self._tapes, self._state.log
        dispatched = log["task"] >= 0
        rows = np.arange(len(tapes))[:, None]
        task = np.where(dispatched, log["task"], 0)
        user = np.where(dispatched, tapes.user[rows, task], 0)
        arrived_by = np.cumsum(tapes.arrivals, axis=1)
        pairs = zip(arrived_by, task, strict=True)
        arrival_step = np.stack([np.searchsorted(by_step, tasks, "right") for by_step, tasks in pairs])
        dispatch_s = np.broadcast_to(np.arange(task.shape[1]) * self.system.step_s, task.shape)

        def where_dispatched(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.where(dispatched, values, 0.0)

        return Records(
            task=log["task"].copy(),
            user=user,
            size_bit=where_dispatched(tapes.size_bit[rows, task]),
            server=log["server"].copy(),
            rate_bit_per_s=where_dispatched(tapes.rate_bit_per_s[rows, user, log["server"]]),
            arrival_s=where_dispatched(arrival_step * self.system.step_s),
            dispatch_s=where_dispatched(dispatch_s),
            upload_end_s=where_dispatched(self._state.tasks["upload_end_s"]),
            finish_s=where_dispatched(self._state.tasks["finish_s"]),
            energy_j=log["energy_j"].copy(),
            reward_delay_s=-log["delay_s"],
        )


@compiled_inline
def _costs_of(
    system: System, state: _State, n: int, e: int, now_s: float, size_bit: float, rate_bit_per_s: float
) -> tuple[float, float]:
    """Immediate delay (s) and energy (J) of sending a task to server `e` now."""
    upload_s = size_bit / rate_bit_per_s
    delay_s = added_delay_s(state.servers, state.tasks, n, e, now_s, size_bit, upload_s, state.scratch_bit)
    energy_j = upload_energy_j(system.tx_power_w, upload_s) + execution_energy_j(
        system.capacitance, system.cycles_per_bit, state.cpu_hz[n, e], size_bit
    )
    return delay_s, energy_j


@compiled_inline
def _step_one(system: System, state: _State, n: int, step: int, action: int, cost: NDArray[np.float64]) -> None:
    """Dispatch in episode `n`, let every server work for a step, take in the arrivals of the next one."""
    now_s, next_s = step * system.step_s, (step + 1) * system.step_s
    episode = state.episodes[n]
    delay_s = energy_j = 0.0
    if episode.head < episode.tail:
        task = state.waiting[n, episode.head]
        rate_bit_per_s = state.rate_bit_per_s[n, task.user, action]
        delay_s, energy_j = _costs_of(system, state, n, action, now_s, task.size_bit, rate_bit_per_s)
        entry = state.log[n, step]
        entry.task, entry.server, entry.delay_s, entry.energy_j = episode.head, action, delay_s, energy_j
        send(state.servers, state.tasks, n, action, step, task.size_bit, now_s + task.size_bit / rate_bit_per_s)
        episode.head += 1
    cost[n, DELAY], cost[n, ENERGY] = delay_s, energy_j
    for e in range(episode.num_servers):
        advance(state.servers, state.tasks, n, e, now_s, next_s)
    if step + 1 < system.steps:
        episode.tail += state.arrivals[n, step + 1]


@compiled_inline
def _observe_one(
    system: System, state: _State, n: int, step: int,
    options: NDArray[np.floating], mask: NDArray[np.int8], context: NDArray[np.floating],
) -> None:  # fmt: skip
    """Write the observation of episode `n` at the start of `step`."""
    episode = state.episodes[n]
    waiting = episode.head < episode.tail
    head, tail = state.waiting[n, episode.head], state.waiting[n, episode.tail]
    size_bit = head.size_bit if waiting else 0.0
    num_servers, edges = episode.num_servers, episode.num_servers - system.clouds
    rows = options[n]
    rows[:num_servers] = 0.0
    rows[num_servers:] = ABSENT
    for e in range(num_servers):
        mask[n, e] = 1
        server = state.servers[n, e]
        rate_bit_per_s = state.rate_bit_per_s[n, head.user, e] if waiting else 0.0
        rows[e, SIZE_MBIT] = size_bit * TO_MBIT
        rows[e, RATE_MBIT_PER_S] = rate_bit_per_s * TO_MBIT
        rows[e, CPU_GHZ] = state.cpu_hz[n, e] * TO_GHZ
        rows[e, EXECUTING] = server.executing
        rows[e, UPLOADING] = server.uploading
        rows[e, EDGES] = edges
        at = server.first_to_finish
        while at != NONE:
            residual_bit = state.tasks[n, at].threshold_bit - server.attained_bit
            rows[e, HISTOGRAM + histogram_bin(residual_bit, system.bins_per_bit, system.bins)] += 1.0
            at = state.tasks[n, at].following
        if system.cost_features and waiting:
            delay_s, energy_j = _costs_of(system, state, n, e, step * system.step_s, size_bit, rate_bit_per_s)
            rows[e, HISTOGRAM + system.bins + DELAY] = delay_s
            rows[e, HISTOGRAM + system.bins + ENERGY] = energy_j
    for e in range(num_servers, mask.shape[1]):
        mask[n, e] = 0
    context[n, QUEUED_TASKS] = episode.tail - episode.head
    context[n, QUEUED_MBIT] = (tail.earlier_bit - head.earlier_bit) * TO_MBIT
    context[n, REMAINING] = (system.steps - step) / system.steps


@compiled_parallel
def _observe_all(
    system: System, state: _State, step: int,
    options: NDArray[np.floating], mask: NDArray[np.int8], context: NDArray[np.floating],
) -> None:  # fmt: skip
    for n in numba.prange(len(mask)):
        _observe_one(system, state, n, step, options, mask, context)


@compiled_parallel
def _step_all(system: System, state: _State, step: int, action: NDArray[np.int64], cost: NDArray[np.float64]) -> None:
    for n in numba.prange(len(action)):
        _step_one(system, state, n, step, action[n], cost)


@compiled_parallel
def _step_and_observe_all(
    system: System, state: _State, step: int, action: NDArray[np.int64], cost: NDArray[np.float64],
    options: NDArray[np.floating], mask: NDArray[np.int8], context: NDArray[np.floating],
) -> None:  # fmt: skip
    for n in numba.prange(len(action)):
        _step_one(system, state, n, step, action[n], cost)
        _observe_one(system, state, n, step + 1, options, mask, context)


@compiled_parallel
def _option_costs(system: System, state: _State, step: int, cost: NDArray[np.float64]) -> None:
    for n in numba.prange(len(cost)):
        episode = state.episodes[n]
        head = state.waiting[n, episode.head]
        cost[n, : episode.num_servers] = 0.0
        cost[n, episode.num_servers :] = np.inf
        if episode.head < episode.tail:
            for e in range(episode.num_servers):
                rate_bit_per_s = state.rate_bit_per_s[n, head.user, e]
                cost[n, e, DELAY], cost[n, e, ENERGY] = _costs_of(
                    system, state, n, e, step * system.step_s, head.size_bit, rate_bit_per_s
                )


@compiled_parallel
def _drain_all(system: System, state: _State, step: int) -> None:
    for n in numba.prange(len(state.servers)):
        for e in range(state.episodes[n].num_servers):
            advance(state.servers, state.tasks, n, e, step * system.step_s, np.inf)
