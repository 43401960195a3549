"""Rollouts, compiled: each option is tried on futures that greedy plays on. `futures` says what comes out of it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled, kernel
from mecsim.core.target import Target, each
from mecsim.systems.offload.dynamics import (
    advance_all,
    copy_state,
    costs_of,
    dispatch_one,
    weighted_cost,
)
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.imagination import Imagination, Plan, Room, imagine, keep_turn
from mecsim.systems.offload.layout import OffloadSpec
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.state import State, spare_state
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY

LOOK_US = 500  # an episode, or more


class _Worth(NamedTuple):
    """What costs count, and what comes out."""

    weight: NDArray[np.float64]  # (N, 5) of all OBJECTIVES
    value: NDArray[np.float64]  # (N, A)


class Rollouts:
    """Room to imagine what the episodes of a batched engine may come to. The engine's own state stays as it is."""

    def __init__(
        self, scenario: OffloadScenario, spec: OffloadSpec, tapes: OffloadTapes, state: State, target: Target
    ) -> None:
        self._spec, self._target = spec, target
        own = each(target.on_host, state)
        self._spare = each(target.place, spare_state(own))
        self._imagination = Imagination(scenario, tapes, own.turns, target)

    def values(self, state: State, step: int, futures: Futures, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `OffloadEngine.rollouts`; for the decision of `step`."""
        target, episodes = self._target, len(weight)
        plan = self._imagination.plan(step, futures)
        value: NDArray[np.float64] = target.xp.empty((episodes, self._spec.max_options), dtype=target.xp.float64)
        room, worth = self._imagination.room(plan, episodes), _Worth(target.place(weight), value)
        target.over_rows(_look, episodes, self._spec, state, self._spare, plan, room, worth, cost=LOOK_US)
        return value


@compiled
def _greedy(spec: OffloadSpec, state: State, n: int, step: int, weight: NDArray[np.float64]) -> int:
    """The option of the least immediate cost."""
    turn = state.turns[n, step]
    best, least = 0, np.inf
    for e in range(state.num_servers[n] + spec.device):
        cost = weighted_cost(weight, n, costs_of(spec, state, n, e, turn))
        if cost < least:
            best, least = e, cost
    return best


@compiled
def _played(
    spec: OffloadSpec, spare: State, n: int, plan: Plan, weight: NDArray[np.float64], option: int, cost: float
) -> float:
    """`cost` and what a future costs that begins with an option."""
    for now in range(plan.step, plan.step + plan.horizon + 1):
        if spare.turns[n, now].task != NOBODY:
            chosen = option if now == plan.step else _greedy(spec, spare, n, now, weight)
            cost += weighted_cost(weight, n, dispatch_one(spec, spare, n, now, chosen))
        advance_all(spec, spare, n, spare.turns[n, now].now_s, spare.turns[n, now + 1].now_s)
    return cost


@compiled
def _look_one(spec: OffloadSpec, state: State, spare: State, plan: Plan, room: Room, worth: _Worth, n: int) -> None:
    """Total cost of each option of episode `n` over the futures; infinite for absent options."""
    options, value = state.num_servers[n] + spec.device, worth.value
    for e in range(value.shape[1]):
        value[n, e] = 0.0 if e < options else np.inf
    if state.turns[n, plan.step].task == NOBODY:
        return
    keep_turn(state, n, spare, n, plan)
    for f in range(plan.member.shape[1]):
        imagine(spare, n, plan, room, n, f)
        for e in range(options):
            copy_state(spec, state, spare, n)
            value[n, e] = _played(spec, spare, n, plan, worth.weight, e, value[n, e])


@kernel
def _look(
    spec: OffloadSpec, state: State, spare: State, plan: Plan, room: Room, worth: _Worth, first: int, last: int
) -> None:
    for n in range(first, last):
        _look_one(spec, state, spare, plan, room, worth, n)
