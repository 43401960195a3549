"""The problem of who knows an episode's whole tape: which task goes to which server, at what cost.

What a schedule costs is a sum over servers. On a server with plain processor sharing the tasks of a schedule join at
moments that depend on nothing but their own dispatch and upload; each costs a price (upload, energy, a constant wait)
and, when it joins, the delay that it adds to itself and to those it finds there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.physics.energy import execution_energy_j, upload_energy_j
from mecsim.systems.offload.edges import prices_of
from mecsim.systems.offload.layout import DELAY, ENERGY, PRICE, OffloadSpec, offload_spec
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY, turns_of

Array = NDArray[np.float64]


class Inner(NamedTuple):
    """N episodes of T steps, each of which dispatches a task or none. S counts the servers, then the users' devices."""

    size_bit: Array  # (N, T) of the work; 0 where a step dispatches nothing
    join_s: Array  # (N, S, T) when the task of a step joins a server, if it is sent there
    price: Array  # (N, S, T) of that, but for the delay from then on
    order: NDArray[np.int64]  # (N, S, T) steps whose tasks can go to a server, by when they join it
    offered: NDArray[np.int64]  # (N, S) how many these are
    bit_cost: Array  # (N, S) what the time costs that a server needs for a bit, s/bit times the weight of delay
    s_per_bit: Array  # (N, S)


def spec_of_plain(scenario: OffloadScenario) -> OffloadSpec:
    """The spec of a scenario whose servers share plainly.

    Raises:
        InputError: its servers do not.
    """
    spec = offload_spec(scenario)
    if spec.contended:
        raise InputError(
            "no bound is known with interference, priorities on servers, power curves, rated delays or misses; "
            "expected a scenario without them"
        )
    return spec


def inner_problem(scenario: OffloadScenario, tapes: OffloadTapes, weight: Array, penalty: Array) -> Inner:
    """What the tapes leave to decide.

    Args:
        scenario: with plain processor sharing.
        tapes: of N episodes.
        weight: of all OBJECTIVES, (N, 5).
        penalty: what each option of a step costs beside that, (N, T, A).

    Raises:
        InputError: the scenario has servers of another kind.
    """
    spec = spec_of_plain(scenario)
    turns = turns_of(scenario, tapes)[:, :-1]
    episodes, steps = turns.shape
    devices, most = tapes.device_hz.shape[1], spec.max_servers
    hz = tapes.server_hz
    waits = turns["task"] != NOBODY
    size_bit, work_bit = (np.where(waits, turns[name], 0.0) for name in ("size_bit", "work_bit"))
    n = np.arange(episodes)[:, None]
    can = np.zeros((episodes, most + devices, steps), np.bool_)
    can[:, :most] = (np.arange(most) < tapes.num_servers[:, None])[:, :, None] & waits[:, None, :]
    for user in range(devices):
        can[:, most + user] = waits & (turns["user"] == user)
    upload_s = np.zeros(can.shape)
    rate = tapes.rate_bit_per_s[n, turns["link"]].transpose(0, 2, 1)
    np.divide(size_bit[:, None, :], rate, out=upload_s[:, :most], where=can[:, :most])
    capacitance = np.where(np.arange(most + devices) < most, spec.capacitance, spec.device_capacitance)[:, None]
    energy_j = _of_arrays(upload_energy_j)(spec.tx_power_w, upload_s) + _of_arrays(execution_energy_j)(
        capacitance, spec.cycles_per_bit, hz[:, :, None], work_bit[:, None, :]
    )
    delay_s = upload_s
    if spec.waiting_in_delay:
        delay_s = upload_s + (turns["now_s"] - turns["arrival_s"])[:, None, :]
    price = weight[:, DELAY, None, None] * delay_s + weight[:, ENERGY, None, None] * energy_j
    per_cycle, per_bit = prices_of(scenario).T[:, :, None]
    asked = per_cycle * spec.cycles_per_bit * work_bit[:, None, :] + per_bit * size_bit[:, None, :]
    price += weight[:, PRICE, None, None] * asked
    price[:, :most] += penalty.transpose(0, 2, 1)[:, :most]
    if devices:
        price[:, most:] += penalty[np.arange(episodes), :, tapes.num_servers][:, None, :]
    join_s = np.where(can, turns["now_s"][:, None, :] + upload_s, np.inf)
    s_per_bit = np.divide(spec.cycles_per_bit, hz, out=np.zeros(hz.shape), where=hz > 0.0)
    return Inner(
        size_bit=work_bit,
        join_s=join_s,
        price=np.where(can, price, 0.0),
        order=np.argsort(join_s, axis=2, kind="stable"),
        offered=can.sum(axis=2),
        bit_cost=s_per_bit * weight[:, DELAY, None],
        s_per_bit=s_per_bit,
    )


def _of_arrays(formula: Callable[..., float]) -> Callable[..., Array]:
    """A compiled formula of numbers as Python has it, which takes arrays as well."""
    return cast(Callable[..., Array], cast(Any, formula).py_func)


def servers_of(scenario: OffloadScenario, tapes: OffloadTapes, schedule: NDArray[np.int64]) -> NDArray[np.int64]:
    """The server, or device, that each option of a schedule (N, T) means, as `Inner` counts them."""
    user = turns_of(scenario, tapes)["user"][:, :-1]
    return np.where(schedule < tapes.num_servers[:, None], schedule, scenario.max_servers + user)
