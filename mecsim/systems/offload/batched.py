"""The batched engine: many episodes side by side, compiled, on as many threads as there are, or on a GPU (`cuda`).

One pass per step and episode: dispatch, let the servers work for a step, write the observation. Which task a step
dispatches does not depend on the actions, so that is known from the start. The definition of the system is in
`simpy`; both agree to 1e-9 on the same tape and actions.
"""

from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_inline, kernel
from mecsim.core.compiled_engine import CompiledEngine, Kernels
from mecsim.core.engine import ABSENT, Observation
from mecsim.core.target import Host, each
from mecsim.errors import InputError
from mecsim.systems.offload.dynamics import (
    Cost,
    advance_all,
    costs_of,
    count_residuals,
    step_one,
    work_bit,
    write_costs,
)
from mecsim.systems.offload.engine import check_options
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.imagination import Imagination, Rows, imagined_state
from mecsim.systems.offload.layout import (
    CONTEXT_SIZE,
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
from mecsim.systems.offload.state import WRITTEN, State, initial_state
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY


class BatchedOffloadEngine(CompiledEngine[OffloadSpec, State, OffloadTapes, OffloadRecords]):
    """Implements `OffloadEngine` for any number of episodes. See there for the meaning of each method."""

    written = WRITTEN

    @property
    def kernels(self) -> Kernels:
        return Kernels(_observe, _step, _step_and_observe, _option_rewards, _drain)

    def __init__(self, scenario: OffloadScenario) -> None:
        spec = offload_spec(scenario)
        super().__init__(spec, spec.steps, spec.max_options, spec.num_rewards)
        self.scenario = scenario
        self._rollouts: Rollouts | None = None
        self._imagination: Imagination | None = None
        self._imagined = False

    def begin(self, tapes: OffloadTapes) -> None:
        super().begin(tapes)
        self._options = self.xp.asarray(tapes.num_servers + int(self.spec.device))
        self._rollouts = self._imagination = None

    def initial_state(self, tapes: OffloadTapes) -> State:
        tapes.check_fits(self.scenario)
        return initial_state(self.scenario, self.spec, tapes)

    def check_possible(self, action: NDArray[np.int64]) -> None:
        check_options(action, self._options)

    def backlog_s(self) -> NDArray[np.float64]:
        backlog = self.empty(self.spec.max_options)
        self.run(_backlogs, backlog)
        return backlog

    def rollouts(self, futures: Futures, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._rollouts is None:
            self._rollouts = Rollouts(self.scenario, self.spec, self._tapes, self.state, self.target)
        return self._rollouts.values(self.state, self.step_index, futures, weight)

    def imagined(self, futures: Futures, episode: NDArray[np.int64], future: NDArray[np.int64]) -> Self:
        state = each(self.target.on_host, self.state)
        if self._imagination is None:
            self._imagination = Imagination(self.scenario, self._tapes, state.turns, Host())
        rows = Rows(np.ascontiguousarray(episode, np.int64), np.ascontiguousarray(future, np.int64))
        imagined = imagined_state(state, self._imagination, self.step_index, futures, rows)
        copied = copy(self)
        copied.state = each(self.target.place, imagined)
        copied._options = self.xp.asarray(imagined.num_servers + int(self.spec.device))
        copied._episodes, copied._imagined = len(episode), True
        copied._rollouts = copied._imagination = None
        return copied

    def records(self) -> OffloadRecords:
        if self._imagined:
            raise InputError("an imagined episode has no records: it is on no tape")
        return super().records()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_rollouts": None}  # whose room is written to: copies have their own

    def recorded(self, state: State) -> OffloadRecords:
        spec, log, turns = self.spec, state.log, state.turns[:, :-1]
        sent = (turns["task"] != NOBODY) & (np.arange(spec.steps) < self.step_index)

        def where_sent(values: NDArray[Any]) -> NDArray[Any]:
            return np.where(sent, values, 0)

        ends = state.jobs if spec.contended else state.tasks
        dispatch_s = turns["now_s"]
        upload_s = ends["upload_end_s"] - dispatch_s
        energy_j, back_s = log["energy_j"], self._ways_back_s(state)
        if spec.interference:  # a dispatch costs others their energy, too; a task's own is what it took in the end
            radio = log["server"] < spec.max_servers
            energy_j = np.where(radio, spec.tx_power_w * upload_s, 0.0) + log["execution_j"]
            energy_j += spec.rx_power_w * back_s
        since_s = turns["arrival_s"] if spec.waiting_in_delay else dispatch_s
        return OffloadRecords(
            task=np.where(sent, turns["task"], NOBODY),
            user=where_sent(turns["user"]),
            size_bit=where_sent(turns["size_bit"]),
            cycles=where_sent(self.spec.cycles_per_bit * turns["work_bit"]),
            output_bit=where_sent(turns["output_bit"]),
            server=where_sent(log["server"]),
            rate_bit_per_s=where_sent(self._rates(state, upload_s)),
            arrival_s=where_sent(turns["arrival_s"]),
            dispatch_s=where_sent(dispatch_s),
            upload_end_s=where_sent(ends["upload_end_s"]),
            finish_s=where_sent(ends["finish_s"]),
            result_s=where_sent(ends["finish_s"] + back_s),
            price=where_sent(log["price"]),
            energy_j=where_sent(energy_j),
            reward_delay_s=-where_sent(log["delay_s"]),
            deadline_s=where_sent(turns["arrival_s"] + turns["deadline_s"]),
            satisfaction=where_sent(self._ratings(state, where_sent(ends["finish_s"] + back_s - since_s))),
        )

    def _ratings(self, state: State, delay_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """How satisfied users are with the delay of each task, (N, T)."""
        satisfaction, user = self.scenario.satisfaction, state.turns["user"][:, :-1]
        if satisfaction is None:
            return np.zeros(delay_s.shape)
        return satisfaction.law.ratings(delay_s, self._tapes.patience[np.arange(len(user))[:, None], user])

    def _ways_back_s(self, state: State) -> NDArray[np.float64]:
        """How long the result of each task is on its way back, (N, T)."""
        output_bit, rate = state.turns["output_bit"][:, :-1], self._alone_rates(state)
        return np.asarray(np.divide(output_bit, rate, out=np.zeros_like(rate), where=rate > 0.0))

    def _alone_rates(self, state: State) -> NDArray[np.float64]:
        """The rate of each task's link if nothing interferes, (N, T); 0 of a device."""
        server, link = state.log["server"], state.turns["link"][:, :-1]
        on_radio, rows = server < self.spec.max_servers, np.arange(len(server))[:, None]
        rate = self._tapes.rate_bit_per_s[rows, link, np.where(on_radio, server, 0)]
        return np.asarray(np.where(on_radio, rate, 0.0))

    def _rates(self, state: State, upload_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean rate of each upload, (N, T)."""
        if not self.spec.interference:
            return self._alone_rates(state)
        size_bit = state.turns["size_bit"][:, :-1]
        return np.asarray(np.divide(size_bit, upload_s, out=np.zeros_like(upload_s), where=upload_s > 0.0))


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
    extra = first_cost + (2 + spec.rated + spec.missed + spec.priced) * spec.cost_features
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
                write_costs(spec, state, n, rows[e, first_cost:], costs_of(spec, state, n, e, turn), 1.0)
        column = extra
        if spec.device:
            rows[e, column] = 0.0 if on_radio else 1.0
            column += 1
        if spec.deadlines:
            left_s = turn.arrival_s - turn.now_s + turn.deadline_s
            rows[e, column] = left_s if waiting and left_s < np.inf else 0.0
            column += 1
        if spec.classes:
            rows[e, column] = turn.priority if waiting else 0.0
            column += 1
        if spec.work:
            rows[e, column] = spec.cycles_per_bit * turn.work_bit * TO_GHZ if waiting else 0.0
            column += 1
        if spec.output:
            rows[e, column] = turn.output_bit * TO_MBIT if waiting else 0.0
            column += 1
        if spec.rated:
            rows[e, column] = state.patience[n, turn.user, 0] if waiting else 0.0
            rows[e, column + 1] = state.patience[n, turn.user, 1] if waiting else 0.0
    for e in range(num_options, mask.shape[1]):
        mask[n, e] = 0
    context[n, QUEUED_TASKS] = turn.queued_tasks
    context[n, QUEUED_MBIT] = turn.queued_bit * TO_MBIT
    left_s = spec.span_s - turn.now_s
    context[n, REMAINING] = left_s / spec.span_s if left_s < np.inf else (spec.steps - step) / spec.steps
    for place in range(state.upcoming_bit.shape[2]):
        size_bit = state.upcoming_bit[n, step, place]
        context[n, CONTEXT_SIZE + 2 * place] = 1.0 if size_bit > 0.0 else 0.0
        context[n, CONTEXT_SIZE + 2 * place + 1] = size_bit * TO_MBIT
    if spec.per_task:
        context[n, CONTEXT_SIZE + 2 * spec.upcoming] = turn.elapsed_s


@compiled_inline
def _describe(spec: OffloadSpec, state: State, n: int, server: int, row: NDArray[np.floating]) -> None:
    """What is on a server or device and on its way there."""
    record = state.servers[n, server]
    row[CPU_GHZ] = state.cpu_hz[n, server] * TO_GHZ
    row[EXECUTING] = record.executing
    row[UPLOADING] = record.uploading
    count_residuals(spec, state, n, server, row)


@compiled_inline
def _backlog_s(spec: OffloadSpec, state: State, n: int, server: int) -> float:
    """Work on a server and on its way there, in the time that it takes."""
    return float(work_bit(spec, state, n, server) / state.servers[n, server].speed_bit_per_s)


@kernel
def _observe(spec: OffloadSpec, state: State, step: int, out: Observation, first: int, last: int) -> None:
    for n in range(first, last):
        _observe_one(spec, state, n, step, out)


@kernel
def _step(
    spec: OffloadSpec, state: State, step: int, action: NDArray[np.int64], reward: NDArray[np.float64],
    first: int, last: int,
) -> None:  # fmt: skip
    for n in range(first, last):
        step_one(spec, state, n, step, action[n], reward)


@kernel
def _step_and_observe(
    spec: OffloadSpec, state: State, step: int, action: NDArray[np.int64], reward: NDArray[np.float64],
    out: Observation, first: int, last: int,
) -> None:  # fmt: skip
    for n in range(first, last):
        step_one(spec, state, n, step, action[n], reward)
        _observe_one(spec, state, n, step + 1, out)


@kernel
def _option_rewards(
    spec: OffloadSpec, state: State, step: int, reward: NDArray[np.float64], first: int, last: int
) -> None:
    for n in range(first, last):
        turn = state.turns[n, step]
        num_options = state.num_servers[n] + spec.device
        reward[n] = -np.inf
        for e in range(num_options):
            cost = Cost(0.0, 0.0, 0.0, 0.0, 0.0)
            if turn.task != NOBODY:
                cost = costs_of(spec, state, n, e, turn)
            write_costs(spec, state, n, reward[n, e], cost, -1.0)


@kernel
def _backlogs(spec: OffloadSpec, state: State, step: int, backlog: NDArray[np.float64], first: int, last: int) -> None:
    for n in range(first, last):
        turn = state.turns[n, step]
        backlog[n] = np.inf
        for e in range(state.num_servers[n]):
            backlog[n, e] = _backlog_s(spec, state, n, e)
        if spec.device:
            device = spec.max_servers + turn.user
            backlog[n, state.num_servers[n]] = _backlog_s(spec, state, n, device) if turn.task != NOBODY else 0.0


@kernel
def _drain(spec: OffloadSpec, state: State, step: int, first: int, last: int) -> None:
    for n in range(first, last):
        advance_all(spec, state, n, state.turns[n, step].now_s, np.inf)
