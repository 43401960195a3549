"""Wrappers for algorithms that expect a flat observation, a preference or a scalar reward."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from mecsim.envs import FlatObservation, LinearReward, PreferenceObservation
from mecsim.errors import InputError
from mecsim.systems.offload.environment import OffloadEnv
from tests.envs.contract import short


def test_preferences_are_drawn_or_fixed() -> None:
    env = PreferenceObservation(OffloadEnv(short()))
    seen = []
    for n in range(20):
        observation, _ = env.reset(seed=1 if n == 0 else None)
        assert observation in env.observation_space
        assert observation["preference"].sum() == pytest.approx(1.0)
        np.testing.assert_array_equal(env.step(0)[0]["preference"], observation["preference"])
        seen.append(observation["preference"][0])
    assert np.ptp(seen) > 0.5
    np.testing.assert_array_equal(env.reset(seed=1)[0]["preference"][0], seen[0])
    fixed = PreferenceObservation(OffloadEnv(short()), [0.2, 0.8])
    np.testing.assert_allclose(fixed.reset(seed=1)[0]["preference"], [0.2, 0.8])


def test_flat_observations() -> None:
    """In the order of their names: context, mask, options, preference."""
    env = PreferenceObservation(OffloadEnv(short()), [0.2, 0.8])
    flat = FlatObservation(env)
    vector, _ = flat.reset(seed=1)
    parts, _ = env.reset(seed=1)
    assert vector in flat.observation_space
    expected = np.concatenate([parts[name].ravel() for name in ("context", "mask", "options", "preference")])
    np.testing.assert_array_equal(vector, expected.astype(np.float32))
    assert isinstance(flat.observation_space, gym.spaces.Box)
    assert flat.observation_space.low.min() == -1.0
    assert flat.step(0)[0] in flat.observation_space


def test_linear_rewards() -> None:
    scenario = short()
    env, plain = LinearReward(OffloadEnv(scenario), [0.25, 0.75], scale=[200.0, 0.5]), OffloadEnv(scenario)
    env.reset(seed=1)
    plain.reset(seed=1)
    for _ in range(scenario.episode.steps):
        _, reward, _, _, info = env.step(1)
        vector = plain.step(np.int64(1))[1]
        assert isinstance(reward, float)
        np.testing.assert_array_equal(info["vector_reward"], vector)
        assert reward == pytest.approx(0.25 * vector[0] / 200.0 + 0.75 * vector[1] / 0.5)


@pytest.mark.parametrize(
    "preference", [[1.0], [0.5, 0.6], [0.5, 0.4], [1.5, -0.5], [np.nan, 1.0], [0.2, 0.3, 0.5], [[0.5, 0.5]], [], 1.0]
)
def test_preferences_that_are_none(preference: Any) -> None:
    for wrapper in (LinearReward, PreferenceObservation):
        with pytest.raises(InputError, match="a preference"):
            wrapper(OffloadEnv(short()), preference)


@pytest.mark.parametrize("scale", [[1.0], [0.0, 1.0], [1.0, -1.0], [np.nan, 1.0]])
def test_scales_that_are_none(scale: list[float]) -> None:
    with pytest.raises(InputError, match="a scale needs 2 positive numbers"):
        LinearReward(OffloadEnv(short()), [0.5, 0.5], scale)


def test_wrappers_in_the_wrong_order() -> None:
    flat = FlatObservation(OffloadEnv(short()))
    with pytest.raises(InputError, match="before FlatObservation"):
        PreferenceObservation(flat)
    with pytest.raises(InputError, match="dict observation"):
        FlatObservation(flat)


def test_wrapped_environments_train_with_standard_tools() -> None:
    """The stack that scalar, flat algorithms need, through `gymnasium.make`."""
    env = gym.make("mecsim/offload-v0", scenario=short(), engine="batched")
    env = LinearReward(FlatObservation(PreferenceObservation(env, [0.5, 0.5])), [0.5, 0.5])
    env = gym.wrappers.RecordEpisodeStatistics(env)
    env.reset(seed=0)
    total = 0.0
    terminated = False
    while not terminated:
        _, reward, terminated, _, info = env.step(env.action_space.sample())
        total += float(reward)
    assert info["episode"]["r"] == pytest.approx(total, rel=1e-5)
