"""The environments keep the contracts of Gymnasium and MO-Gymnasium, for every built-in scenario and both engines."""

import pickle
from itertools import pairwise

import gymnasium as gym
import mo_gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from mo_gymnasium.wrappers import LinearReward as MOLinearReward
from mo_gymnasium.wrappers import MONormalizeReward, MORecordEpisodeStatistics
from mo_gymnasium.wrappers.vector import MORecordEpisodeStatistics as MORecordVectorStatistics
from mo_gymnasium.wrappers.vector import MOSyncVectorEnv

from mecsim.core.episodes import EngineName
from mecsim.core.seeds import Stream
from mecsim.envs import BatchVectorEnv, LinearReward
from mecsim.errors import InputError
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.environment import OffloadEnv
from tests.envs.contract import BUILT_IN, ENGINES, OBJECTIVES, assert_same, rollout, short
from tests.one_system import offload_scenario
from tests.systems.offload.offloading import make_scenario


@pytest.mark.parametrize(("scenario", "engine"), BUILT_IN)
@pytest.mark.filterwarnings("ignore:.*A Box observation space m(in|ax)imum value is:UserWarning")
@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version:UserWarning")
@pytest.mark.filterwarnings("ignore:.*Not able to test alternative render modes:UserWarning")
def test_gymnasium_checker(scenario: str, engine: EngineName) -> None:
    """Gymnasium's own checker knows scalar rewards only, so it sees the scalarised environment."""
    env = OffloadEnv(scenario, engine)
    check_env(LinearReward(env, np.full(env.reward_dim, 1.0 / env.reward_dim)))


@pytest.mark.parametrize(("scenario", "engine"), BUILT_IN)
def test_mo_gymnasium_conventions(scenario: str, engine: EngineName) -> None:
    env = mo_gymnasium.make("mecsim/offload-v0", scenario=scenario, engine=engine)
    inner = env.unwrapped
    assert isinstance(inner, OffloadEnv)
    assert isinstance(inner.reward_space, gym.spaces.Box)
    assert inner.reward_space.dtype == np.float32
    assert inner.reward_space.shape == (inner.reward_dim,) == (len(inner.scenario.objectives),)
    observation, info = env.reset(seed=1)
    assert observation in env.observation_space
    rewards = []
    terminated = False
    for step in range(inner.scenario.episode.steps):
        assert not terminated
        assert set(info) >= {"action_mask", "queued_tasks", "queued_mbit", "executing_tasks"}
        np.testing.assert_array_equal(info["action_mask"], observation["mask"])
        assert info["executing_tasks"].shape == (inner.scenario.max_servers,)
        observation, reward, terminated, truncated, info = env.step(step % inner.episodes.action_space.n)
        assert observation in env.observation_space
        assert isinstance(reward, np.ndarray)
        assert reward in inner.reward_space
        assert truncated is False
        assert isinstance(info["delay_s"], float)
        realised = [info[name] for name in ("delay_s", "energy_j", "satisfaction_shortfall")[: inner.reward_dim]]
        np.testing.assert_allclose(-reward, realised, rtol=1e-6)
        rewards.append(reward)
    assert terminated is True
    kept = np.array(rewards)
    assert np.unique(kept, axis=0).shape[0] > 10  # had the array been reused, all would be the same
    assert not any(np.shares_memory(a, b) for a, b in pairwise(rewards))
    with pytest.raises(InputError, match="the episode is over"):
        inner.step(np.int64(0))
    env.close()


@pytest.mark.parametrize(("scenario", "engine"), BUILT_IN)
def test_seeded_resets_reproduce(scenario: str, engine: EngineName) -> None:
    env, again = OffloadEnv(scenario, engine), OffloadEnv(scenario, engine)
    first = rollout(env, seed=7)
    for other in (rollout(env, seed=7), rollout(again, seed=7)):
        assert len(first) == len(other)
        for a, b in zip(first, other, strict=True):
            assert_same(a, b)
    assert not np.array_equal(first[0]["options"], rollout(env, seed=8, steps=1)[0]["options"])


@pytest.mark.parametrize("engine", ENGINES)
def test_unseeded_resets_go_on(engine: EngineName) -> None:
    """reset(seed=s) starts with episode 0 of the seed; the next resets give episodes 1, 2, … ."""
    env = OffloadEnv("quickstart", engine)
    tapes = draw_tapes(env.scenario, 7, 0, 3, Stream.TRAINING)
    for n in range(3):
        observation, _ = env.reset(seed=7 if n == 0 else None)
        np.testing.assert_allclose(observation["options"][: tapes.num_servers[n], 2], tapes.cpu_hz[n] * 1e-9, rtol=1e-6)
        assert observation["context"][0] == tapes.arrivals[n, 0]
    one, other = OffloadEnv("gmorl").reset()[0], OffloadEnv("gmorl").reset()[0]
    assert not np.array_equal(one["options"], other["options"])  # without a seed, two environments differ


def test_given_tapes_are_played() -> None:
    env = OffloadEnv(short())
    tapes = draw_tapes(env.scenario, 99, 4, 2)
    observation, _ = env.reset(options={"tapes": tapes})
    assert observation["context"][0] == tapes.arrivals[0, 0]
    with pytest.raises(InputError, match="another scenario"):
        env.reset(options={"tapes": draw_tapes(offload_scenario("gmorl"), 1, 0, 1)})


def test_episodes_are_those_of_the_seeds_training() -> None:
    """One after the other, and none that anything is evaluated on."""
    env = OffloadEnv(short())
    for seed in (3, None):
        shown, _ = env.reset(seed=seed)
        expected, _ = OffloadEnv(short()).reset(
            options={"tapes": draw_tapes(short(), 3, 0 if seed else 1, 1, Stream.TRAINING)}
        )
        assert_same(shown, expected)
    assert not np.array_equal(
        draw_tapes(short(), 3, 0, 1).size_bit, draw_tapes(short(), 3, 0, 1, Stream.TRAINING).size_bit
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("objectives", OBJECTIVES)
def test_rewards_follow_the_order_of_the_objectives(engine: EngineName, objectives: tuple[str, ...]) -> None:
    scenario = short(objectives="[" + ", ".join(objectives) + "]")
    env = OffloadEnv(scenario, engine)
    assert env.reward_dim == len(objectives)
    observation, _ = env.reset(seed=3)
    for _ in range(scenario.episode.steps):
        promised = env.option_rewards()
        assert promised.shape == (scenario.max_servers, len(objectives))
        columns = env.episodes.cost_columns
        assert columns is not None
        np.testing.assert_allclose(observation["options"][:, list(columns)], -promised, rtol=1e-6)
        observation, reward, _, _, info = env.step(np.int64(1))
        assert reward.shape == (len(objectives),)
        np.testing.assert_allclose(reward, promised[1], rtol=1e-6)
        realised = {"delay": info["delay_s"], "energy": info["energy_j"]}
        np.testing.assert_allclose(-reward, [realised[name] for name in objectives], rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_rewards_of_satisfaction_sum_to_the_mean_rating_minus_5(engine: EngineName) -> None:
    rated = {"satisfaction": "{}", "objectives": "[satisfaction, delay]", "evaluation": "{}"}
    env = OffloadEnv(short(steps=20, **rated), engine)
    env.reset(seed=3)
    total, promised, over = 0.0, 0.0, False
    while not over:
        promised += env.option_rewards()[1, 0]
        _, reward, over, _, info = env.step(np.int64(1))
        assert reward[0] == pytest.approx(-info["satisfaction_shortfall"], rel=1e-6)
        total += reward[0]
    records = env.episodes.records()
    assert total == pytest.approx(records.satisfaction[records.dispatched].mean() - 5.0, rel=1e-6)
    assert promised == pytest.approx(total, rel=1e-6)
    assert -5.0 < total < -0.1


@pytest.mark.parametrize("engine", ENGINES)
def test_pickling_makes_the_same_environment(engine: EngineName) -> None:
    env = OffloadEnv("gmorl", engine)
    copy = pickle.loads(pickle.dumps(env))  # noqa: S301
    assert copy.episodes.scenario == env.scenario
    for a, b in zip(rollout(env, seed=5, steps=20), rollout(copy, seed=5, steps=20), strict=True):
        assert_same(a, b)
    given = OffloadEnv(make_scenario(episode={"steps": 3}), engine)
    assert pickle.loads(pickle.dumps(given)).scenario == given.scenario  # noqa: S301


@pytest.mark.parametrize("engine", ENGINES)
def test_an_absent_server_stands_for_the_last_one(engine: EngineName) -> None:
    scenario = offload_scenario("gmorl")
    tapes = draw_tapes(scenario, 1, 0, 20)
    few = int(tapes.num_servers.argmin())
    assert tapes.num_servers[few] < scenario.max_servers
    outcomes = []
    for action in (scenario.max_servers - 1, int(tapes.num_servers[few]) - 1):
        env = OffloadEnv(scenario, engine)
        env.reset(options={"tapes": tapes.select(slice(few, few + 1))})
        outcomes.append([env.step(np.int64(action))[1] for _ in range(20)])
    np.testing.assert_array_equal(outcomes[0], outcomes[1])
    env.reset(seed=1)
    with pytest.raises(InputError, match="action -1 names no option"):
        env.step(np.int64(-1))


@pytest.mark.parametrize("seed", range(3))
def test_both_engines_show_the_same(seed: int) -> None:
    one, other = (rollout(OffloadEnv("gmorl-test", engine), seed=seed, steps=120) for engine in ENGINES)
    for a, b in zip(one, other, strict=True):
        if isinstance(a, dict):
            for key in a:
                np.testing.assert_allclose(a[key], b[key], rtol=1e-6, err_msg=key)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_unknown_engines_and_missing_resets_are_errors() -> None:
    with pytest.raises(InputError, match="no engine of offload is called 'fast', expected one of batched, simpy"):
        OffloadEnv("quickstart", "fast")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="call reset first"):
        OffloadEnv("quickstart").step(np.int64(0))
    with pytest.raises(InputError, match="call reset first"):
        BatchVectorEnv("quickstart", 2).step(np.zeros(2, np.int64))


# MO-Gymnasium's wrappers.


def test_linear_reward_of_mo_gymnasium() -> None:
    env = MOLinearReward(mo_gymnasium.make("mecsim/offload-v0", scenario=short()), weight=np.array([0.25, 0.75]))
    env.reset(seed=0)
    _, reward, _, _, info = env.step(1)
    assert np.ndim(reward) == 0
    assert reward == pytest.approx(-0.25 * info["delay_s"] - 0.75 * info["energy_j"], rel=1e-5)


def test_episode_statistics_of_mo_gymnasium() -> None:
    env = MORecordEpisodeStatistics(mo_gymnasium.make("mecsim/offload-v0", scenario=short()), gamma=0.9)
    env.reset(seed=0)
    rewards = []
    for _ in range(6):
        _, reward, terminated, _, info = env.step(2)
        rewards.append(reward)
    assert terminated
    np.testing.assert_allclose(info["episode"]["r"], np.sum(rewards, axis=0), rtol=1e-5)
    np.testing.assert_allclose(info["episode"]["dr"], 0.9 ** np.arange(6) @ np.array(rewards), rtol=1e-5)


def test_normalised_rewards_of_mo_gymnasium() -> None:
    env = MONormalizeReward(mo_gymnasium.make("mecsim/offload-v0", scenario=short()), idx=0)
    env.reset(seed=0)
    reward = env.step(0)[1]
    assert np.isfinite(reward).all()


def test_sync_vector_env_of_mo_gymnasium() -> None:
    scenario = short()
    envs = MOSyncVectorEnv(iter([lambda: mo_gymnasium.make("mecsim/offload-v0", scenario=scenario) for _ in range(3)]))
    observation, _ = envs.reset(seed=10)
    assert observation["options"].shape[0] == 3
    vector = MORecordVectorStatistics(envs)
    vector.reset(seed=10)
    for _ in range(6):
        _, reward, terminated, _, info = vector.step(np.zeros(3, np.int64))
        assert reward.shape == (3, 2)
    assert terminated.all()
    assert info["episode"]["r"].shape == (3, 2)
    vector.close()
