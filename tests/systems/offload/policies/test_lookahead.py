"""Lookahead against what it says it does: greedy without a horizon, exact rollouts where nothing is uncertain."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.physics.arrivals.section import Arrivals
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.policies import GreedyPolicy, calibrate
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.demand import Dispatch, Episode, Tasks, TaskSize, Users
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.network import Channel, Cloud, Device, Edge, Energy, Servers
from mecsim.systems.offload.policies.lookahead import LookaheadPolicy
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.simpy import SimpyOffloadEngine
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import OffloadPolicy, offload_scenario
from tests.one_system import play_offload as play
from tests.systems.offload.offloading import make_scenario, num_options
from tests.training.small import small_scenario

SCALE = np.array([20.0, 0.1])
DEVICE = Device(cpu_hz=Uniform(0.5e9, 1.5e9), capacitance=5e-30)
CLASSES, DEADLINE = (0.3, 0.4, 0.3), Uniform(0.5, 9.0)
OPTIONAL: dict[str, dict[str, Any]] = {
    "priority": {
        "dispatch": Dispatch(queue="priority", waiting_in_delay=True),
        "tasks": {"priorities": CLASSES},
        "servers": {"scheduling": "priority"},
    },
    "edf": {"dispatch": Dispatch(queue="edf"), "tasks": {"deadline_s": DEADLINE}, "servers": {"device": DEVICE}},
    "device": {"servers": {"device": DEVICE}},
    "interference": {"channel": Channel(bandwidth_hz=1e6, interference=True)},
    "power curve": {"energy": Energy(model="power-curve"), "servers": {"device": DEVICE}},
    "fading": {"channel": Channel(fading="step"), "dispatch": Dispatch(queue="edf"), "tasks": {"deadline_s": DEADLINE}},
    "each task": {
        "dispatch": Dispatch(decide="task", waiting_in_delay=True, queue="edf"),
        "tasks": {"deadline_s": DEADLINE},
    },
    "each task of a span": {
        "dispatch": Dispatch(decide="task"),
        "episode": Episode(span_s=4.0),
        "channel": Channel(bandwidth_hz=1e6, interference=True),
        "arrivals": Arrivals(model="gamma"),
    },
    "rated": {
        "satisfaction": DelaySatisfaction(adequate_s=9.0, desired_s=4.0, spread=1.0),
        "objectives": ("delay", "energy", "satisfaction"),
        "servers": {"device": DEVICE},
    },
    "fading, priority": {
        "channel": Channel(fading="ar1"),
        "dispatch": Dispatch(queue="priority"),
        "tasks": {"priorities": CLASSES},
        "servers": {"device": DEVICE},
    },
}


def scale_of(name: str) -> NDArray[np.float64]:
    """What objectives are divided by; whole servers take more than a switched capacitance of 5e-31."""
    return {"power curve": np.array([20.0, 2000.0]), "rated": np.array([*SCALE, 0.3])}.get(name, SCALE)


def scenario_of(name: str, arrival_rate_per_s: float, edges: tuple[int, int] = (1, 3)) -> OffloadScenario:
    """Eight decisions and a few servers, with what the name asks for."""
    sections: dict[str, Any] = {} if name == "plain" else OPTIONAL[name]
    sections = {"episode": Episode(steps=8), **sections}
    changes = {key: sections.get(key, {}) for key in ("tasks", "servers")}
    return make_scenario(
        users=Users(count=4, arrival_rate_per_s=arrival_rate_per_s),
        tasks=Tasks(size=TaskSize(mean_bit=8e6), **changes["tasks"]),
        servers=Servers(
            cloud=Cloud(count=1), edge=Edge(count=CountRange(*edges), cpu_hz=Uniform(1e9, 2e9)), **changes["servers"]
        ),
        **{key: value for key, value in sections.items() if key not in changes},
    )


def preferences(count: int, name: str = "plain") -> NDArray[np.float64]:
    return np.random.default_rng(count).dirichlet(np.ones(len(scale_of(name))), count)


class Checked:
    """Plays a policy and keeps what was known at each decision, and what it decided."""

    def __init__(self, policy: OffloadPolicy) -> None:
        self.policy = policy
        self.costs: list[NDArray[np.float64]] = []
        self.actions: list[NDArray[np.int64]] = []

    def act(self, episodes: Any, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64]:
        self.costs.append(-episodes.option_rewards())
        self.actions.append(self.policy.act(episodes, observation, preference))
        return self.actions[-1]


@pytest.mark.parametrize("name", ["plain", *OPTIONAL])
@pytest.mark.parametrize("futures", [1, 3])
def test_without_a_horizon_it_is_greedy(name: str, futures: int) -> None:
    scenario = scenario_of(name, 0.5)
    tapes, wanted, scale = draw_tapes(scenario, 1, 0, 30), preferences(30, name), scale_of(name)
    looking = play(LookaheadPolicy(scenario, scale, 0, futures, horizon=0), scenario, tapes, wanted)
    greedy = play(GreedyPolicy(scale), scenario, tapes, wanted)
    assert greedy.records.dispatched.sum() > 100
    assert_array_equal(looking.records.server, greedy.records.server)


def test_for_energy_alone_it_takes_the_greedy_option() -> None:
    """Tasks do not influence each other's energy, so whatever the future brings is the same for all options."""
    scenario = offload_scenario("gmorl-e6")
    tapes = draw_tapes(scenario, 2, 0, 4)
    checked = Checked(LookaheadPolicy(scenario, SCALE, 0, futures=2, horizon=10))
    played = play(checked, scenario, tapes, np.array([0.0, 1.0]))
    costs_j, actions = np.array(checked.costs)[..., 1], np.array(checked.actions)
    taken_j = np.take_along_axis(costs_j, actions[:, :, None], axis=2)[:, :, 0]
    waiting = played.records.dispatched.T
    np.testing.assert_allclose(taken_j[waiting], costs_j.min(axis=2)[waiting], rtol=1e-9)
    assert (costs_j.max(axis=2) > 1.5 * costs_j.min(axis=2))[waiting].all()


def rollout_costs(
    scenario: OffloadScenario, tapes: OffloadTapes, weight: NDArray[np.float64], prefix: Sequence[int]
) -> NDArray[np.float64]:
    """The cost of each option after `prefix`, if greedy goes on to the end: played in SimPy, one episode, (A,)."""
    values = []
    for option in range(num_options(tapes)[0]):
        engine = SimpyOffloadEngine(scenario)
        engine.begin(tapes)
        for action in prefix:
            engine.step(np.array([action]))
        total = -engine.step(np.array([option]))[0] @ weight
        for _ in range(len(prefix) + 1, scenario.steps):
            scalar = -engine.option_rewards()[0] @ weight
            total += -engine.step(np.array([scalar.argmin()]))[0] @ weight
        values.append(total)
    return np.array(values)


@pytest.mark.parametrize("name", ["plain", "priority", "edf", "device", "interference", "power curve", "rated"])
def test_with_nothing_left_to_arrive_it_plays_each_option_to_the_end(name: str) -> None:
    """All tasks are there from the start and users keep their channels: the one future that there is, is known."""
    busy, quiet = scenario_of(name, 0.25), scenario_of(name, 0.0)
    differs = 0
    for episode in range(6):
        tapes = draw_tapes(busy, 3, episode, 1)
        at_once = np.zeros_like(tapes.arrivals)
        at_once[:, 0] = tapes.arrivals.sum(axis=1)
        tapes = replace(tapes, arrivals=at_once)
        wanted = preferences(6, name)[episode]
        weight = wanted / scale_of(name)
        checked = Checked(LookaheadPolicy(quiet, scale_of(name), 0, futures=2))
        played = play(checked, quiet, tapes, wanted)
        actions = [int(action[0]) for action in checked.actions]
        for step in np.flatnonzero(played.records.dispatched[0]):
            values = rollout_costs(quiet, tapes, weight, actions[:step])
            assert values[actions[step]] == pytest.approx(values.min(), rel=1e-9)
            greedy = (checked.costs[step][0, : len(values)] @ weight).argmin()
            differs += greedy != actions[step]
    assert differs > 0  # the rollouts matter


@pytest.mark.parametrize("name", OPTIONAL)
def test_options_that_exist_are_chosen_on_any_scenario(name: str) -> None:
    scenario = scenario_of(name, 0.4)
    tapes = draw_tapes(scenario, 4, 0, 40)
    checked = Checked(LookaheadPolicy(scenario, scale_of(name), 0, futures=3, horizon=5))
    played = play(checked, scenario, tapes, preferences(40, name))
    actions = np.array(checked.actions)
    assert ((actions >= 0) & (actions < num_options(tapes))).all()
    chosen = actions[played.records.dispatched.T]
    assert len(np.unique(chosen)) > 2
    if scenario.servers.device:
        assert (played.records.server >= scenario.max_servers).any()


def test_a_seed_repeats_it_and_another_one_imagines_other_futures() -> None:
    scenario = small_scenario()
    tapes = draw_tapes(scenario, 0, 0, 40)
    first, again, other = (
        play(LookaheadPolicy(scenario, SCALE, seed, 2, 4), scenario, tapes, preferences(40)).records.server
        for seed in (7, 7, 8)
    )
    assert_array_equal(first, again)
    assert (first != other).any()


def test_episodes_do_not_touch_each_other() -> None:
    """Nothing is uncertain where nothing is expected to arrive: an episode may be played alone, with any seed."""
    scenario = scenario_of("edf", 0.0)
    tapes = draw_tapes(scenario_of("edf", 0.4), 5, 0, 8)
    wanted = preferences(8)
    together = play(LookaheadPolicy(scenario, SCALE, 0, 2), scenario, tapes, wanted).records.server
    for episode in range(8):
        alone = play(
            LookaheadPolicy(scenario, SCALE, 1, 1), scenario, tapes.select(slice(episode, episode + 1)), wanted[episode]
        )
        assert_array_equal(alone.records.server[0], together[episode])


def test_it_is_better_than_greedy() -> None:
    """Mean scalarised cost over 20 episodes and three preferences, on the same tapes."""
    scenario = offload_scenario("gmorl-e6")
    scale = calibrate(scenario).scale
    tapes = draw_tapes(scenario, 11, 0, 20).select(np.repeat(np.arange(20), 3))
    wanted = np.tile([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]], (20, 1))
    cost = [
        (play(policy, scenario, tapes, wanted).totals / scale * wanted).sum(axis=1)
        for policy in (LookaheadPolicy(scenario, scale, 0, futures=6, horizon=20), GreedyPolicy(scale))
    ]
    saved = (cost[1] - cost[0]).reshape(20, 3).mean(axis=1)
    assert cost[0].mean() < 0.97 * cost[1].mean()
    assert saved.mean() > 3.0 * saved.std(ddof=1) / np.sqrt(20)
