"""What the dynamics ask of servers with plain processor sharing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_inline
from mecsim.core.histogram import histogram_bin
from mecsim.physics.energy import upload_energy_j
from mecsim.physics.processor_sharing import NONE, added_delay_s, advance, send
from mecsim.systems.offload.layout import HISTOGRAM, OffloadSpec
from mecsim.systems.offload.state import State


@compiled_inline
def copy_slots(spec: OffloadSpec, state: State, spare: State, n: int, step: int) -> None:
    """See `dynamics`."""
    for slot in range(step):
        spare.tasks[n, slot] = state.tasks[n, slot]


@compiled_inline
def added_costs(
    spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int, turn: Any, execution_j: float
) -> tuple[float, float, float, float]:
    """See `dynamics`."""
    delay_s = added_delay_s(
        state.servers, state.tasks, n, server, step * spec.step_s, turn.size_bit, upload_s, state.scratch_bit
    )
    return delay_s, upload_energy_j(spec.tx_power_w, upload_s), execution_j, 0.0


@compiled_inline
def send_task(spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int) -> None:
    """See `dynamics`."""
    send(state.servers, state.tasks, n, server, step, state.turns[n, step].size_bit, step * spec.step_s + upload_s)


@compiled_inline
def advance_one(spec: OffloadSpec, state: State, n: int, e: int, now_s: float, until_s: float) -> None:
    """See `dynamics`."""
    advance(state.servers, state.tasks, n, e, now_s, until_s)


@compiled_inline
def count_residuals(spec: OffloadSpec, state: State, n: int, server: int, row: NDArray[np.floating]) -> None:
    """See `dynamics`."""
    record = state.servers[n, server]
    at = record.first_to_finish
    while at != NONE:
        residual_bit = state.tasks[n, at].threshold_bit - record.attained_bit
        row[HISTOGRAM + histogram_bin(residual_bit, spec.bins_per_bit, spec.bins)] += 1.0
        at = state.tasks[n, at].following


@compiled_inline
def work_bit(spec: OffloadSpec, state: State, n: int, server: int) -> float:
    """See `dynamics`."""
    record, found_bit = state.servers[n, server], 0.0
    at = record.first_to_finish
    while at != NONE:
        found_bit += state.tasks[n, at].threshold_bit - record.attained_bit
        at = state.tasks[n, at].following
    at = record.first_to_arrive
    while at != NONE:
        found_bit += state.tasks[n, at].size_bit
        at = state.tasks[n, at].following
    return found_bit
