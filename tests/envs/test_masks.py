"""Masks, scores and scalar ids: what other people's tools ask an environment for."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mecsim  # noqa: F401  (registers the ids)
from mecsim.envs import FlatObservation, LinearReward, MaskedObservation, ScoredAction, make_vec
from mecsim.envs.sb3 import ScalarVecEnv, flat_observation
from mecsim.errors import InputError

SCALE = (3000.0, 2.5)


def made(name: str = "offload") -> gym.Env[Any, Any]:
    return gym.make(f"mecsim/{name}-v0", engine="batched")


@pytest.mark.parametrize("name", ["offload", "cells"])
def test_the_mask_of_the_decision_at_hand(name: str) -> None:
    env = made(name)
    observation, info = env.reset(seed=1)
    masks, rng = set(), np.random.default_rng(0)
    for _ in range(80):
        mask = env.get_wrapper_attr("action_masks")()
        assert mask.dtype == np.bool_
        assert_array_equal(mask, observation["mask"] == 1)
        assert_array_equal(mask, info["action_mask"] == 1)
        masks.add(tuple(mask.tolist()))
        mask[:] = False  # is the caller's
        possible = np.flatnonzero(observation["mask"])
        observation, _, over, _, info = env.step(rng.choice(possible))
        if over:
            observation, info = env.reset()
    assert not all(map(all, masks))


def test_masks_of_a_batch_are_those_of_each() -> None:
    env, vector = ScalarVecEnv("gmorl", (0.5, 0.5), num_envs=6, seed=3), make_vec("gmorl", 6, 3)
    env.reset()
    observation, _ = vector.reset()
    assert env.has_attr("action_masks")
    for _ in range(101):  # beyond the end of the first episodes
        masks = env.env_method("action_masks")
        assert_array_equal(masks, observation["mask"] == 1)
        assert_array_equal(vector.action_masks(), masks)
        assert_array_equal(env.env_method("action_masks", indices=[4, 1]), [masks[4], masks[1]])
        action = np.array([np.flatnonzero(mask)[-1] for mask in masks])
        env.step(action)
        observation = vector.step(action)[0]


def test_masked_observations_under_the_names_that_are_asked_for() -> None:
    env, plain = MaskedObservation(made(), "obs", "mask"), made()
    seen, (whole, _) = env.reset(seed=2)[0], plain.reset(seed=2)
    assert list(seen) == ["obs", "mask"]
    assert seen in env.observation_space
    assert_array_equal(seen["mask"], whole["mask"])
    assert_array_equal(seen["obs"], flat_observation({name: part[None] for name, part in whole.items()})[0])
    assert_array_equal(seen["obs"], FlatObservation(plain, log=True).observation(whole))
    with pytest.raises(InputError, match="MaskedObservation needs a dict observation"):
        MaskedObservation(FlatObservation(made()))


def test_the_highest_score_of_what_is_possible_is_taken() -> None:
    env, plain = ScoredAction(made()), made()
    env.reset(seed=1)
    observation, _ = plain.reset(seed=1)
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = rng.uniform(-1.0, 1.0, env.action_space.shape).astype(np.float32)
        assert scores in env.action_space
        possible = np.flatnonzero(observation["mask"])
        best = possible[scores[possible].argmax()]
        observation, expected, _, _, _ = plain.step(best)
        assert_array_equal(env.step(scores)[1], expected)
    assert len(possible) < len(scores)
    with pytest.raises(InputError, match="ScoredAction needs discrete actions"):
        ScoredAction(env)


def test_the_scalar_id_is_the_environment_in_its_wrappers() -> None:
    env = gym.make("mecsim/offload-scalar-v0", engine="batched", preference=(0.2, 0.8), scale=SCALE)
    same = LinearReward(FlatObservation(made(), log=True), (0.2, 0.8), SCALE)
    assert_array_equal(env.reset(seed=4)[0], same.reset(seed=4)[0])
    space = env.get_wrapper_attr("reward_space")
    for _ in range(10):
        reward = env.step(1)[1]
        assert reward == same.step(1)[1]
        assert np.array([reward], np.float32) in space
    assert space.shape == (1,)
    alike = gym.make("mecsim/cells-scalar-v0")
    alike.reset(seed=0)
    _, reward, _, _, info = alike.step(0)
    assert reward == pytest.approx(info["vector_reward"].mean())
    with pytest.raises(InputError, match="a preference needs 2 weights"):
        gym.make("mecsim/offload-scalar-v0", preference=(1.0,))
