"""The batched engine: many episodes side by side, compiled, on all of Numba's threads.

One pass per step and episode: dispatch, let the servers work for a step, write the observation. Which task a step
dispatches does not depend on the actions, so that is known from the start. The definition of the system is in
`simpy`; both agree to 1e-9 on the same tape and actions.
"""

from copy import copy
from typing import Any, Self

import numba
import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_inline, compiled_parallel, threads_for
from mecsim.core.engine import ABSENT, Observation, checked_actions
from mecsim.core.histogram import histogram_bin
from mecsim.physics.processor_sharing import NONE
from mecsim.systems.offload.dynamics import (
    State,
    advance_all,
    costs_of,
    forked,
    idle_j,
    initial_state,
    step_one,
    write_costs,
    write_rewards,
)
from mecsim.systems.offload.engine import check_options
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.layout import (
    CPU_GHZ,
    EDGES,
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
    OffloadSpec,
    offload_spec,
)
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.rollouts import Rollouts
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY


class BatchedOffloadEngine:
    """Implements `OffloadEngine` for any number of episodes. See there for the meaning of each method."""

    xp = np

    def __init__(self, scenario: OffloadScenario) -> None:
        self.scenario = scenario
        self.spec = offload_spec(scenario)
        self.state: State
        self.step_index = 0
        self._ended = False
        self._rollouts: Rollouts | None = None

    @property
    def steps(self) -> int:
        return self.spec.steps

    def begin(self, tapes: OffloadTapes) -> None:
        tapes.check_fits(self.scenario)
        self._tapes = tapes
        self.state = initial_state(self.scenario, self.spec, tapes)
        self.step_index, self._ended, self._rollouts = 0, False, None

    def observe(self, out: Observation) -> None:
        with threads_for(len(self._tapes)):
            _observe_all(self.spec, self.state, self.step_index, out)

    def option_rewards(self) -> NDArray[np.float64]:
        reward = np.empty((len(self._tapes), self.spec.max_options, self.spec.num_rewards))
        with threads_for(len(self._tapes)):
            _option_rewards(self.spec, self.state, self.step_index, reward)
        return reward

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_rollouts": None}  # whose room is written to: copies have their own

    def fork(self) -> Self:
        copied = copy(self)
        copied.state = forked(self.state)
        return copied

    def backlog_s(self) -> NDArray[np.float64]:
        backlog = np.empty((len(self._tapes), self.spec.max_options))
        with threads_for(len(self._tapes)):
            _backlogs(self.spec, self.state, self.step_index, backlog)
        return backlog

    def rollouts(self, futures: Futures, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._rollouts is None:
            self._rollouts = Rollouts(self.scenario, self.spec, self._tapes, self.state)
        return self._rollouts.values(self.state, self.step_index, futures, weight)

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        valid = self._checked(action)
        reward = np.empty((len(valid), self.spec.num_rewards))
        with threads_for(len(self._tapes)):
            _step_all(self.spec, self.state, self.step_index, valid, reward)
        self.step_index += 1
        return reward

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        valid = self._checked(action)
        reward = np.empty((len(valid), self.spec.num_rewards))
        with threads_for(len(self._tapes)):
            _step_and_observe_all(self.spec, self.state, self.step_index, valid, reward, out)
        self.step_index += 1
        return reward

    def _checked(self, action: NDArray[np.int64]) -> NDArray[np.int64]:
        valid = checked_actions(action, len(self._tapes), self._ended or self.step_index >= self.steps)
        check_options(valid, self._tapes.num_servers + int(self.spec.device))
        return valid

    def records(self) -> OffloadRecords:
        with threads_for(len(self._tapes)):
            _drain_all(self.spec, self.state, self.step_index)
        self._ended = True
        spec, log, turns = self.spec, self.state.log, self.state.turns[:, :-1]
        sent = (turns["task"] != NOBODY) & (np.arange(spec.steps) < self.step_index)

        def where_sent(values: NDArray[Any]) -> NDArray[Any]:
            return np.where(sent, values, 0)

        ends = self.state.jobs if spec.contended else self.state.tasks
        dispatch_s = np.broadcast_to(np.arange(spec.steps) * spec.step_s, sent.shape)
        upload_s = ends["upload_end_s"] - dispatch_s
        energy_j = log["energy_j"]
        if spec.interference:  # a dispatch costs others their energy, too; a task's own is what it took in the end
            radio = log["server"] < spec.max_servers
            energy_j = np.where(radio, spec.tx_power_w * upload_s, 0.0) + log["execution_j"]
        since_s = turns["arrival_step"] * spec.step_s if spec.waiting_in_delay else dispatch_s
        return OffloadRecords(
            task=np.where(sent, turns["task"], NOBODY),
            user=where_sent(turns["user"]),
            size_bit=where_sent(turns["size_bit"]),
            server=where_sent(log["server"]),
            rate_bit_per_s=where_sent(self._rates(upload_s)),
            arrival_s=where_sent(turns["arrival_step"] * spec.step_s),
            dispatch_s=where_sent(dispatch_s),
            upload_end_s=where_sent(ends["upload_end_s"]),
            finish_s=where_sent(ends["finish_s"]),
            energy_j=where_sent(energy_j),
            reward_delay_s=-where_sent(log["delay_s"]),
            deadline_s=where_sent(turns["arrival_step"] * spec.step_s + turns["deadline_s"]),
            satisfaction=where_sent(self._ratings(where_sent(ends["finish_s"] - since_s))),
        )

    def _ratings(self, delay_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """How satisfied users are with the delay of each task, (N, T)."""
        satisfaction, user = self.scenario.satisfaction, self.state.turns["user"][:, :-1]
        if satisfaction is None:
            return np.zeros(delay_s.shape)
        return satisfaction.law.ratings(delay_s, self._tapes.patience[np.arange(len(user))[:, None], user])

    def _rates(self, upload_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean rate of each upload, (N, T)."""
        server, turns = self.state.log["server"], self.state.turns[:, :-1]
        on_radio = server < self.spec.max_servers
        if self.spec.interference:
            return np.asarray(np.divide(turns["size_bit"], upload_s, out=np.zeros_like(upload_s), where=upload_s > 0.0))
        rows = np.arange(len(server))[:, None]
        rate = self._tapes.rate_bit_per_s[rows, turns["link"], np.where(on_radio, server, 0)]
        return np.asarray(np.where(on_radio, rate, 0.0))


@compiled_inline
def _observe_one(spec: OffloadSpec, state: State, n: int, step: int, out: Observation) -> None:
    """Write the observation of episode `n` at the start of `step`."""
    mask, context = out.mask, out.context
    turn = state.turns[n, step]
    waiting = turn.task != NOBODY
    num_servers = state.num_servers[n]
    num_options = num_servers + spec.device
    rows = out.options[n]
    rows[:num_options] = 0.0
    rows[num_options:] = ABSENT
    first_cost = HISTOGRAM + spec.bins
    extra = first_cost + (2 + spec.rated) * spec.cost_features
    for e in range(num_options):
        mask[n, e] = 1
        on_radio = e < num_servers
        if on_radio or waiting:
            _describe(spec, state, n, e if on_radio else spec.max_servers + turn.user, rows[e])
        rows[e, EDGES] = num_servers - spec.clouds
        if waiting:
            rows[e, SIZE_MBIT] = turn.size_bit * TO_MBIT
            rows[e, RATE_MBIT_PER_S] = state.rate_bit_per_s[n, turn.link, e] * TO_MBIT if on_radio else 0.0
            if spec.cost_features:
                delay_s, energy_j, shortfall = costs_of(spec, state, n, e, step, turn)
                write_costs(spec, rows[e, first_cost:], delay_s, energy_j + idle_j(spec, state, n), shortfall)
        column = extra
        if spec.device:
            rows[e, column] = 0.0 if on_radio else 1.0
            column += 1
        if spec.deadlines:
            left_s = (turn.arrival_step - step) * spec.step_s + turn.deadline_s
            rows[e, column] = left_s if waiting and left_s < np.inf else 0.0
            column += 1
        if spec.classes:
            rows[e, column] = turn.priority if waiting else 0.0
            column += 1
        if spec.rated:
            rows[e, column] = state.patience[n, turn.user, 0] if waiting else 0.0
            rows[e, column + 1] = state.patience[n, turn.user, 1] if waiting else 0.0
    for e in range(num_options, mask.shape[1]):
        mask[n, e] = 0
    context[n, QUEUED_TASKS] = turn.queued_tasks
    context[n, QUEUED_MBIT] = turn.queued_bit * TO_MBIT
    context[n, REMAINING] = (spec.steps - step) / spec.steps


@compiled_inline
def _describe(spec: OffloadSpec, state: State, n: int, server: int, row: NDArray[np.floating]) -> None:
    """What is on a server or device and on its way there."""
    record = state.servers[n, server]
    row[CPU_GHZ] = state.cpu_hz[n, server] * TO_GHZ
    row[EXECUTING] = record.executing
    row[UPLOADING] = record.uploading
    at = record.first_to_finish
    if spec.contended:
        while at != NONE:
            job = state.jobs[n, at]
            if not job.uploading:
                row[HISTOGRAM + histogram_bin(job.residual_bit, spec.bins_per_bit, spec.bins)] += 1.0
            at = job.following
        return
    while at != NONE:
        residual_bit = state.tasks[n, at].threshold_bit - record.attained_bit
        row[HISTOGRAM + histogram_bin(residual_bit, spec.bins_per_bit, spec.bins)] += 1.0
        at = state.tasks[n, at].following


@compiled_inline
def _backlog_s(spec: OffloadSpec, state: State, n: int, server: int) -> float:
    """Work on a server and on its way there, in the time that it takes."""
    record = state.servers[n, server]
    work_bit = 0.0
    at = record.first_to_finish
    while at != NONE:
        if spec.contended:
            work_bit += state.jobs[n, at].residual_bit
            at = state.jobs[n, at].following
        else:
            work_bit += state.tasks[n, at].threshold_bit - record.attained_bit
            at = state.tasks[n, at].following
    if not spec.contended:
        at = record.first_to_arrive
        while at != NONE:
            work_bit += state.tasks[n, at].size_bit
            at = state.tasks[n, at].following
    return float(work_bit / record.speed_bit_per_s)


@compiled_parallel
def _observe_all(spec: OffloadSpec, state: State, step: int, out: Observation) -> None:
    for n in numba.prange(len(out.mask)):
        _observe_one(spec, state, n, step, out)


@compiled_parallel
def _step_all(
    spec: OffloadSpec, state: State, step: int, action: NDArray[np.int64], reward: NDArray[np.float64]
) -> None:
    for n in numba.prange(len(action)):
        step_one(spec, state, n, step, action[n], reward)


@compiled_parallel
def _step_and_observe_all(
    spec: OffloadSpec, state: State, step: int, action: NDArray[np.int64], reward: NDArray[np.float64], out: Observation
) -> None:
    for n in numba.prange(len(action)):
        step_one(spec, state, n, step, action[n], reward)
        _observe_one(spec, state, n, step + 1, out)


@compiled_parallel
def _option_rewards(spec: OffloadSpec, state: State, step: int, reward: NDArray[np.float64]) -> None:
    for n in numba.prange(len(reward)):
        turn = state.turns[n, step]
        num_options = state.num_servers[n] + spec.device
        reward[n] = -np.inf
        for e in range(num_options):
            delay_s = energy_j = shortfall = 0.0
            if turn.task != NOBODY:
                delay_s, energy_j, shortfall = costs_of(spec, state, n, e, step, turn)
            write_rewards(spec, reward[n, e], delay_s, energy_j + idle_j(spec, state, n), shortfall)


@compiled_parallel
def _backlogs(spec: OffloadSpec, state: State, step: int, backlog: NDArray[np.float64]) -> None:
    for n in numba.prange(len(backlog)):
        turn = state.turns[n, step]
        backlog[n] = np.inf
        for e in range(state.num_servers[n]):
            backlog[n, e] = _backlog_s(spec, state, n, e)
        if spec.device:
            device = spec.max_servers + turn.user
            backlog[n, state.num_servers[n]] = _backlog_s(spec, state, n, device) if turn.task != NOBODY else 0.0


@compiled_parallel
def _drain_all(spec: OffloadSpec, state: State, step: int) -> None:
    for n in numba.prange(len(state.servers)):
        advance_all(spec, state, n, step * spec.step_s, np.inf)
