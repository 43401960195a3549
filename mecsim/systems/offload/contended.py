"""What the dynamics ask of contended servers: uploads interfere, classes preempt, power follows load, users rate."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled, compiled_inline
from mecsim.core.histogram import histogram_bin
from mecsim.physics.contended_server import (
    NewJob,
    Patience,
    Rules,
    Station,
    advance_jobs,
    outlook,
    prepare,
    send_job,
)
from mecsim.physics.energy import upload_energy_j
from mecsim.physics.records import NONE
from mecsim.systems.offload.layout import HISTOGRAM, OffloadSpec
from mecsim.systems.offload.results import result_s
from mecsim.systems.offload.state import State


@compiled
def copy_queue(spec: OffloadSpec, state: State, spare: State, n: int, e: int) -> None:
    """See `dynamics`."""
    at = state.servers[n, e].first_to_finish
    while at != NONE:
        spare.jobs[n, at] = state.jobs[n, at]
        at = state.jobs[n, at].following


@compiled
def added_costs(
    spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, turn: Any, execution_j: float
) -> tuple[float, float, float, float, float]:
    """See `dynamics`: here by comparing a server's outlook with and without the task.

    `execution_j` is that of the dynamic model; a power curve replaces it.
    """
    rules, station, now_s, row = _rules(spec), _station(state), turn.now_s, state.power_row[server]
    new = _new_job(spec, state, n, server, upload_s, turn)
    without = outlook(rules, station, n, server, now_s, row, False, new)
    with_it = outlook(rules, station, n, server, now_s, row, True, new)
    if spec.power_curve and server < spec.max_servers:
        execution_j = with_it.above_idle_j - without.above_idle_j
    if spec.interference:  # others' uploads take longer as well
        upload_s = with_it.upload_s - without.upload_s
    shortfall = (with_it.shortfall - without.shortfall) * state.task_share[n]
    misses = (with_it.late - without.late) * state.miss_share[n]
    radio_j = upload_energy_j(spec.tx_power_w, upload_s)
    return with_it.system_s - without.system_s, radio_j, execution_j, shortfall, misses


@compiled
def send_task(spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int) -> None:
    """See `dynamics`."""
    turn = state.turns[n, step]
    prepare(state.jobs[n, step], _new_job(spec, state, n, server, upload_s, turn), turn.now_s)
    send_job(_station(state), n, server, step)


@compiled
def advance_one(spec: OffloadSpec, state: State, n: int, e: int, now_s: float, until_s: float) -> None:
    """See `dynamics`."""
    advance_jobs(_rules(spec), _station(state), n, e, now_s, until_s)


@compiled
def count_residuals(spec: OffloadSpec, state: State, n: int, server: int, row: NDArray[np.floating]) -> None:
    """See `dynamics`."""
    at = state.servers[n, server].first_to_finish
    while at != NONE:
        job = state.jobs[n, at]
        if not job.uploading:
            row[HISTOGRAM + histogram_bin(job.residual_bit, spec.bins_per_bit, spec.bins)] += 1.0
        at = job.following


@compiled
def work_bit(spec: OffloadSpec, state: State, n: int, server: int) -> float:
    """See `dynamics`."""
    found_bit = 0.0
    at = state.servers[n, server].first_to_finish
    while at != NONE:
        found_bit += state.jobs[n, at].residual_bit
        at = state.jobs[n, at].following
    return found_bit


@compiled_inline
def _new_job(spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, turn: Any) -> NewJob:
    """What a server is sent with the task of a turn."""
    now_s = turn.now_s
    snr = state.snr[n, turn.link, server] if spec.interference and server < spec.max_servers else 0.0
    back_s, patience = result_s(spec, state, n, server, turn), Patience(now_s, 1.0, 1.0)
    if spec.rated:
        since_s = turn.arrival_s if spec.waiting_in_delay else now_s
        patience = Patience(since_s - back_s, state.patience[n, turn.user, 0], state.patience[n, turn.user, 1])
    deadline_s = turn.arrival_s + turn.deadline_s - back_s  # the result has to be back by then
    return NewJob(turn.size_bit, turn.work_bit, snr, now_s + upload_s, turn.priority, patience, deadline_s)


@compiled_inline
def _rules(spec: OffloadSpec) -> Rules:
    """How tasks contend."""
    return Rules(
        spec.interference, spec.cqi, spec.bandwidth_hz, spec.preemptive, spec.power_curve, spec.step_s,
        spec.rated, spec.logistic, spec.slope_below, spec.slope_above, spec.missed,
    )  # fmt: skip


@compiled_inline
def _station(state: State) -> Station:
    """The servers, as contended ones are."""
    return Station(state.servers, state.jobs, state.work, state.power_w, state.power_points)
