"""What the tests of the environments share: short scenarios, rollouts, comparisons."""

from typing import Any

import gymnasium as gym
import numpy as np

from mecsim.core.episodes import EngineName
from mecsim.scenario import builtin_names, load_scenario, with_context

ENGINES: list[EngineName] = ["simpy", "batched"]
BUILT_IN = [(name, engine) for name in builtin_names() for engine in ENGINES if load_scenario(name).kind == "offload"]
CELLS = [(name, engine) for name in builtin_names() for engine in ENGINES if load_scenario(name).kind == "cells"]
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
    assert isinstance(env.action_space, gym.spaces.Discrete)
    rng = np.random.default_rng(0)
    said: list[Any] = list(env.reset(seed=seed))
    for _ in range(steps):
        *result, terminated, truncated, info = env.step(rng.integers(env.action_space.n))
        said += [*result, terminated, truncated, info]
        if terminated:
            said += env.reset()
    return said
