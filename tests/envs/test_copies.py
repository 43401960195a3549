"""What environments hand out is the caller's, and copies of them go on where they were."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import mecsim
from mecsim.core.episodes import EngineName
from mecsim.envs import LinearReward, PreferenceObservation
from mecsim.errors import InputError
from tests.envs.contract import ENGINES, assert_same, short

MADE = [(f"mecsim/{name}", engine) for name in ("offload-v0", "cells-v0", "cells-scalar-v0") for engine in ENGINES]
COPIES: list[Callable[[Any], Any]] = [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))]  # noqa: S301


def made(name: str, engine: EngineName = "batched") -> gym.Env[Any, Any]:
    return gym.make(name, scenario=short() if "offload" in name else None, engine=engine)


def spoil(said: Any) -> None:
    """Write over every array that was handed out."""
    for value in said.values() if isinstance(said, dict) else said if isinstance(said, tuple) else ():
        spoil(value)
    if isinstance(said, np.ndarray):
        said[...] = 0


@pytest.mark.parametrize(("name", "engine"), MADE)
def test_what_is_handed_out_is_the_callers(name: str, engine: EngineName) -> None:
    env, spoilt = made(name, engine), made(name, engine)
    env.reset(seed=3)
    spoil(spoilt.reset(seed=3))
    for step in range(6):
        action = 3 if step % 2 else 1
        expected, found = env.step(action), spoilt.step(action)
        assert_same(dict(enumerate(expected)), dict(enumerate(found)))
        spoil(found)


@pytest.mark.parametrize("scenario", ["quickstart", "personalized-cell"])
@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP"])
def test_so_it_is_of_vectors(scenario: str, mode: str) -> None:
    steps = "episode.requests" if scenario == "personalized-cell" else "episode.steps"
    short_one = mecsim.with_context(mecsim.load_scenario(scenario), {steps: "4"})
    env, spoilt = (mecsim.make_vec(short_one, 3, autoreset_mode=mode) for _ in range(2))
    env.reset()
    spoil(spoilt.reset())
    for step in range(11):
        actions = np.array([1, 2, step % 3])
        expected, found = env.step(actions), spoilt.step(actions)
        assert_same(dict(enumerate(expected)), dict(enumerate(found)))
        spoil(found)


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize(("name", "engine"), MADE)
def test_copies_go_on(name: str, engine: EngineName, copied: Callable[[Any], Any]) -> None:
    """In mid-episode, and into the episodes after it, apart from what the original does meanwhile."""
    env = made(name, engine)
    env.reset(seed=3)
    for action in (1, 0, 2):
        env.step(action)
    other = copied(env)
    actions = [step % 3 for step in range(10)]

    def played(one: gym.Env[Any, Any]) -> list[Any]:
        said = []
        for action in actions:
            result = one.step(action)
            said.append(dict(enumerate(result)))
            if result[2]:
                said.append(dict(enumerate(one.reset())))
        return said

    expected = played(env)
    found = played(other)
    for one, another in zip(expected, found, strict=True):
        assert_same(one, another)
    rewards = [np.asarray(said[1]).sum() for said in found if 1 in said and not isinstance(said[1], dict)]
    assert np.any(np.array(rewards) != 0.0)


@pytest.mark.parametrize("copied", COPIES)
def test_copies_of_vectors_go_on(copied: Callable[[Any], Any]) -> None:
    env = mecsim.make_vec(short(), 3)
    env.reset()
    env.step(np.array([0, 1, 2]))
    other = copied(env)
    for _ in range(12):
        assert_same(dict(enumerate(env.step(np.array([1, 2, 0])))), dict(enumerate(other.step(np.array([1, 2, 0])))))


@pytest.mark.parametrize("name", ["mecsim/offload-v0", "mecsim/cells-v0", "mecsim/offload-scalar-v0"])
@pytest.mark.parametrize("action", [-1, 99, 1.5, None, [0, 1]])
def test_an_action_outside_of_the_space(name: str, action: Any) -> None:
    env = made(name)
    env.reset(seed=1)
    with pytest.raises(InputError, match=r"^action .* names no option, expected 0 to \d+$"):
        env.step(action)
    env.step(1)  # nothing has changed


def test_actions_outside_of_the_space_of_a_vector() -> None:
    env = mecsim.make_vec(short(), 3)
    env.reset()
    for wrong in (-1, 99):
        with pytest.raises(InputError, match=rf"action {wrong} names no option, expected 0 to \d+"):
            env.step(np.array([0, wrong, 1]))


def test_preferences_are_the_callers_too() -> None:
    env = PreferenceObservation(made("mecsim/offload-v0"))
    observation, _ = env.reset(seed=1)
    drawn = observation["preference"].copy()
    observation["preference"][:] = 0.0
    np.testing.assert_array_equal(env.step(0)[0]["preference"], drawn)


@pytest.mark.parametrize("name", ["mecsim/offload-v0", "mecsim/cells-v0"])
def test_wrapped_environments_are_rebuilt_from_their_spec(name: str) -> None:
    wrapped = PreferenceObservation(made(name), np.array([0.25, 0.75]))
    env = LinearReward(wrapped, np.array([0.25, 0.75]), scale=[200.0, 0.5])
    assert env.spec is not None
    again = gym.make(env.spec)
    for one in (env, again):
        one.reset(seed=2)
    for _ in range(4):
        expected, found = env.step(1), again.step(1)
        assert_same(dict(enumerate(expected)), dict(enumerate(found)))


def test_a_scenario_of_another_kind_under_an_id() -> None:
    with pytest.raises(InputError, match="needs a scenario of kind offload, not cells"):
        gym.make_vec("mecsim/offload-v0", num_envs=2, scenario="personalized-cell")
