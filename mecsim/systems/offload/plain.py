"""What the dynamics ask of servers with plain processor sharing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_apart, compiled_inline
from mecsim.core.histogram import bin_end, histogram_bin
from mecsim.physics.energy import upload_energy_j
from mecsim.physics.processor_sharing import CROWD, added_delay_s, advance, send, top_of
from mecsim.physics.records import NONE
from mecsim.physics.threshold_index import count_until, sum_bit
from mecsim.systems.offload.layout import HISTOGRAM, OffloadSpec
from mecsim.systems.offload.state import State

WALKED_PER_BIN = 8  # tasks that may be looked at for a bin of a histogram, before a search is cheaper


@compiled_inline
def copy_queue(spec: OffloadSpec, state: State, spare: State, n: int, e: int) -> None:
    """See `dynamics`."""
    server, indexed = state.servers[n, e], state.servers[n, e].executing > CROWD
    if indexed:
        top = top_of(state.tasks, e)
        spare.desk.thresholds[n, top] = state.desk.thresholds[n, top]
    at = server.first_to_finish
    while at != NONE:
        spare.tasks[n, at] = state.tasks[n, at]
        if indexed:
            spare.desk.thresholds[n, at] = state.desk.thresholds[n, at]
        at = state.tasks[n, at].following
    at = server.first_to_arrive
    while at != NONE:
        spare.tasks[n, at] = state.tasks[n, at]
        at = state.tasks[n, at].following


@compiled_inline
def added_costs(
    spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, turn: Any, execution_j: float
) -> tuple[float, float, float, float, float]:
    """See `dynamics`."""
    delay_s = added_delay_s(state.servers, state.tasks, state.desk, n, server, turn.now_s, turn.work_bit, upload_s)
    return delay_s, upload_energy_j(spec.tx_power_w, upload_s), execution_j, 0.0, 0.0


@compiled_inline
def send_task(spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int) -> None:
    """See `dynamics`."""
    turn = state.turns[n, step]
    send(state.servers, state.tasks, n, server, step, turn.work_bit, turn.now_s + upload_s)


@compiled_inline
def advance_one(spec: OffloadSpec, state: State, n: int, e: int, now_s: float, until_s: float) -> None:
    """See `dynamics`."""
    advance(state.servers, state.tasks, state.desk.thresholds, n, e, now_s, until_s)


@compiled_inline
def count_residuals(spec: OffloadSpec, state: State, n: int, server: int, row: NDArray[np.floating]) -> None:
    """See `dynamics`."""
    if state.servers[n, server].executing > CROWD:
        _count_crowd(spec, state, n, server, row)
    else:
        _count_each(spec, state, n, server, row)


@compiled_inline
def _count_each(spec: OffloadSpec, state: State, n: int, server: int, row: NDArray[np.floating]) -> None:
    record = state.servers[n, server]
    at = record.first_to_finish
    while at != NONE:
        residual_bit = state.tasks[n, at].threshold_bit - record.attained_bit
        row[HISTOGRAM + histogram_bin(residual_bit, spec.bins_per_bit, spec.bins)] += 1.0
        at = state.tasks[n, at].following


@compiled_apart
def _count_crowd(spec: OffloadSpec, state: State, n: int, server: int, row: NDArray[np.floating]) -> None:
    """Of a server with an index: a search for each bin, where that is cheaper than a look at each task."""
    record, top, counted = state.servers[n, server], top_of(state.tasks, server), 0
    if record.executing <= WALKED_PER_BIN * spec.bins:
        _count_each(spec, state, n, server, row)
        return
    for index in range(spec.bins - 1):
        end_bit = record.attained_bit + bin_end(index, spec.bins_per_bit)
        count = count_until(state.desk.thresholds, n, top, end_bit)
        row[HISTOGRAM + index] += count - counted
        counted = count
        if counted == record.executing:
            return
    row[HISTOGRAM + spec.bins - 1] += record.executing - counted


@compiled_inline
def work_bit(spec: OffloadSpec, state: State, n: int, server: int) -> float:
    """See `dynamics`."""
    record, found_bit = state.servers[n, server], 0.0
    at = record.first_to_finish
    if record.executing > CROWD:
        found_bit = sum_bit(state.desk.thresholds, n, top_of(state.tasks, server), record.attained_bit)
        at = NONE
    while at != NONE:
        found_bit += state.tasks[n, at].threshold_bit - record.attained_bit
        at = state.tasks[n, at].following
    at = record.first_to_arrive
    while at != NONE:
        found_bit += state.tasks[n, at].size_bit
        at = state.tasks[n, at].following
    return found_bit
