"""Planning against what it says it does: lookahead over greedy, sums by hand over any other base."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.core.seeds import Stream
from mecsim.core.system import new_episodes
from mecsim.errors import InputError
from mecsim.policies import GreedyPolicy, Planning, PlanningPolicy, named_policy, planner
from mecsim.scenario import load_scenario
from mecsim.systems.offload.draw.futures import sample_futures
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import EXECUTING, column_weights
from mecsim.systems.offload.policies.lookahead import LookaheadPolicy
from tests.one_system import offload_scenario
from tests.one_system import play_offload as play
from tests.systems.offload.offloading import random_actions
from tests.systems.offload.policies.test_lookahead import OPTIONAL, SCALE, preferences, scale_of, scenario_of

EPISODES = 5


class Crowded:
    """Takes the last option, and expects the worse the more tasks there are; keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Arrays] = []

    def act(self, episodes: Any, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64]:
        self.shown.append(observation)
        return observation["mask"].sum(axis=1, dtype=np.int64) - 1

    def expected(self, observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.float64]:
        return -preference[:, 0] * tasks(observation)


def tasks(observation: Arrays) -> NDArray[np.float64]:
    """How many execute anywhere, (N,)."""
    return np.asarray(observation["options"][:, :, EXECUTING].clip(min=0.0).sum(axis=1, dtype=np.float64))


@pytest.mark.parametrize("name", ["plain", *OPTIONAL])
@pytest.mark.parametrize("horizon", [0, 4])
def test_over_greedy_it_is_lookahead(name: str, horizon: int) -> None:
    """Up to what idle servers take, which all options have in common."""
    scenario, scale = scenario_of(name, 0.7), scale_of(name)
    tapes, wanted = draw_tapes(scenario, 3, 0, EPISODES), preferences(EPISODES, name)
    episodes = new_episodes(scenario, "batched")
    observation = episodes.begin(tapes)
    policy = PlanningPolicy(GreedyPolicy(scale), scale, 8, Planning(3, blind_horizon=horizon, rounds=1))
    rng = np.random.default_rng([8, Stream.PLANNING])
    decided = 0
    for action in random_actions(tapes, 3):
        found = policy.costs(episodes, observation, wanted)
        ahead = min(horizon, episodes.steps - episodes.step_index - 1)
        futures = sample_futures(scenario, tapes, rng, 3, ahead)
        weight = column_weights(scenario, wanted / scale)
        truth = episodes.engine.rollouts(futures, weight) / 3  # type: ignore[attr-defined]
        exists = np.isfinite(truth)
        assert_array_equal(np.isfinite(found), exists)
        assert_allclose((found - found[:, :1])[exists], (truth - truth[:, :1])[exists], rtol=1e-9, atol=1e-9)
        decided += int((np.ptp(np.where(exists, truth, truth[:, :1]), axis=1) > 0.0).sum())
        observation, _, _ = episodes.step(action)
    assert decided > EPISODES


def test_over_greedy_it_decides_as_lookahead_does() -> None:
    scenario = scenario_of("device", 0.7)
    tapes, wanted = draw_tapes(scenario, 6, 0, 20), preferences(20, "device")
    planning = PlanningPolicy(GreedyPolicy(SCALE), SCALE, 0, Planning(2, blind_horizon=3, rounds=1))
    lookahead = LookaheadPolicy(scenario, SCALE, 0, futures=2, horizon=3)
    one, other = (play(policy, scenario, tapes, wanted).records for policy in (planning, lookahead))
    assert_array_equal(one.server, other.server)
    assert (one.server != play(GreedyPolicy(SCALE), scenario, tapes, wanted).records.server).any()


@pytest.mark.parametrize("horizon", [0, 2])
def test_what_the_base_expects_is_added_after_its_last_decision(horizon: int) -> None:
    scenario = scenario_of("plain", 1.0, edges=(3, 3))
    tapes, wanted = draw_tapes(scenario, 4, 0, EPISODES), preferences(EPISODES)
    episodes = new_episodes(scenario, "batched")
    observation = episodes.begin(tapes)
    policy = PlanningPolicy(Crowded(), SCALE, 1, Planning(2, horizon=horizon, rounds=1))
    rng = np.random.default_rng([1, Stream.PLANNING])
    for action in random_actions(tapes, 4):
        found = policy.costs(episodes, observation, wanted)
        imagine = episodes.imagine(rng, 2, horizon + 1)
        for n in np.flatnonzero(episodes.waits(observation)):
            for option in range(4):
                total = 0.0
                for future in range(2):
                    one = imagine(np.array([n]), np.array([future]))
                    taken = [option] + [3] * horizon
                    for decision in taken[: episodes.steps - episodes.step_index]:
                        after, _, rewards = one.step(np.array([decision]))
                        total -= float(rewards[0] @ (wanted[n] / SCALE))
                    if not one.over:
                        total += wanted[n, 0] * tasks(after)[0]
                assert found[n, option] == pytest.approx(total / 2, rel=1e-6)
        observation, _, _ = episodes.step(action)


def test_all_options_meet_the_same_futures() -> None:
    """What waits in the queue does not depend on the actions: it tells which future is played."""
    scenario = scenario_of("plain", 2.0, edges=(3, 3))
    tapes, base = draw_tapes(scenario, 4, 0, 2), Crowded()
    episodes = new_episodes(scenario, "batched")
    observation = episodes.begin(tapes)
    assert episodes.waits(observation).all()
    PlanningPolicy(base, SCALE, 1, Planning(6, horizon=3, rounds=1)).costs(episodes, observation, preferences(2))
    assert len(base.shown) == 3
    for shown in base.shown:
        by_option = shown["context"].reshape(2, 4, 6, -1)
        assert_array_equal(by_option, np.broadcast_to(by_option[:, :1], by_option.shape))
        assert len(np.unique(by_option[0, 0], axis=0)) > 3  # of six futures


def test_the_worse_half_is_dropped_while_the_futures_double() -> None:
    scenario = scenario_of("plain", 2.0, edges=(6, 6))
    tapes, base, wanted = draw_tapes(scenario, 4, 0, 1), Crowded(), np.array([[0.5, 0.5]])
    episodes = new_episodes(scenario, "batched")
    observation = episodes.begin(tapes)
    found = PlanningPolicy(base, SCALE, 1, Planning(8, horizon=1)).costs(episodes, observation, wanted)[0]
    assert [len(shown["mask"]) for shown in base.shown] == [7 * 2, 4 * 2, 2 * 4]
    every = PlanningPolicy(base, SCALE, 1, Planning(8, horizon=1, rounds=1)).costs(episodes, observation, wanted)[0]
    left = np.isfinite(found)
    assert left.sum() == 2
    assert_allclose(found[left], every[left], rtol=1e-9)


def test_both_engines_plan_alike() -> None:
    scenario = scenario_of("priority", 0.7)
    tapes, wanted = draw_tapes(scenario, 6, 0, 2), preferences(2)
    truth, fast = (
        play(
            PlanningPolicy(GreedyPolicy(SCALE), SCALE, 0, Planning(2, blind_horizon=3)), scenario, tapes, wanted, engine
        )
        for engine in ("simpy", "batched")
    )
    assert_array_equal(fast.records.server, truth.records.server)


def test_it_needs_futures() -> None:
    cells = load_scenario("personalized-quick")
    with pytest.raises(InputError, match="the futures of cells cannot be imagined"):
        planner(named_policy("greedy", cells), cells, Planning(2))
    episodes = new_episodes(cells, "batched")
    with pytest.raises(InputError, match="cannot be imagined"):
        episodes.imagine(np.random.default_rng(0), 2, 3)
    scenario = offload_scenario("gmorl-e6")
    twice = planner(planner(named_policy("greedy", scenario), scenario, Planning(1)), scenario, Planning(1))
    with pytest.raises(InputError, match="imagined further"):
        play(twice(0), scenario, draw_tapes(scenario, 0, 0, 1), np.array([0.5, 0.5]))
