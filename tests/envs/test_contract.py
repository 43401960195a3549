"""The environments keep the contracts of Gymnasium and MO-Gymnasium, for every built-in scenario and both engines."""

import pickle
from itertools import pairwise
from typing import Any

import gymnasium as gym
import mo_gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from mo_gymnasium.wrappers import LinearReward as MOLinearReward
from mo_gymnasium.wrappers import MONormalizeReward, MORecordEpisodeStatistics
from mo_gymnasium.wrappers.vector import MORecordEpisodeStatistics as MORecordVectorStatistics
from mo_gymnasium.wrappers.vector import MOSyncVectorEnv

import mecsim
from mecsim.engines.tape import Stream, draw_tapes
from mecsim.envs import FlatObservation, LinearReward, OffloadEnv, OffloadVectorEnv, PreferenceObservation
from mecsim.envs.offload import OffloadEpisodes
from mecsim.errors import InputError
from mecsim.scenario import builtin_names, load_scenario, with_context
from tests.offloading import make_scenario

ENGINES = ["simpy", "batched"]
BUILT_IN = [(name, engine) for name in builtin_names() for engine in ENGINES]
OBJECTIVES = [("delay", "energy"), ("energy", "delay"), ("delay",), ("energy",)]


def short(name: str = "quickstart", steps: int = 6, **changes: str) -> Any:
    return with_context(load_scenario(name), {"episode.steps": str(steps), **changes})


def assert_same(one: Any, other: Any) -> None:
    """Nested dicts of arrays and numbers are the same."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    else:
        np.testing.assert_array_equal(one, other)


def rollout(env: gym.Env[Any, Any], seed: int | None, steps: int = 300) -> list[Any]:
    """What an environment says to random actions, episodes on end."""
    rng = np.random.default_rng(0)
    said: list[Any] = list(env.reset(seed=seed))
    for _ in range(steps):
        *result, terminated, truncated, info = env.step(rng.integers(env.action_space.n))
        said += [*result, terminated, truncated, info]
        if terminated:
            said += env.reset()
    return said


@pytest.mark.parametrize(("scenario", "engine"), BUILT_IN)
@pytest.mark.filterwarnings("ignore:.*A Box observation space m(in|ax)imum value is:UserWarning")
@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version:UserWarning")
@pytest.mark.filterwarnings("ignore:.*Not able to test alternative render modes:UserWarning")
def test_gymnasium_checker(scenario: str, engine: str) -> None:
    """Gymnasium's own checker knows scalar rewards only, so it sees the scalarised environment."""
    check_env(LinearReward(OffloadEnv(scenario, engine), [0.3, 0.7]))  # type: ignore[arg-type]


@pytest.mark.parametrize(("scenario", "engine"), BUILT_IN)
def test_mo_gymnasium_conventions(scenario: str, engine: str) -> None:
    env = mo_gymnasium.make("mecsim/offload-v0", scenario=scenario, engine=engine)
    inner = env.unwrapped
    assert isinstance(inner.reward_space, gym.spaces.Box)
    assert inner.reward_space.dtype == np.float32
    assert inner.reward_space.shape == (inner.reward_dim,) == (2,)
    observation, info = env.reset(seed=1)
    assert observation in env.observation_space
    rewards = []
    terminated = False
    for step in range(inner.scenario.episode.steps):
        assert not terminated
        assert set(info) >= {"action_mask", "queued_tasks", "queued_mbit", "executing_tasks"}
        np.testing.assert_array_equal(info["action_mask"], observation["mask"])
        assert info["executing_tasks"].shape == (inner.scenario.max_servers,)
        observation, reward, terminated, truncated, info = env.step(step % env.action_space.n)
        assert observation in env.observation_space
        assert isinstance(reward, np.ndarray)
        assert reward in inner.reward_space
        assert truncated is False
        assert isinstance(info["delay_s"], float)
        np.testing.assert_allclose(reward, [-info["delay_s"], -info["energy_j"]], rtol=1e-6)
        rewards.append(reward)
    assert terminated is True
    kept = np.array(rewards)
    assert np.unique(kept, axis=0).shape[0] > 10  # had the array been reused, all would be the same
    assert not any(np.shares_memory(a, b) for a, b in pairwise(rewards))
    with pytest.raises(InputError, match="the episode is over"):
        inner.step(0)
    env.close()


@pytest.mark.parametrize(("scenario", "engine"), BUILT_IN)
def test_seeded_resets_reproduce(scenario: str, engine: str) -> None:
    env, again = OffloadEnv(scenario, engine), OffloadEnv(scenario, engine)  # type: ignore[arg-type]
    first = rollout(env, seed=7)
    for other in (rollout(env, seed=7), rollout(again, seed=7)):
        assert len(first) == len(other)
        for a, b in zip(first, other, strict=True):
            assert_same(a, b)
    assert not np.array_equal(first[0]["options"], rollout(env, seed=8, steps=1)[0]["options"])


@pytest.mark.parametrize("engine", ENGINES)
def test_unseeded_resets_go_on(engine: str) -> None:
    """reset(seed=s) starts with episode 0 of the seed; the next resets give episodes 1, 2, … ."""
    env = OffloadEnv("quickstart", engine)  # type: ignore[arg-type]
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
        env.reset(options={"tapes": draw_tapes(load_scenario("gmorl"), 1, 0, 1)})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("objectives", OBJECTIVES)
def test_rewards_follow_the_order_of_the_objectives(engine: str, objectives: tuple[str, ...]) -> None:
    scenario = short(objectives="[" + ", ".join(objectives) + "]")
    env = OffloadEnv(scenario, engine)  # type: ignore[arg-type]
    assert env.reward_dim == len(objectives)
    observation, _ = env.reset(seed=3)
    for _ in range(scenario.episode.steps):
        promised = env.option_costs()
        assert promised.shape == (scenario.max_servers, len(objectives))
        columns = env.episodes.cost_columns
        np.testing.assert_allclose(observation["options"][:, list(columns)], promised, rtol=1e-6)
        observation, reward, _, _, info = env.step(np.int64(1))
        assert reward.shape == (len(objectives),)
        np.testing.assert_allclose(-reward, promised[1], rtol=1e-6)
        realised = {"delay": info["delay_s"], "energy": info["energy_j"]}
        np.testing.assert_allclose(-reward, [realised[name] for name in objectives], rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_pickling_makes_the_same_environment(engine: str) -> None:
    env = OffloadEnv("gmorl", engine)  # type: ignore[arg-type]
    copy = pickle.loads(pickle.dumps(env))  # noqa: S301
    assert copy.episodes.scenario == env.scenario
    for a, b in zip(rollout(env, seed=5, steps=20), rollout(copy, seed=5, steps=20), strict=True):
        assert_same(a, b)
    given = OffloadEnv(make_scenario(episode={"steps": 3}), engine)  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(given)).scenario == given.scenario  # noqa: S301


@pytest.mark.parametrize("engine", ENGINES)
def test_an_absent_server_stands_for_the_last_one(engine: str) -> None:
    scenario = load_scenario("gmorl")
    tapes = draw_tapes(scenario, 1, 0, 20)
    few = int(tapes.num_servers.argmin())
    assert tapes.num_servers[few] < scenario.max_servers
    outcomes = []
    for action in (scenario.max_servers - 1, int(tapes.num_servers[few]) - 1):
        env = OffloadEnv(scenario, engine)  # type: ignore[arg-type]
        env.reset(options={"tapes": tapes.select(slice(few, few + 1))})
        outcomes.append([env.step(np.int64(action))[1] for _ in range(20)])
    np.testing.assert_array_equal(outcomes[0], outcomes[1])
    env.reset(seed=1)
    with pytest.raises(InputError, match="names no server"):
        env.step(np.int64(-1))


@pytest.mark.parametrize("seed", range(3))
def test_both_engines_show_the_same(seed: int) -> None:
    one, other = (rollout(OffloadEnv("gmorl-test", engine), seed=seed, steps=120) for engine in ENGINES)  # type: ignore[arg-type]
    for a, b in zip(one, other, strict=True):
        if isinstance(a, dict):
            for key in a:
                np.testing.assert_allclose(a[key], b[key], rtol=1e-6, err_msg=key)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_unknown_engines_and_missing_resets_are_errors() -> None:
    with pytest.raises(InputError, match="no engine is called 'fast'; there are batched, simpy"):
        OffloadEnv("quickstart", "fast")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="call reset first"):
        OffloadEnv("quickstart").step(np.int64(0))
    with pytest.raises(InputError, match="call reset first"):
        OffloadVectorEnv("quickstart", 2).step(np.zeros(2, np.int64))


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
    envs = MOSyncVectorEnv([lambda: mo_gymnasium.make("mecsim/offload-v0", scenario=scenario) for _ in range(3)])
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


# The vector environment.


@pytest.mark.parametrize("engine", ENGINES)
def test_vector_plays_what_single_environments_play(engine: str) -> None:
    """Environment j of n plays episodes j, j + n, …: the same as single environments on the same tapes, to the bit."""
    scenario = short("gmorl", steps=8)
    count, rounds = 3, 3
    vector = OffloadVectorEnv(scenario, count, seed=4, engine=engine)  # type: ignore[arg-type]
    rng = np.random.default_rng(1)
    actions = rng.integers(0, scenario.max_servers, (rounds * 8, count))
    said = [vector.reset()[0]]
    results = [vector.step(row) for row in actions]
    said += [result[0] for result in results]
    tapes = draw_tapes(scenario, 4, 0, count * (rounds + 1), Stream.TRAINING)
    for j in range(count):
        single = OffloadEnv(scenario, engine)  # type: ignore[arg-type]
        for episode in range(rounds):
            chosen = j + episode * count
            observation, _ = single.reset(options={"tapes": tapes.select(slice(chosen, chosen + 1))})
            for step in range(8):
                t = episode * 8 + step
                for name in observation:
                    np.testing.assert_array_equal(observation[name], said[t][name][j])
                observation, reward, terminated, truncated, info = single.step(actions[t, j])
                _, rewards, ended, cut, infos = results[t]
                np.testing.assert_array_equal(reward, rewards[j])
                assert (terminated, truncated) == (ended[j], cut[j])
                assert (info["delay_s"], info["energy_j"]) == (infos["delay_s"][j], infos["energy_j"][j])
            for name in observation:
                np.testing.assert_array_equal(observation[name], results[t][4]["final_obs"][name][j])


@pytest.mark.parametrize("engine", ENGINES)
def test_vector_resets_itself_in_the_last_step(engine: str) -> None:
    env = OffloadVectorEnv(short(steps=4), 5, seed=2, engine=engine)  # type: ignore[arg-type]
    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert env.observation_space["options"].shape == (5, *env.single_observation_space["options"].shape)
    observation, _ = env.reset()
    assert observation in env.observation_space
    for step in range(12):
        assert observation["context"][:, 2] == pytest.approx(1.0 - (step % 4) / 4)
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert observation in env.observation_space
        assert (reward.shape, reward.dtype) == ((5, 2), np.float32)
        assert terminated.dtype == truncated.dtype == np.bool_
        assert not truncated.any()
        last = step % 4 == 3
        assert terminated.tolist() == [last] * 5
        assert ("final_obs" in info) == ("final_info" in info) == last
        np.testing.assert_array_equal(info["action_mask"], observation["mask"])
        np.testing.assert_array_equal(info["queued_tasks"], observation["context"][:, 0])
        np.testing.assert_allclose(-reward, np.stack([info["delay_s"], info["energy_j"]], axis=1), rtol=1e-6)
        if last:
            assert info["_final_obs"].all()
            assert info["final_obs"] in env.observation_space
            assert info["final_obs"]["context"][:, 2].tolist() == [0.0] * 5
            np.testing.assert_array_equal(info["final_info"]["queued_tasks"], info["final_obs"]["context"][:, 0])


def test_vector_resets_again_and_goes_on() -> None:
    env = OffloadVectorEnv("gmorl", 4, seed=2)
    first, second = env.reset()[0], env.reset()[0]
    assert not np.array_equal(first["options"], second["options"])
    assert_same(env.reset(seed=2)[0], first)
    assert_same(env.reset(options={"episode": 4})[0], second)
    assert not np.array_equal(env.reset(seed=3)[0]["options"], first["options"])
    evaluation = OffloadVectorEnv("gmorl", 4, seed=2, stream=Stream.EVALUATION)
    assert not np.array_equal(evaluation.reset()[0]["options"], first["options"])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [(), (1,), (2,), (4,), (3, 1), (1, 3)])
def test_wrong_action_shapes_are_errors(engine: str, shape: tuple[int, ...]) -> None:
    """Even those that NumPy would stretch to fit; and the step can be repeated properly."""
    env = mecsim.make_vec(short(steps=2), 3, engine=engine)
    env.reset()
    with pytest.raises(InputError, match="one action per episode"):
        env.step(np.zeros(shape, np.int64))
    assert not env.step(np.zeros(3, np.int64))[2].any()
    assert env.step(np.zeros(3, np.int64))[2].all()


def test_vectors_of_nothing_are_errors() -> None:
    with pytest.raises(InputError, match="num_envs must be at least 1"):
        mecsim.make_vec("quickstart", 0)


def test_observations_are_new_arrays() -> None:
    env = mecsim.make_vec(short(), 2)
    observation, _ = env.reset()
    kept = {name: array.copy() for name, array in observation.items()}
    later = env.step(np.zeros(2, np.int64))[0]
    assert_same(observation, kept)
    assert not any(np.shares_memory(observation[name], later[name]) for name in later)


def test_records_end_the_episodes() -> None:
    scenario = short()
    episodes = OffloadEpisodes(scenario, "batched")
    episodes.begin(draw_tapes(scenario, 0, 0, 4))
    total = sum(episodes.step(np.zeros(4, np.int64))[2] for _ in range(6))
    assert episodes.over
    records = episodes.records()
    np.testing.assert_allclose(np.where(records.dispatched, records.delay_s, 0.0).sum(axis=1), total[:, 0], rtol=1e-9)


# Our wrappers.


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
    "preference", [[1.0], [0.5, 0.6], [1.5, -0.5], [np.nan, 1.0], [0.2, 0.3, 0.5], [[0.5, 0.5]], [], 1.0]
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
        total += reward
    assert info["episode"]["r"] == pytest.approx(total, rel=1e-5)
