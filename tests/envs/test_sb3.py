"""The adapter to stable-baselines3, against the vector environment and against what the library expects."""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from numpy.testing import assert_allclose, assert_array_equal
from stable_baselines3 import A2C, DQN
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecCheckNan, VecEnv, VecFrameStack, VecMonitor, VecNormalize

from mecsim.core.episodes import Arrays, EngineName
from mecsim.core.seeds import Stream
from mecsim.envs import BatchVectorEnv
from mecsim.envs.sb3 import ScalarVecEnv, flat_observation
from mecsim.errors import InputError
from tests.envs.contract import OBJECTIVES, short
from tests.training.small import small_scenario

STEPS, ENVS = 6, 4
PREFERENCE, SCALE = [0.25, 0.75], [200.0, 0.5]


def made(**changes: Any) -> ScalarVecEnv:
    return ScalarVecEnv(short(steps=STEPS), **{"preference": PREFERENCE, "scale": SCALE, "num_envs": ENVS, **changes})


@pytest.mark.parametrize("engine", ["batched", "simpy"])
def test_it_says_what_the_vector_environment_says(engine: EngineName) -> None:
    env = made(seed=3, engine=engine, stream=Stream.VALIDATION)
    vector = BatchVectorEnv(short(steps=STEPS), ENVS, 3, engine, Stream.VALIDATION)
    assert isinstance(env, VecEnv)
    assert isinstance(env.action_space, spaces.Discrete)
    assert_array_equal(env.reset(), flat_observation(vector.reset()[0]))
    rng = np.random.default_rng(0)
    for step in range(1, 3 * STEPS + 1):
        action = rng.integers(0, env.action_space.n, ENVS)
        observation, reward, done, infos = env.step(action)
        expected, vector_reward, ended, _, info = vector.step(action)
        assert isinstance(observation, np.ndarray)
        assert observation.dtype == reward.dtype == np.float32
        assert observation.shape == (ENVS, *(env.observation_space.shape or ()))
        assert all(one in env.observation_space for one in observation)
        assert_array_equal(observation, flat_observation(expected))
        assert_allclose(reward, 0.25 * vector_reward[:, 0] / 200.0 + 0.75 * vector_reward[:, 1] / 0.5, rtol=1e-6)
        assert_array_equal(done, ended)
        assert done.dtype == np.bool_
        assert done.all() == (step % STEPS == 0)
        assert len(infos) == ENVS
        for n, own in enumerate(infos):
            if done[n]:
                assert own["TimeLimit.truncated"] is False  # nothing may be bootstrapped beyond the end
                assert_array_equal(own["terminal_observation"], flat_observation(info["final_obs"])[n])
                assert (own["terminal_observation"] != observation[n]).any()
            else:
                assert own == {}


def test_magnitudes_are_logarithms_in_the_order_of_flat_observation() -> None:
    observation: Arrays = {
        "options": np.array([[[3.0, 0.0], [-1.0, -1.0]]], np.float32),
        "mask": np.array([[1, 0]], np.int8),
        "context": np.array([[7.0]], np.float32),
    }
    flat = flat_observation(observation)
    assert flat.dtype == np.float32
    assert_allclose(flat, np.log([[8.0, 2.0, 1.0, 4.0, 1.0, 0.5, 0.5]]), rtol=1e-6)


def test_a_seed_starts_its_first_episodes_and_later_resets_go_on() -> None:
    env = made(seed=3)
    first, second = env.reset(), env.reset()
    assert (first != second).any()
    env.seed(3)
    assert_array_equal(env.reset(), first)
    assert_array_equal(env.reset(), second)


def test_an_absent_server_is_the_last_one_that_exists() -> None:
    scenario = short("gmorl", STEPS)
    one, other = (ScalarVecEnv(scenario, PREFERENCE, num_envs=16, seed=1) for _ in range(2))
    one.reset()
    other.reset()
    mask = BatchVectorEnv(scenario, 16, 1).reset()[0]["mask"]
    last = mask.sum(axis=1) - 1
    assert isinstance(one.action_space, spaces.Discrete)
    assert (last < one.action_space.n - 1).any()
    for _ in range(STEPS):
        results = one.step(np.full(16, one.action_space.n - 1)), other.step(last)
        assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("objectives", OBJECTIVES)
def test_any_objectives(objectives: tuple[str, ...]) -> None:
    preference = np.full(len(objectives), 1.0 / len(objectives))
    env = ScalarVecEnv(small_scenario(objectives=objectives), preference, num_envs=3)
    env.reset()
    assert env.step(np.zeros(3, np.int64))[1].shape == (3,)


def test_attributes_are_those_of_the_batch() -> None:
    env = made()
    assert env.get_attr("reward_dim") == [2] * ENVS
    assert env.get_attr("reward_dim", indices=[0, 2]) == [2, 2]
    assert env.has_attr("scenario")
    assert not env.has_attr("no_such_name")
    env.set_attr("note", 5)
    assert env.get_attr("note", indices=1) == [5]
    assert env.env_is_wrapped(object) == [False] * ENVS  # type: ignore[arg-type]
    observation, _ = env.env_method("reset", seed=4)[0]
    assert len(observation["mask"]) == ENVS
    for use in (lambda: env.set_attr("note", 6, indices=0), lambda: env.env_method("reset", indices=[0, 1])):
        with pytest.raises(InputError, match="one batch"):
            use()
    env.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preference": [1.0]}, "a preference needs 2 weights"),
        ({"scale": [1.0, 0.0]}, "a scale needs 2 positive numbers"),
        ({"num_envs": 0}, "num_envs must be at least 1"),
    ],
)
def test_what_cannot_be_used_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        made(**changes)


def test_the_wrappers_of_the_library_work() -> None:
    """They check shapes, NaNs and infos as they go."""
    env = VecFrameStack(VecNormalize(VecCheckNan(VecMonitor(made()), raise_exception=True)), 2)
    env.reset()
    total = 0
    for _ in range(2 * STEPS):
        _, _, done, infos = env.step(np.ones(ENVS, np.int64))
        total += done.sum()
        assert all(("episode" in info) == ended for info, ended in zip(infos, done, strict=True))
        for info in infos:
            if "episode" in info:
                assert info["episode"]["l"] == STEPS
    assert total == 2 * ENVS


@pytest.mark.parametrize("algorithm", [A2C, DQN])
def test_its_algorithms_train_and_evaluate(algorithm: type) -> None:
    env = VecMonitor(made())
    model = algorithm("MlpPolicy", env, policy_kwargs={"net_arch": [8]}, device="cpu", seed=0)
    model.learn(8 * STEPS * ENVS)
    mean, _ = evaluate_policy(model, env, n_eval_episodes=2 * ENVS)
    assert np.asarray(mean).item() < 0.0
    assert model.num_timesteps >= 8 * STEPS * ENVS
