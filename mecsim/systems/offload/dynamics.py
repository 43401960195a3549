"""The dynamics of the batched engine: costs of an option, dispatch, and work of a step.

Compiled functions of one episode `n` at a time, to be called from kernels. What depends on how servers work is compiled
either from `plain` or from `contended`, as the type of the spec says.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_by_type, compiled_inline
from mecsim.physics.energy import execution_energy_j
from mecsim.physics.records import NONE
from mecsim.systems.offload import contended, plain
from mecsim.systems.offload.layout import (
    DELAY,
    ENERGY,
    MISSES,
    PRICE,
    SHORTFALL,
    ContendedSpec,
    OffloadSpec,
)
from mecsim.systems.offload.results import result_s
from mecsim.systems.offload.state import State
from mecsim.systems.offload.turns import NOBODY


class Cost(NamedTuple):
    """What a decision costs; nothing if there is nobody to decide for."""

    delay_s: float = 0.0
    energy_j: float = 0.0
    shortfall: float = 0.0
    misses: float = 0.0
    price: float = 0.0


@compiled_by_type({OffloadSpec: plain.copy_queue, ContendedSpec: contended.copy_queue})
def _copy_queue(spec: OffloadSpec, state: State, spare: State, n: int, e: int) -> None:
    """Copy the tasks on a server and on their way there."""
    raise NotImplementedError


@compiled_by_type({OffloadSpec: plain.added_costs, ContendedSpec: contended.added_costs})
def _added_costs(
    spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, turn: Any, execution_j: float
) -> tuple[float, float, float, float, float]:
    """Delay (s), radio and execution energy (J), shortfall, and misses, that a server has more of with a turn's task.

    `upload_s` and `execution_j` are what the task takes if it is alone.
    """
    raise NotImplementedError


@compiled_by_type({OffloadSpec: plain.send_task, ContendedSpec: contended.send_task})
def _send(spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, step: int) -> None:
    """Send the task of this step to a server."""
    raise NotImplementedError


@compiled_by_type({OffloadSpec: plain.advance_one, ContendedSpec: contended.advance_one})
def advance_one(spec: OffloadSpec, state: State, n: int, e: int, now_s: float, until_s: float) -> None:
    """Let server `e`, or a device, work."""
    raise NotImplementedError


@compiled_by_type({OffloadSpec: plain.count_residuals, ContendedSpec: contended.count_residuals})
def count_residuals(spec: OffloadSpec, state: State, n: int, server: int, row: NDArray[np.floating]) -> None:
    """Add the tasks that a server executes to the histogram of an option's row, by what is left of them."""
    raise NotImplementedError


@compiled_by_type({OffloadSpec: plain.work_bit, ContendedSpec: contended.work_bit})
def work_bit(spec: OffloadSpec, state: State, n: int, server: int) -> float:
    """What is left of the tasks on a server and on its way there."""
    raise NotImplementedError


@compiled_inline
def copy_state(spec: OffloadSpec, state: State, spare: State, n: int) -> None:
    """Make the servers of episode `n` in `spare`, and the tasks that have not left, what they are in `state`."""
    for e in range(state.servers.shape[1]):
        spare.servers[n, e] = state.servers[n, e]
        _copy_queue(spec, state, spare, n, e)


@compiled_inline
def clear_server(state: State, n: int, e: int) -> None:
    """Take everything off a server and off its way there."""
    server = state.servers[n, e]
    server.attained_bit = 0.0
    server.executing = server.uploading = 0
    server.first_to_finish = server.first_to_arrive = NONE


@compiled_inline
def costs_of(spec: OffloadSpec, state: State, n: int, e: int, turn: Any) -> Cost:
    """Immediate costs of taking option `e` for the task of a turn."""
    server, upload_s = _target(spec, state, n, e, turn)
    delay_s, radio_j, execution_j, shortfall, misses = _costs(spec, state, n, server, upload_s, turn)
    return Cost(delay_s, radio_j + execution_j, shortfall, misses, price_of(spec, state, server, turn))


@compiled_inline
def write_costs(spec: OffloadSpec, state: State, n: int, row: NDArray[np.floating], cost: Cost, sign: float) -> None:
    """Fill a row of Q costs, or with a negative `sign` rewards: of a decision and of what a step takes anyway."""
    row[DELAY], row[ENERGY] = sign * cost.delay_s, sign * (cost.energy_j + _idle_j(spec, state, n))
    column = SHORTFALL
    if spec.rated:
        row[column] = sign * cost.shortfall
        column += 1
    if spec.missed:
        row[column] = sign * (cost.misses + state.expired[n])
        column += 1
    if spec.priced:
        row[column] = sign * cost.price


@compiled_inline
def weighted_cost(weight: NDArray[np.float64], n: int, cost: Cost) -> float:
    """The sum of immediate costs by row `n` of weights (N, 5)."""
    return float(
        weight[n, DELAY] * cost.delay_s
        + weight[n, ENERGY] * cost.energy_j
        + weight[n, SHORTFALL] * cost.shortfall
        + weight[n, MISSES] * cost.misses
        + weight[n, PRICE] * cost.price
    )


@compiled_inline
def price_of(spec: OffloadSpec, state: State, server: int, turn: Any) -> float:
    """What a server asks for the task of a turn."""
    if not spec.priced:
        return 0.0
    cycles = spec.cycles_per_bit * turn.work_bit
    return float(state.price[server, 0] * cycles + state.price[server, 1] * turn.size_bit)


@compiled_inline
def _target(spec: OffloadSpec, state: State, n: int, e: int, turn: Any) -> tuple[int, float]:
    """The server that option `e` means for a task, and how long the upload takes if nothing interferes."""
    if e < state.num_servers[n]:
        return e, turn.size_bit / state.rate_bit_per_s[n, turn.link, e]
    return spec.max_servers + turn.user, 0.0


@compiled_inline
def _costs(
    spec: OffloadSpec, state: State, n: int, server: int, upload_s: float, turn: Any
) -> tuple[float, float, float, float, float]:
    """Delay (s), radio and execution energy (J), shortfall, and misses, that sending a turn's task to a server adds."""
    capacitance = spec.capacitance if server < spec.max_servers else spec.device_capacitance
    execution_j = execution_energy_j(capacitance, spec.cycles_per_bit, state.cpu_hz[n, server], turn.work_bit)
    delay_s, radio_j, execution_j, shortfall, misses = _added_costs(spec, state, n, server, upload_s, turn, execution_j)
    if spec.output:
        back_s = result_s(spec, state, n, server, turn)
        delay_s, radio_j = delay_s + back_s, radio_j + spec.rx_power_w * back_s
    if spec.waiting_in_delay:
        delay_s += turn.now_s - turn.arrival_s
    return delay_s, radio_j, execution_j, shortfall, misses


@compiled_inline
def _idle_j(spec: OffloadSpec, state: State, n: int) -> float:
    """What the servers of episode `n` take in a step if they do nothing; zero where only work takes energy."""
    return float(state.idle_w[n] * spec.step_s) if spec.power_curve else 0.0


@compiled_inline
def dispatch_one(spec: OffloadSpec, state: State, n: int, step: int, action: int) -> Cost:
    """Send the task of this step to option `action`; what that costs."""
    turn = state.turns[n, step]
    if turn.task == NOBODY:
        return Cost(0.0, 0.0, 0.0, 0.0, 0.0)
    server, upload_s = _target(spec, state, n, action, turn)
    delay_s, radio_j, execution_j, shortfall, misses = _costs(spec, state, n, server, upload_s, turn)
    entry = state.log[n, step]
    entry.server, entry.delay_s, entry.energy_j, entry.execution_j = server, delay_s, radio_j + execution_j, execution_j
    entry.price = price_of(spec, state, server, turn)
    _send(spec, state, n, server, upload_s, step)
    return Cost(delay_s, radio_j + execution_j, shortfall, misses, entry.price)


@compiled_inline
def advance_all(spec: OffloadSpec, state: State, n: int, now_s: float, until_s: float) -> None:
    """Let every server and device of an episode work."""
    for e in range(state.num_servers[n]):
        advance_one(spec, state, n, e, now_s, until_s)
    for e in range(spec.max_servers, state.servers.shape[1]):
        advance_one(spec, state, n, e, now_s, until_s)


@compiled_inline
def step_one(spec: OffloadSpec, state: State, n: int, step: int, action: int, reward: NDArray[np.float64]) -> None:
    """Dispatch in episode `n`, and let every server work until the next decision."""
    write_costs(spec, state, n, reward[n], dispatch_one(spec, state, n, step, action), -1.0)
    advance_all(spec, state, n, state.turns[n, step].now_s, state.turns[n, step + 1].now_s)
