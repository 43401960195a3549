"""LinUCB: the regressions are those of the paper, and the policy does what a bandit can."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.policies import calibrate
from mecsim.scenario import with_context
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.episodes import batched_episodes
from mecsim.systems.offload.policies.linucb import LinearArms, LinUcbConfig, LinUcbPolicy, plain_encoder
from mecsim.systems.offload.policies.simple import RandomPolicy
from tests.one_system import OffloadPolicy, offload_scenario
from tests.one_system import play_offload as play

SCENARIO = with_context(offload_scenario("gmorl-e6"), {"episode.steps": "40"})
CONFIG = LinUcbConfig(rounds=5, episodes=32)


def test_an_arm_is_a_ridge_regression_and_its_bound_the_papers() -> None:
    rng = np.random.default_rng(0)
    x, action = rng.standard_normal((50, 3)), rng.integers(0, 2, 50)
    reward = np.where(action == 0, x @ [1.0, -2.0, 0.5], x @ [0.0, 1.0, 3.0])
    arms = LinearArms(2, 3, ridge=0.5)
    for part in (slice(0, 20), slice(20, 50)):  # batches add up
        arms.learn(x[part], action[part], reward[part])
    asked = rng.standard_normal((4, 2, 3))
    bounds = arms.upper_bounds(asked, exploration=0.7)
    for arm in range(2):
        rows = x[action == arm]
        gram = rows.T @ rows + 0.5 * np.eye(3)
        theta = np.linalg.solve(gram, rows.T @ reward[action == arm])
        assert_allclose(arms.theta[arm], theta)
        for n in range(4):
            features = asked[n, arm]
            width = np.sqrt(features @ np.linalg.solve(gram, features))
            assert_allclose(bounds[n, arm], theta @ features + 0.7 * width)


def test_an_arm_never_tried_is_explored_first() -> None:
    arms = LinearArms(2, 2, ridge=1.0)
    x = np.ones((1, 2))
    arms.learn(np.repeat(x, 30, axis=0), np.zeros(30, np.int64), np.zeros(30))
    assert arms.upper_bounds(x[:, None, :].repeat(2, axis=1), 0.3)[0].argmax() == 1


def test_costs_are_no_features() -> None:
    shown = batched_episodes(SCENARIO)
    assert shown.cost_columns is not None
    observation = shown.begin(draw_tapes(SCENARIO, 0, 0, 8))
    preference = np.full((8, 2), 0.5)
    x = plain_encoder(SCENARIO)(observation, preference)
    observation["options"][:, :, list(shown.cost_columns)] = 1e6
    assert_array_equal(plain_encoder(SCENARIO)(observation, preference), x)
    observation["options"][:, :, 0] += 1.0
    assert (plain_encoder(SCENARIO)(observation, preference) != x).any()


def mean_totals(policy: OffloadPolicy, weight: float) -> NDArray[np.float64]:
    tapes = draw_tapes(SCENARIO, 0, 0, 64)
    return play(policy, SCENARIO, tapes, np.array([weight, 1.0 - weight])).totals.mean(axis=0)


def test_it_reacts_to_the_preference() -> None:
    totals = np.array([mean_totals(LinUcbPolicy(SCENARIO, CONFIG), weight) for weight in (0.2, 0.5, 0.9)])
    assert (np.diff(totals[:, 0]) < 0.0).all()
    assert (np.diff(totals[:, 1]) > 0.0).all()


@pytest.mark.parametrize("weight", [0.3, 0.5, 0.8])
def test_it_beats_random_by_far(weight: float) -> None:
    scale = calibrate(SCENARIO).scale
    preference = np.array([weight, 1.0 - weight])
    bandit = mean_totals(LinUcbPolicy(SCENARIO, CONFIG), weight) / scale @ preference
    random = min(mean_totals(RandomPolicy(0, p), weight) / scale @ preference for p in (0.0, 0.1, 0.2, 0.3))
    assert bandit < 0.9 * random
