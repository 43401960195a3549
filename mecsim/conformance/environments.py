"""Checks of environments: what Gymnasium and MO-Gymnasium ask of one, and that nothing handed out is kept."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.conformance.subject import EPISODES, Subject, random_actions
from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.target import in_numpy
from mecsim.envs import BatchVectorEnv, FlatObservation, LinearReward, PreferenceObservation


def _single(subject: Subject) -> Any:
    """The environment of a scenario; Gymnasium's type of it knows scalar rewards only."""
    return subject.system.environment.load()(subject.scenario, _engine(subject))


def _engine(subject: Subject) -> Any:
    return subject.engine


def _copied(observation: Arrays) -> Arrays:
    return {name: in_numpy(values).copy() for name, values in observation.items()}


def _assert_same(one: Arrays, other: Arrays) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert_array_equal(in_numpy(values), in_numpy(other[name]), err_msg=name)


def _spoil(*handed_out: object) -> None:
    """Overwrite all arrays that somebody was given, as a careless user might."""
    for given in handed_out:
        values = given.values() if isinstance(given, dict) else (given,)
        for array in values:
            if isinstance(array, dict):
                _spoil(array)
            elif isinstance(array, np.ndarray) and array.flags.writeable:
                array[...] = np.ones((), array.dtype)
            elif hasattr(array, "fill_"):
                array.fill_(1)


def spaces_hold_what_is_seen_and_earned(subject: Subject) -> None:
    """Observations, actions and rewards lie in their spaces; something can always be done."""
    env = _single(subject)
    observation, _ = env.reset(seed=0)
    rng, over = np.random.default_rng(0), False
    while not over:
        assert env.observation_space.contains(observation)
        assert set(np.unique(observation["mask"])) <= {0, 1}
        assert observation["mask"].any()
        action = random_actions(observation["mask"][None], rng)[0]
        assert env.action_space.contains(action)
        observation, reward, over, truncated, info = env.step(action)
        assert not truncated
        assert reward.shape == (env.reward_dim,) == env.reward_space.shape
        assert reward.dtype == np.float32
        assert env.reward_space.contains(reward), reward
        assert_array_equal(info["action_mask"], observation["mask"])
    assert env.observation_space.contains(observation)


def seeds_decide(subject: Subject) -> None:
    """The same seed gives the same episodes, one after the other; another one others."""
    one, other = _single(subject), _single(subject)
    first, _ = one.reset(seed=11)
    _assert_same(first, other.reset(seed=11)[0])
    following, _ = one.reset()
    _assert_same(following, other.reset()[0])
    _assert_same(first, one.reset(seed=11)[0])
    assert any((first[name] != following[name]).any() for name in first), "two episodes begin alike"


def nothing_handed_out_is_kept(subject: Subject) -> None:
    """Whoever overwrites what an environment gave, or the actions given to it, changes no later step."""
    careless, careful, rng = _single(subject), _single(subject), np.random.default_rng(1)
    seen, told = careless.reset(seed=2)
    expected, _ = careful.reset(seed=2)
    over = False
    while not over:
        action = random_actions(expected["mask"][None], rng)[0]
        _spoil(seen, told, careless.option_rewards())
        seen, reward, over, _, told = careless.step(action)
        expected, earned, _, _, _ = careful.step(action)
        _assert_same(seen, expected)
        assert_array_equal(reward, earned)
        _spoil(reward)
    vectors = [BatchVectorEnv(subject.scenario, EPISODES, 2, _engine(subject)) for _ in range(2)]
    (seen, told), (expected, _) = (vector.reset() for vector in vectors)
    for _ in range(subject.scenario.steps + 2):  # into the next episodes
        action = random_actions(expected["mask"], rng)
        given = action.copy()
        _spoil(seen, told)
        seen, reward, ended, _, told = vectors[0].step(given)
        _spoil(given, ended)
        expected, earned, _, _, _ = vectors[1].step(action)
        _assert_same(seen, expected)
        assert_array_equal(in_numpy(reward), in_numpy(earned))
        _spoil(reward)


def rewards_are_fresh(subject: Subject) -> None:
    """Rewards of earlier steps stay what they were."""
    env, rng = _single(subject), np.random.default_rng(3)
    observation, _ = env.reset(seed=3)
    kept, copies, over = [], [], False
    while not over:
        observation, reward, over, _, _ = env.step(random_actions(observation["mask"][None], rng)[0])
        kept.append(reward)
        copies.append(reward.copy())
    assert_array_equal(np.stack(kept), np.stack(copies))


def copies_go_on(subject: Subject) -> None:
    """Deep copies and pickles of an environment, and of many, go on where the episode is, and into the next."""
    steps, rng = subject.scenario.steps, np.random.default_rng(4)
    ways: tuple[Callable[[Any], Any], ...] = (copy.deepcopy, _pickled)
    for way in ways:
        env = BatchVectorEnv(subject.scenario, 2, 5, _engine(subject))
        observation, _ = env.reset()
        for _ in range(steps // 2):
            observation, *_ = env.step(random_actions(observation["mask"], rng))
        copied: BatchVectorEnv = way(env)
        for _ in range(steps):
            action = random_actions(observation["mask"], rng)
            observation, reward, *_ = env.step(action)
            seen, earned, *_ = copied.step(action)
            _assert_same(observation, seen)
            assert_array_equal(in_numpy(reward), in_numpy(earned))
        single = _single(subject)
        state, _ = single.reset(seed=6)
        single.step(random_actions(state["mask"][None], rng)[0])
        other = way(single)
        possible = in_numpy(single.episodes.engine.option_rewards())[:, :, 0] > -np.inf
        action = random_actions(possible.astype(np.int8), rng)[0]
        _assert_same(single.step(action)[0], other.step(action)[0])
        _assert_same(single.reset()[0], other.reset()[0])


def _pickled(env: Any) -> Any:
    return pickle.loads(pickle.dumps(env))  # noqa: S301  (our own, made here)


def vectors_are_many_singles(subject: Subject) -> None:
    """Environment j of many plays episode j of the seed, as single environments do one after the other."""
    vector, rng = BatchVectorEnv(subject.scenario, EPISODES, 8, _engine(subject)), np.random.default_rng(5)
    many, _ = vector.reset()
    actions, seen, earned = [], [_copied(many)], []
    for _ in range(subject.scenario.steps):
        actions.append(random_actions(many["mask"], rng))
        many, reward, ended, _, info = vector.step(actions[-1])
        seen.append(info["final_obs"] if ended.all() else _copied(many))
        earned.append(reward)
    env = _single(subject)
    for j in range(EPISODES):
        observation, _ = env.reset(seed=8) if j == 0 else env.reset()
        for step, action in enumerate(actions):
            _assert_same(observation, {name: values[j] for name, values in seen[step].items()})
            observation, reward, over, _, _ = env.step(action[j])
            assert_array_equal(reward, in_numpy(earned[step][j]))
        assert over
        _assert_same(observation, {name: values[j] for name, values in seen[-1].items()})


def ruled_out_actions_stand_for_others(subject: Subject) -> None:
    """An environment takes any option that its space holds, and plays one that is possible."""
    env, rng = _single(subject), np.random.default_rng(6)
    observation, _ = env.reset(seed=9)
    over = False
    while not over:
        wrong = np.flatnonzero(observation["mask"] == 0)
        action = int(rng.choice(wrong)) if len(wrong) else 0
        observation, reward, over, _, _ = env.step(action)
        assert env.reward_space.contains(reward)


def wrappers_work(subject: Subject) -> None:
    """A preference joins the observation, one vector holds it all, a weighted sum is the reward."""
    env = _single(subject)
    objectives, scale = env.reward_dim, np.arange(1.0, env.reward_dim + 1.0)
    preference = np.full(objectives, 1.0 / objectives)
    wrapped = LinearReward(FlatObservation(PreferenceObservation(env, preference)), preference, scale)
    flat, _ = wrapped.reset(seed=10)
    assert wrapped.observation_space.contains(flat)
    assert gym.spaces.flatdim(env.observation_space) + objectives == len(flat)
    flat, reward, _, _, info = wrapped.step(0)
    assert wrapped.observation_space.contains(flat)
    assert np.isclose(reward, (info["vector_reward"] / scale) @ preference)


def many_are_as_one_for_scalar_algorithms(subject: Subject) -> None:
    """The `VecEnv` of Stable-Baselines3 shows the vector's observations and weighs its rewards."""
    from mecsim.envs.sb3 import ScalarVecEnv, flat_observation

    objectives = len(subject.scenario.objectives)
    preference = np.arange(1.0, objectives + 1.0) / np.arange(1.0, objectives + 1.0).sum()
    scalar = ScalarVecEnv(subject.scenario, preference, None, 2, 12, _engine(subject))
    vector = BatchVectorEnv(subject.scenario, 2, 12, _engine(subject))
    observation, _ = vector.reset()
    assert_array_equal(scalar.reset(), flat_observation(observation))
    action = random_actions(observation["mask"], np.random.default_rng(7))
    following, reward, *_ = vector.step(action)
    flat, scalar_reward, _, _ = scalar.step(action)
    assert_array_equal(flat, flat_observation(following))
    assert np.allclose(scalar_reward, in_numpy(reward) @ preference)


def episodes_need_a_beginning(subject: Subject) -> None:
    """Nothing can be asked of episodes that have not begun; a step needs one whole action for each."""
    from mecsim.errors import InputError

    episodes: AnyEpisodes = subject.system.new_episodes(subject.scenario, subject.engine)
    first = np.zeros(EPISODES, np.int64)
    for ask in (lambda: episodes.step(first), lambda: episodes.step_unseen(first), episodes.option_rewards):
        _refused(ask, InputError)
    episodes.begin(subject.tapes)
    for wrong in (np.zeros(EPISODES + 1, np.int64), np.full(EPISODES, -1)):
        _refused(lambda wrong=wrong: episodes.step(wrong), InputError)
    assert episodes.step_index == 0


def steps_need_no_one_who_looks(subject: Subject) -> None:
    """A step that nobody looks at earns what any step does, and those that follow show what they would have shown."""
    seen, observation = subject.begun()
    unseen, _ = subject.begun()
    rng = np.random.default_rng(9)
    while not seen.over:
        action = random_actions(observation["mask"], rng)
        if seen.step_index % 3 == 2:
            following, _, earned = unseen.step(action)
            observation, _, told = seen.step(action)
            assert_array_equal(in_numpy(observation["mask"]), in_numpy(following["mask"]))
        else:
            earned = unseen.step_unseen(action)
            observation, _, told = seen.step(action)
        assert_allclose(in_numpy(earned), in_numpy(told), rtol=1e-9)
    assert unseen.over


def _refused(call: Any, error: type[Exception]) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"expected {error.__name__}")
