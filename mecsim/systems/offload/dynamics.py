"""The dynamics of the batched engine: state of many episodes, costs of an option, dispatch, and work of a step.

Compiled functions of one episode `n` at a time, to be called from loops over episodes.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled, compiled_inline, read_only
from mecsim.physics.contended_server import (
    NewJob,
    Patience,
    Rules,
    Station,
    advance_jobs,
    outlook,
    prepare,
    send_job,
    unsent_jobs,
)
from mecsim.physics.energy import execution_energy_j, power_curves_w, upload_energy_j
from mecsim.physics.processor_sharing import NONE, added_delay_s, advance, idle_servers, send, unsent_tasks
from mecsim.systems.offload.layout import DELAY, ENERGY, SHORTFALL, OffloadSpec
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY, turns_of

RecordArray = NDArray[Any]  # of the record type that a comment names

DISPATCH = np.dtype(
    [("server", np.int64), ("delay_s", np.float64), ("energy_j", np.float64), ("execution_j", np.float64)]
)


class State(NamedTuple):
    """All episodes, as arrays of records. S counts the servers, then the users' devices."""

    num_servers: NDArray[np.int64]  # (N,)
    turns: RecordArray  # (N, T + 1) of TURN
    servers: RecordArray  # (N, S) of SERVER
    tasks: RecordArray  # (N, T) of TASK, a slot per step: a step dispatches at most one task
    jobs: RecordArray  # (N, T) of JOB, used instead of tasks where servers are contended; else (N, 0)
    log: RecordArray  # (N, T) of DISPATCH, the same slots
    cpu_hz: NDArray[np.float64]  # (N, S)
    rate_bit_per_s: NDArray[np.float64]  # (N, K, A)
    snr: NDArray[np.float64]  # (N, K, A), or (N, 0, 0)
    power_w: NDArray[np.float64]  # (2, P) power curves of cloud and edge
    power_points: NDArray[np.int64]  # (2,)
    patience: NDArray[np.float64]  # (N, U, 2) as in `OffloadTapes`
    task_share: NDArray[np.float64]  # (N,) what a task counts in the mean over those that the episode dispatches
    scratch_bit: NDArray[np.float64]  # (N, T + 1)
    work: RecordArray  # (N, T + 1) of JOB, or (N, 0)


def initial_state(scenario: OffloadScenario, spec: OffloadSpec, tapes: OffloadTapes) -> State:
    """The episodes of `tapes` before their first step."""
    count, steps = tapes.arrivals.shape
    cpu_hz = tapes.server_hz
    power_w, power_points = power_curves_w([scenario.energy.cloud_power_w, scenario.energy.edge_power_w])
    turns = turns_of(scenario, tapes)
    return State(
        num_servers=read_only(tapes.num_servers),
        turns=turns,
        servers=idle_servers(cpu_hz / spec.cycles_per_bit),
        tasks=unsent_tasks(count, 0 if spec.contended else steps),
        jobs=unsent_jobs(count, steps if spec.contended else 0),
        log=np.zeros((count, steps), DISPATCH),
        cpu_hz=read_only(cpu_hz),
        rate_bit_per_s=read_only(tapes.rate_bit_per_s),
        snr=read_only(tapes.snr),
        power_w=power_w,
        power_points=power_points,
        patience=read_only(tapes.patience),
        task_share=1.0 / np.maximum(1, (turns["task"] != NOBODY).sum(axis=1)),
        scratch_bit=np.empty((count, 0 if spec.contended else steps + 1)),
        work=unsent_jobs(count, steps + 1 if spec.contended else 0),
    )


def forked(state: State) -> State:
    """The same episodes at the same point, which go on by themselves."""
    return state._replace(
        servers=state.servers.copy(),
        tasks=state.tasks.copy(),
        jobs=state.jobs.copy(),
        log=state.log.copy(),
        scratch_bit=np.empty_like(state.scratch_bit),
        work=state.work.copy(),
    )


def spare_state(state: State) -> State:
    """A state of its own for the same episodes, to play what might be; its links have a row per step."""
    count, steps = state.log.shape
    links = (count, steps + 1, state.rate_bit_per_s.shape[2])
    return state._replace(
        turns=state.turns.copy(),
        servers=state.servers.copy(),
        tasks=state.tasks.copy(),
        jobs=state.jobs.copy(),
        log=state.log.copy(),
        rate_bit_per_s=np.zeros(links),
        snr=np.zeros(links if state.snr.size else (count, 0, 0)),
        scratch_bit=np.empty_like(state.scratch_bit),
        work=state.work.copy(),
    )


@compiled_inline
def copy_state(spec: OffloadSpec, state: State, spare: State, n: int, step: int) -> None:
    """Make the servers and tasks of episode `n` in `spare` what they are in `state` at the start of `step`."""
    for e in range(state.servers.shape[1]):
        spare.servers[n, e] = state.servers[n, e]
    for slot in range(step):
        if spec.contended:
            spare.jobs[n, slot] = state.jobs[n, slot]
        else:
            spare.tasks[n, slot] = state.tasks[n, slot]


@compiled_inline
def clear_server(state: State, n: int, e: int) -> None:
    """Take everything off a server and off its way there."""
    server = state.servers[n, e]
    server.attained_bit = 0.0
    server.executing = server.uploading = 0
    server.first_to_finish = server.first_to_arrive = NONE


@compiled_inline
def costs_of(spec: OffloadSpec, state: State, n: int, e: int, step: int, turn: Any) -> tuple[float, float, float]:
    """Immediate delay (s), energy (J) and shortfall of taking option `e` for the task of this step."""
    server, upload_s = _target(spec, state, n, e, turn)
    delay_s, radio_j, execution_j, shortfall = _costs(spec, state, n, server, upload_s, step, turn)
    return delay_s, radio_j + execution_j, shortfall


@compiled_inline
def write_costs(
    spec: OffloadSpec, row: NDArray[np.floating], delay_s: float, energy_j: float, shortfall: float
) -> None:
    """Fill a row of Q costs."""
    row[DELAY], row[ENERGY] = delay_s, energy_j
    if spec.rated:
        row[SHORTFALL] = shortfall


@compiled_inline
def write_rewards(
    spec: OffloadSpec, row: NDArray[np.floating], delay_s: float, energy_j: float, shortfall: float
) -> None:
    """Fill a row of Q rewards."""
    row[DELAY], row[ENERGY] = -delay_s, -energy_j
    if spec.rated:
        row[SHORTFALL] = -shortfall


@compiled_inline
def weighted_cost(weight: NDArray[np.float64], n: int, costs: tuple[float, float, float]) -> float:
    """The sum of immediate costs by row `n` of weights (N, 3)."""
    return float(weight[n, DELAY] * costs[0] + weight[n, ENERGY] * costs[1] + weight[n, SHORTFALL] * costs[2])


@compiled_inline
def _target(spec: OffloadSpec, state: State, n: int, e: int, turn: Any) -> tuple[int, float]:
    """The server that option `e` means for a task, and how long the upload takes if nothing interferes."""
    if e < state.num_servers[n]:
        return e, turn.size_bit / state.rate_bit_per_s[n, turn.link, e]
    return spec.max_servers + turn.user, 0.0


@compiled_inline
def _costs(
    spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int, turn: Any
) -> tuple[float, float, float, float]:
    """Delay (s), radio and execution energy (J), and shortfall, that sending this step's task to a server adds."""
    capacitance = spec.capacitance if server < spec.max_servers else spec.device_capacitance
    execution_j = execution_energy_j(capacitance, spec.cycles_per_bit, state.cpu_hz[n, server], turn.size_bit)
    if spec.contended:
        delay_s, radio_j, execution_j, shortfall = _contended_costs(
            spec, state, n, server, upload_s, step, turn, execution_j
        )
    else:
        shortfall = 0.0
        delay_s = added_delay_s(
            state.servers, state.tasks, n, server, step * spec.step_s, turn.size_bit, upload_s, state.scratch_bit
        )
        radio_j = upload_energy_j(spec.tx_power_w, upload_s)
    if spec.waiting_in_delay:
        delay_s += step * spec.step_s - turn.arrival_step * spec.step_s
    return delay_s, radio_j, execution_j, shortfall


@compiled_inline
def _new_job(spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int, turn: Any) -> NewJob:
    """What a contended server is sent with this step's task."""
    now_s = step * spec.step_s
    snr = state.snr[n, turn.link, server] if spec.interference and server < spec.max_servers else 0.0
    patience = Patience(now_s, 1.0, 1.0)
    if spec.rated:
        since_s = turn.arrival_step * spec.step_s if spec.waiting_in_delay else now_s
        patience = Patience(since_s, state.patience[n, turn.user, 0], state.patience[n, turn.user, 1])
    return NewJob(turn.size_bit, snr, now_s + upload_s, turn.priority, patience)


@compiled
def _contended_costs(
    spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int, turn: Any, execution_j: float
) -> tuple[float, float, float, float]:
    """The same by comparing a server's outlook with and without the task.

    `execution_j` is that of the dynamic model; a power curve replaces it.
    """
    rules, station, now_s, row = _rules(spec), _station(state), step * spec.step_s, 0 if server < spec.clouds else 1
    new = _new_job(spec, state, n, server, upload_s, step, turn)
    without = outlook(rules, station, n, server, now_s, row, False, new)
    with_it = outlook(rules, station, n, server, now_s, row, True, new)
    if spec.power_curve and server < spec.max_servers:
        execution_j = with_it.above_idle_j - without.above_idle_j
    if spec.interference:  # others' uploads take longer as well
        upload_s = with_it.upload_s - without.upload_s
    shortfall = (with_it.shortfall - without.shortfall) * state.task_share[n]
    return with_it.system_s - without.system_s, upload_energy_j(spec.tx_power_w, upload_s), execution_j, shortfall


@compiled_inline
def _rules(spec: OffloadSpec) -> Rules:
    """How tasks contend. Not kept in the system: Numba's parallel loops take no tuple within a tuple."""
    return Rules(
        spec.interference, spec.cqi, spec.bandwidth_hz, spec.preemptive, spec.power_curve, spec.step_s,
        spec.rated, spec.logistic, spec.slope_below, spec.slope_above,
    )  # fmt: skip


@compiled_inline
def _station(state: State) -> Station:
    """The servers, where they are contended; made when needed for the same reason."""
    return Station(state.servers, state.jobs, state.work, state.power_w, state.power_points)


@compiled_inline
def idle_j(spec: OffloadSpec, state: State, n: int) -> float:
    """What the servers of episode `n` take in a step if they do nothing; zero where only work takes energy."""
    if not spec.power_curve:
        return 0.0
    edges = state.num_servers[n] - spec.clouds
    return float((spec.clouds * state.power_w[0, 0] + edges * state.power_w[1, 0]) * spec.step_s)


@compiled
def _send_contended(spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int) -> None:
    """Send the task of this step to a contended server.

    A function of its own, as the code of plain servers is faster without it.
    """
    new = _new_job(spec, state, n, server, upload_s, step, state.turns[n, step])
    prepare(state.jobs[n, step], new, step * spec.step_s)
    send_job(_station(state), n, server, step)


@compiled_inline
def dispatch_one(spec: OffloadSpec, state: State, n: int, step: int, action: int) -> tuple[float, float, float]:
    """Send the task of this step to option `action`; delay (s), energy (J) and shortfall."""
    turn = state.turns[n, step]
    if turn.task == NOBODY:
        return 0.0, 0.0, 0.0
    server, upload_s = _target(spec, state, n, action, turn)
    delay_s, radio_j, execution_j, shortfall = _costs(spec, state, n, server, upload_s, step, turn)
    entry = state.log[n, step]
    entry.server, entry.delay_s, entry.energy_j, entry.execution_j = server, delay_s, radio_j + execution_j, execution_j
    if spec.contended:
        _send_contended(spec, state, n, server, upload_s, step)
    else:
        send(state.servers, state.tasks, n, server, step, turn.size_bit, step * spec.step_s + upload_s)
    return delay_s, radio_j + execution_j, shortfall


@compiled_inline
def advance_one(spec: OffloadSpec, state: State, n: int, e: int, now_s: float, until_s: float) -> None:
    """Let server `e`, or a device, work."""
    if spec.contended:
        advance_jobs(_rules(spec), _station(state), n, e, now_s, until_s)
    else:
        advance(state.servers, state.tasks, n, e, now_s, until_s)


@compiled_inline
def advance_all(spec: OffloadSpec, state: State, n: int, now_s: float, until_s: float) -> None:
    """Let every server and device of an episode work."""
    if spec.contended:
        _advance_contended(spec, state, n, now_s, until_s)
        return
    for e in range(state.num_servers[n]):
        advance(state.servers, state.tasks, n, e, now_s, until_s)
    for e in range(spec.max_servers, state.servers.shape[1]):
        advance(state.servers, state.tasks, n, e, now_s, until_s)


@compiled
def _advance_contended(spec: OffloadSpec, state: State, n: int, now_s: float, until_s: float) -> None:
    """The same where servers are contended; a function of its own for the same reason."""
    rules, station = _rules(spec), _station(state)
    for e in range(state.num_servers[n]):
        advance_jobs(rules, station, n, e, now_s, until_s)
    for e in range(spec.max_servers, state.servers.shape[1]):
        advance_jobs(rules, station, n, e, now_s, until_s)


@compiled_inline
def step_one(spec: OffloadSpec, state: State, n: int, step: int, action: int, reward: NDArray[np.float64]) -> None:
    """Dispatch in episode `n`, and let every server work for a step."""
    delay_s, energy_j, shortfall = dispatch_one(spec, state, n, step, action)
    write_rewards(spec, reward[n], delay_s, energy_j + idle_j(spec, state, n), shortfall)
    advance_all(spec, state, n, step * spec.step_s, (step + 1) * spec.step_s)
