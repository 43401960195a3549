"""Hindsight: the best schedule found when the whole tape is known. No policy can be expected to do better.

Local search over the schedule of an episode, from greedy's: a move gives one task to another server, or lets two tasks
change places, if that lowers the scalarised cost. Where no move helps, a few tasks are moved at random and the search
goes on from there, back to the best schedule if that fails (iterated local search, Lourenço, Martin and Stützle 2003).
As a search it finds an upper bound of the least cost; how tight it is shows in how little more rounds bring.

Servers do not affect each other, so the cost of a schedule is a sum over servers, and a move changes two of its terms.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled, compiled_inline, kernel
from mecsim.core.episodes import Arrays
from mecsim.core.threads import over_rows
from mecsim.errors import InputError
from mecsim.policies.calibration import calibrate
from mecsim.policies.immediate import GreedyPolicy
from mecsim.policies.policy import Actions, Preferences, play_actions
from mecsim.policies.registry import policy
from mecsim.systems.offload.dynamics import advance_one, clear_server, dispatch_one, weighted_cost
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.layout import OffloadSpec, column_weights, offload_spec
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.state import State, initial_state
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY

ROUNDS = 30
"""Random moves of several tasks, each with a local search after it."""

SHAKEN = 4
"""Tasks that such a move gives to random servers."""

NEIGHBOURS = 8
"""Two tasks change places if at most so many steps lie between them."""

SEARCH_US = 10_000  # an episode, or more

_PRECISION = 1e-9  # of the cost; a move has to bring more than rounding


class HindsightPolicy:
    """Plays the best schedule found for each episode."""

    def __init__(self, scenario: OffloadScenario, scale: NDArray[np.float64], seed: int, rounds: int = ROUNDS) -> None:
        self._scenario = scenario
        self._scale = scale
        self._seed = seed
        self._rounds = rounds
        self._tapes: OffloadTapes | None = None

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The next entry of each schedule; the schedules are searched at the first step of the episodes."""
        if episodes.tapes is None:
            raise InputError("hindsight needs episodes on a tape: begun ones, and none that a planner imagines")
        if episodes.step_index == 0 or episodes.tapes is not self._tapes:
            self._tapes = episodes.tapes
            self._schedule = best_schedules(
                self._scenario, episodes.tapes, preference, self._scale, self._rounds, self._seed
            )
        return np.asarray(self._schedule[:, episodes.step_index])


def best_schedules(
    scenario: OffloadScenario,
    tapes: OffloadTapes,
    preference: Preferences,
    scale: NDArray[np.float64],
    rounds: int,
    seed: int,
    price: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """An option per episode and step, (N, T), of the least Σ ω·c/scale found; `preference` has a row per episode.

    `price`, (N, T, A), is what an option costs beside that; nothing if it is not given.
    """
    spec = offload_spec(scenario)
    schedule = play_actions(GreedyPolicy(scale), scenario, tapes, preference)
    weight = column_weights(scenario, preference / scale)
    seeds = np.random.default_rng(seed).integers(0, 2**31, len(tapes))
    state = initial_state(scenario, spec, tapes)
    added = np.zeros((*schedule.shape, spec.max_options)) if price is None else price
    search = Search(schedule, schedule.copy(), np.zeros(state.servers.shape), weight, added)
    over_rows(_search, len(tapes), spec, state, search, rounds, seeds, cost=SEARCH_US)
    return schedule


class Search(NamedTuple):
    """The schedules of N episodes and what they cost."""

    schedule: NDArray[np.int64]  # (N, T)
    best: NDArray[np.int64]  # (N, T) of those before
    cost: NDArray[np.float64]  # (N, S) of each server
    weight: NDArray[np.float64]  # (N, 5) as `weighted_cost` takes it
    price: NDArray[np.float64]  # (N, T, A) of each option, beside what it costs


class _Move(NamedTuple):
    """Two steps, or one step twice, and their new options."""

    one: int
    two: int
    new_one: int
    new_two: int


@compiled_inline
def _server_of(spec: OffloadSpec, state: State, n: int, step: int, option: int) -> int:
    """The server, or the device of the step's user, that an option means."""
    return option if option < state.num_servers[n] else spec.max_servers + state.turns[n, step].user


@compiled
def _cost_of(spec: OffloadSpec, state: State, n: int, server: int, search: Search) -> float:
    """What the tasks that a schedule gives to a server cost: the sum of what each adds when it is dispatched."""
    clear_server(state, n, server)
    schedule, cost, now_s = search.schedule, 0.0, 0.0
    for step in range(spec.steps):
        if state.turns[n, step].task == NOBODY or _server_of(spec, state, n, step, schedule[n, step]) != server:
            continue
        advance_one(spec, state, n, server, now_s, state.turns[n, step].now_s)
        now_s = state.turns[n, step].now_s
        cost += weighted_cost(search.weight, n, dispatch_one(spec, state, n, step, schedule[n, step]))
        cost += search.price[n, step, schedule[n, step]]
    return cost


@compiled
def _try(spec: OffloadSpec, state: State, n: int, search: Search, move: _Move) -> bool:
    """Make a move if that is cheaper."""
    schedule, cost, one, two = search.schedule, search.cost, move.one, move.two
    old_one, old_two = schedule[n, one], schedule[n, two]
    a = _server_of(spec, state, n, one, old_one)
    b = _server_of(spec, state, n, one, move.new_one)
    c = _server_of(spec, state, n, two, old_two)
    d = _server_of(spec, state, n, two, move.new_two)
    before = cost[n, a] + cost[n, b]
    if c != a and c != b:
        before += cost[n, c]
    if d not in (a, b, c):
        before += cost[n, d]
    schedule[n, one], schedule[n, two] = move.new_one, move.new_two
    cost_a = _cost_of(spec, state, n, a, search)
    cost_b = _cost_of(spec, state, n, b, search)
    after = cost_a + cost_b
    cost_c = cost_d = 0.0
    if c != a and c != b:
        cost_c = _cost_of(spec, state, n, c, search)
        after += cost_c
    if d not in (a, b, c):
        cost_d = _cost_of(spec, state, n, d, search)
        after += cost_d
    if after >= before - _PRECISION * abs(before):
        schedule[n, one], schedule[n, two] = old_one, old_two
        return False
    if d not in (a, b, c):
        cost[n, d] = cost_d
    if c != a and c != b:
        cost[n, c] = cost_c
    cost[n, a], cost[n, b] = cost_a, cost_b
    return True


@compiled
def _descend(spec: OffloadSpec, state: State, n: int, search: Search) -> None:
    """Moves and exchanges, until none helps."""
    schedule, options = search.schedule, state.num_servers[n] + spec.device
    better = True
    while better:
        better = False
        for step in range(spec.steps):
            if state.turns[n, step].task == NOBODY:
                continue
            for option in range(options):
                if option != schedule[n, step] and _try(spec, state, n, search, _Move(step, step, option, option)):
                    better = True
        if better:
            continue  # exchanges are dearer: only where moves do not help any more
        for one in range(spec.steps):
            for two in range(one + 1, min(one + 1 + NEIGHBOURS, spec.steps)):
                if (
                    schedule[n, one] != schedule[n, two]
                    and state.turns[n, one].task != NOBODY
                    and state.turns[n, two].task != NOBODY
                    and _try(spec, state, n, search, _Move(one, two, schedule[n, two], schedule[n, one]))
                ):
                    better = True


@compiled
def _search_one(spec: OffloadSpec, state: State, n: int, search: Search, rounds: int, seed: int) -> None:
    """Improve row `n` of the schedule in place."""
    np.random.seed(seed)  # noqa: NPY002  (Numba's own generator; nothing else of this program uses it)
    schedule, best, cost = search.schedule, search.best, search.cost
    options = state.num_servers[n] + spec.device
    least = np.inf
    for attempt in range(rounds + 1):
        for _ in range(SHAKEN if attempt > 0 else 0):
            schedule[n, np.random.randint(spec.steps)] = np.random.randint(options)  # noqa: NPY002
        total = 0.0
        for e in range(cost.shape[1]):
            cost[n, e] = _cost_of(spec, state, n, e, search)
        _descend(spec, state, n, search)
        for e in range(cost.shape[1]):
            total += cost[n, e]
        if total < least:
            least = total
            for step in range(spec.steps):
                best[n, step] = schedule[n, step]
        else:
            for step in range(spec.steps):
                schedule[n, step] = best[n, step]
    for step in range(spec.steps):
        schedule[n, step] = best[n, step]


@kernel
def _search(
    spec: OffloadSpec, state: State, search: Search, rounds: int, seeds: NDArray[np.int64], first: int, last: int
) -> None:
    for n in range(first, last):
        _search_one(spec, state, n, search, rounds, seeds[n])


@policy("hindsight", "local search with the whole episode known in advance: no policy, and no bound")
def hindsight(scenario: OffloadScenario, seed: int) -> HindsightPolicy:
    """In the scales of the scenario."""
    return HindsightPolicy(scenario, calibrate(scenario).scale, seed)
