"""Hindsight against greedy, which it starts from, and against every schedule there is where these are few."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.policies import GreedyPolicy
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.demand import Episode, Users
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import column_weights, offload_spec
from mecsim.systems.offload.network import Cloud, Edge, Servers
from mecsim.systems.offload.policies.hindsight import HindsightPolicy, Search, best_schedules
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.state import initial_state
from mecsim.systems.offload.tape import OffloadTapes
from tests.kernels import server_cost
from tests.one_system import OffloadPlay
from tests.one_system import play_offload as play
from tests.systems.offload.offloading import num_options
from tests.systems.offload.policies.test_lookahead import OPTIONAL, SCALE, preferences, scale_of, scenario_of
from tests.training.small import small_scenario

NAMES = ["plain", *OPTIONAL]


def cost_of(
    played: OffloadPlay, scenario: OffloadScenario, tapes: OffloadTapes, weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted cost of each episode, but for what servers take that do nothing: the cloud 58.4 W, an edge 93.7 W."""
    idle_j = (58.4 + 93.7 * (tapes.num_servers - 1)) * scenario.episode.steps
    cost = played.totals
    if scenario.energy.model == "power-curve":
        cost[:, 1] -= idle_j
    return (cost * weight).sum(axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_never_worse_than_greedy_and_keeps_its_promise(name: str) -> None:
    """On no episode. What the search thinks that a schedule costs is what it costs when it is played."""
    scenario = scenario_of(name, 0.4)
    tapes, wanted, scale = draw_tapes(scenario, 6, 0, 20), preferences(20, name), scale_of(name)
    weight = wanted / scale
    hindsight = play(HindsightPolicy(scenario, scale, 0, rounds=4), scenario, tapes, wanted)
    greedy = cost_of(play(GreedyPolicy(scale), scenario, tapes, wanted), scenario, tapes, weight)
    found = cost_of(hindsight, scenario, tapes, weight)
    assert (found <= greedy * (1.0 + 1e-9)).all()
    assert (found < 0.999 * greedy).sum() > 3
    schedule = best_schedules(scenario, tapes, wanted, scale, 4, 0)
    state, weights = initial_state(scenario, offload_spec(scenario), tapes), column_weights(scenario, weight)
    search = Search(schedule, schedule.copy(), np.zeros(state.servers.shape), weights, np.zeros((*schedule.shape, 9)))
    promised = [
        sum(server_cost(offload_spec(scenario), state, n, e, search) for e in range(state.servers.shape[1]))
        for n in range(20)
    ]
    assert_allclose(promised, found, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_it_finds_the_best_of_all_schedules(name: str) -> None:
    """Seven steps, at most four options: every schedule is played on the engine, up to 4⁷ at once."""
    scenario = scenario_of(name, 0.25, edges=(2, 2)).model_copy(update={"episode": Episode(steps=7)})
    options = scenario.max_options
    tapes, wanted, scale = draw_tapes(scenario, 7, 0, 8), preferences(8, name), scale_of(name)
    found = play(HindsightPolicy(scenario, scale, 0), scenario, tapes, wanted).totals
    tasks = 0
    for n in range(8):
        assert num_options(tapes)[n] == options
        waits = play(GreedyPolicy(scale), scenario, tapes.select(slice(n, n + 1)), wanted[n]).records.dispatched[0]
        tasks += waits.sum()
        every = [range(options) if waiting else range(1) for waiting in waits]
        schedules = np.array(list(itertools.product(*every)))
        engine = BatchedOffloadEngine(scenario)
        engine.begin(tapes.select(np.full(len(schedules), n)))
        total = sum(-engine.step(schedules[:, step]) for step in range(7))
        weight = wanted[n] / scale
        assert found[n] @ weight == pytest.approx((total @ weight).min(), rel=1e-9)
    assert tasks > 24


def test_more_rounds_are_never_worse_and_a_seed_repeats_itself() -> None:
    scenario = small_scenario(
        episode=Episode(steps=30),
        users=Users(count=10, arrival_rate_per_s=0.1),
        servers=Servers(cloud=Cloud(), edge=Edge(count=CountRange(4, 4), cpu_hz=Uniform(1.5e9, 2.5e9))),
    )
    tapes, wanted = draw_tapes(scenario, 8, 0, 6), preferences(6)
    plays = {
        (rounds, seed): play(HindsightPolicy(scenario, SCALE, seed, rounds), scenario, tapes, wanted)
        for rounds, seed in ((0, 0), (3, 0), (20, 0), (20, 1))
    }
    costs = [cost_of(plays[key], scenario, tapes, wanted / SCALE) for key in ((0, 0), (3, 0), (20, 0))]
    assert (costs[1] <= costs[0] * (1.0 + 1e-9)).all()
    assert (costs[2] <= costs[1] * (1.0 + 1e-9)).all()
    assert costs[2].mean() < 0.9999 * costs[0].mean()
    again = play(HindsightPolicy(scenario, SCALE, 0, 20), scenario, tapes, wanted)
    assert_array_equal(again.records.server, plays[20, 0].records.server)


def test_a_policy_can_play_one_set_of_episodes_after_another() -> None:
    scenario = small_scenario()
    policy = HindsightPolicy(scenario, SCALE, 0, 2)
    for first in (0, 6, 0):
        tapes = draw_tapes(scenario, 9, first, 6)
        used = play(policy, scenario, tapes, np.array([0.5, 0.5])).records.server
        fresh = play(HindsightPolicy(scenario, SCALE, 0, 2), scenario, tapes, np.array([0.5, 0.5])).records.server
        assert_array_equal(used, fresh)
