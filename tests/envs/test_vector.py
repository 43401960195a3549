"""The vector environment: the same episodes as single ones, resets in the last step, errors."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import FlattenObservation, NormalizeObservation

import mecsim
from mecsim.core.episodes import EngineName
from mecsim.core.seeds import Stream
from mecsim.envs import BatchVectorEnv
from mecsim.errors import InputError
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.environment import OffloadEnv
from mecsim.systems.offload.episodes import batched_episodes
from tests.envs.contract import ENGINES, assert_same, short


@pytest.mark.parametrize("engine", ENGINES)
def test_vector_plays_what_single_environments_play(engine: EngineName) -> None:
    """Environment j of n plays episodes j, j + n, …: the same as single environments on the same tapes, to the bit."""
    scenario = short("gmorl", steps=8)
    count, rounds = 3, 3
    vector = BatchVectorEnv(scenario, count, seed=4, engine=engine)
    rng = np.random.default_rng(1)
    actions = rng.integers(0, scenario.max_servers, (rounds * 8, count))
    said = [vector.reset()[0]]
    results = [vector.step(row) for row in actions]
    said += [result[0] for result in results]
    tapes = draw_tapes(scenario, 4, 0, count * (rounds + 1), Stream.TRAINING)
    for j in range(count):
        single = OffloadEnv(scenario, engine)
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
def test_vector_resets_itself_in_the_last_step(engine: EngineName) -> None:
    env = BatchVectorEnv(short(steps=4), 5, seed=2, engine=engine)
    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert isinstance(env.observation_space, spaces.Dict)
    assert isinstance(env.single_observation_space, spaces.Dict)
    assert env.observation_space["options"].shape == (5, *(env.single_observation_space["options"].shape or ()))
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


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED, "NEXT_STEP", "Disabled", "NextStep"])
def test_modes_play_the_same_episodes(engine: EngineName, mode: str | AutoresetMode) -> None:
    """They differ in where one episode's end and the next one's beginning are told."""
    steps, count = 3, 4
    same = BatchVectorEnv(short(steps=steps), count, seed=2, engine=engine)
    other = BatchVectorEnv(short(steps=steps), count, seed=2, engine=engine, autoreset_mode=mode)
    known = other.metadata["autoreset_mode"]
    assert isinstance(known, AutoresetMode)
    assert BatchVectorEnv.metadata.get("autoreset_mode") is None  # it is that of an object
    assert_same(same.reset()[0], other.reset()[0])
    for step in range(3 * steps):
        action = same.action_space.sample()
        expected, told = same.step(action), other.step(action)
        np.testing.assert_array_equal(told[1], expected[1])
        np.testing.assert_array_equal(told[2], expected[2])
        last = step % steps == steps - 1
        assert_same(told[0], expected[4]["final_obs"] if last else expected[0])
        if not last:
            continue
        if known is AutoresetMode.DISABLED:
            with pytest.raises(InputError, match="the episodes are over: call reset first"):
                other.step(action)
            with pytest.raises(InputError, match="reset_mask: all episodes end together"):
                other.reset(options={"reset_mask": np.arange(count) > 0})
            begun = other.reset(options={"reset_mask": np.ones(count, np.bool_)})[0]
        else:
            begun, reward, terminated, truncated, info = other.step(np.full(count, -1))  # whatever it is
            assert (reward.shape, reward.dtype, reward.any()) == ((count, 2), np.float32, False)
            assert not terminated.any()
            assert not truncated.any()
            np.testing.assert_array_equal(info["action_mask"], begun["mask"])
        assert_same(begun, expected[0])


def test_a_reset_in_mid_episode_leaves_no_step_without_an_action() -> None:
    env = BatchVectorEnv(short(steps=2), 3, autoreset_mode=AutoresetMode.NEXT_STEP)
    env.reset()
    for _ in range(2):
        env.step(np.zeros(3, np.int64))
    env.reset()
    assert (env.step(np.zeros(3, np.int64))[1] < 0).any()


@pytest.mark.parametrize("mode", ["SOMETIMES", 3, None])
def test_a_mode_that_does_not_exist_is_refused(mode: object) -> None:
    with pytest.raises(InputError, match="autoreset_mode: expected one of NEXT_STEP, SAME_STEP, DISABLED"):
        BatchVectorEnv("quickstart", 2, autoreset_mode=mode)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["offload", "cells", "personalize"])
def test_gymnasium_makes_vectors_without_an_argument(name: str) -> None:
    env = gym.make_vec(f"mecsim/{name}-v0", num_envs=3)
    assert env.num_envs == 3
    single = gym.make(f"mecsim/{name}-v0")
    assert env.single_observation_space == single.observation_space
    next_step = gym.make_vec(f"mecsim/{name}-v0", num_envs=2, autoreset_mode="NEXT_STEP")
    assert next_step.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


def test_gymnasiums_wrappers_of_vectors_accept_them() -> None:
    made = gym.make_vec("mecsim/offload-v0", num_envs=2, scenario="quickstart", autoreset_mode="NEXT_STEP")
    env = NormalizeObservation(FlattenObservation(made))
    observation, _ = env.reset(seed=3)
    for _ in range(3):
        observation, *_ = env.step(np.zeros(2, np.int64))
    assert observation in env.observation_space


def test_vector_resets_again_and_goes_on() -> None:
    env = BatchVectorEnv("gmorl", 4, seed=2)
    first, second = env.reset()[0], env.reset()[0]
    assert not np.array_equal(first["options"], second["options"])
    assert_same(env.reset(seed=2)[0], first)
    assert_same(env.reset(options={"episode": 4})[0], second)
    assert not np.array_equal(env.reset(seed=3)[0]["options"], first["options"])
    evaluation = BatchVectorEnv("gmorl", 4, seed=2, stream=Stream.EVALUATION)
    assert not np.array_equal(evaluation.reset()[0]["options"], first["options"])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [(), (1,), (2,), (4,), (3, 1), (1, 3)])
def test_wrong_action_shapes_are_errors(engine: EngineName, shape: tuple[int, ...]) -> None:
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
    episodes = batched_episodes(scenario)
    episodes.begin(draw_tapes(scenario, 0, 0, 4))
    total = np.sum([episodes.step(np.zeros(4, np.int64))[2] for _ in range(6)], axis=0)
    assert episodes.over
    records = episodes.records()
    np.testing.assert_allclose(np.where(records.dispatched, records.delay_s, 0.0).sum(axis=1), -total[:, 0], rtol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_copies_meet_the_same_chance(engine: EngineName) -> None:
    """With equal actions they see and get the same, with others not; and it is what fewer environments play."""
    scenario = short("gmorl", steps=6)
    rng = np.random.default_rng(1)
    chosen = rng.integers(0, scenario.max_servers, (12, 3))
    env = BatchVectorEnv(scenario, 6, seed=4, engine=engine, copies=2)
    plain = BatchVectorEnv(scenario, 3, seed=4, engine=engine)
    observation, expected = env.reset()[0], plain.reset()[0]
    for step, action in enumerate(chosen):
        for name, values in observation.items():
            np.testing.assert_array_equal(values, np.repeat(expected[name], 2, axis=0), err_msg=f"{name}, step {step}")
        observation, reward, *_ = env.step(np.repeat(action, 2))
        expected, wanted, *_ = plain.step(action)
        np.testing.assert_array_equal(reward, np.repeat(wanted, 2, axis=0))
    assert env.episodes_started == plain.episodes_started == 9
    differs = np.repeat(chosen[0], 2)
    differs[1::2] = (differs[1::2] + 1) % scenario.max_servers
    _, reward, *_ = env.step(differs)
    assert (reward[::2] != reward[1::2]).any()


def test_copies_go_on_from_any_episode() -> None:
    env = BatchVectorEnv(short(steps=2), 6, seed=2, copies=3)
    env.reset()
    for _ in range(2):
        observation = env.step(np.zeros(6, np.int64))[0]
    assert env.episodes_started == 4
    assert_same(env.reset(options={"episode": 2})[0], observation)


@pytest.mark.parametrize(("count", "copies"), [(4, 3), (4, 0), (4, -2), (2, 4)])
def test_copies_that_do_not_divide_are_errors(count: int, copies: int) -> None:
    with pytest.raises(InputError, match=f"num_envs must be a multiple of copies, got {count} and {copies}"):
        BatchVectorEnv("quickstart", count, copies=copies)


def test_columns_of_counts_hold_bytes() -> None:
    """All of the histogram and nothing else; no episode is long enough to fill a bin with more than a byte counts."""
    scenario = short("gmorl", steps=255)
    episodes = batched_episodes(scenario)
    first, end = episodes.layout.count_columns or (0, 0)
    assert end - first == scenario.observation.histogram.bins
    observation = episodes.begin(draw_tapes(scenario, 0, 0, 4))
    for _ in range(200):
        rows = observation["options"][observation["mask"] == 1]
        counts = rows[:, first:end]
        assert ((counts >= 0) & (counts == counts.round())).all()
        np.testing.assert_array_equal(counts.sum(-1), rows[:, 3] + rows[:, 4])  # tasks executing and uploading
        observation = episodes.step(np.zeros(4, np.int64))[0]
    assert counts.max() > 1
    assert batched_episodes(short("gmorl", steps=256)).layout.count_columns is None
