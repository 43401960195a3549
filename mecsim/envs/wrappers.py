"""Wrappers for algorithms that expect something simpler than a dict observation and a vector reward."""

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.errors import InputError


def checked_preference(preference: ArrayLike, objectives: int) -> NDArray[np.float64]:
    """A preference vector: one weight per objective, none negative, with sum 1.

    Raises:
        InputError: it is not one.
    """
    weights = np.asarray(preference, np.float64)
    if weights.shape != (objectives,):
        raise InputError(f"a preference needs {objectives} weights, got {weights.size}")
    if not np.isfinite(weights).all() or (weights < 0.0).any() or abs(weights.sum() - 1.0) > 1e-6:
        raise InputError(f"a preference has weights of at least 0 that sum to 1, got {weights.tolist()}")
    return weights


def checked_scale(scale: ArrayLike | None, objectives: int) -> NDArray[np.float64]:
    """What counts as one unit of each objective, (objectives,); 1 where nothing is given.

    Raises:
        InputError: it is not one positive number per objective.
    """
    units = np.ones(objectives) if scale is None else np.asarray(scale, np.float64)
    if units.shape != (objectives,) or not (units > 0.0).all():
        raise InputError(f"a scale needs {objectives} positive numbers, got {units.tolist()}")
    return units


class PreferenceObservation(gym.Wrapper[Any, Any, Any, Any]):
    """Adds the entry `preference` (objectives,) float32 to a dict observation.

    With `preference=None` a new one is drawn uniformly from the simplex at each reset.
    """

    def __init__(self, env: gym.Env[Any, Any], preference: ArrayLike | None = None) -> None:
        super().__init__(env)
        if not isinstance(env.observation_space, gym.spaces.Dict):
            raise InputError("PreferenceObservation needs a dict observation; apply it before FlatObservation")
        self.objectives = int(env.get_wrapper_attr("reward_dim"))
        self._fixed = None if preference is None else checked_preference(preference, self.objectives)
        self.preference = np.full(self.objectives, 1.0 / self.objectives, np.float32)
        box = gym.spaces.Box(0.0, 1.0, (self.objectives,), np.float32)
        self.observation_space = gym.spaces.Dict({**env.observation_space.spaces, "preference": box})

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset, with the fixed preference or a new one."""
        observation, info = self.env.reset(seed=seed, options=options)
        drawn = self.np_random.dirichlet(np.ones(self.objectives)) if self._fixed is None else self._fixed
        self.preference = drawn.astype(np.float32)
        return {**observation, "preference": self.preference}, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step; the preference stays."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return {**observation, "preference": self.preference}, reward, terminated, truncated, info


class FlatObservation(gym.ObservationWrapper[Any, Any, Any]):
    """One float32 vector: the entries of a dict observation one after the other, in the order of their names."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        if not isinstance(env.observation_space, gym.spaces.Dict):
            raise InputError("FlatObservation needs a dict observation")
        spaces = env.observation_space.spaces
        self._names = sorted(spaces)
        boxes = [space for name in self._names if isinstance(space := spaces[name], gym.spaces.Box)]
        low = np.concatenate([box.low.ravel() for box in boxes]).astype(np.float32)
        high = np.concatenate([box.high.ravel() for box in boxes]).astype(np.float32)
        self.observation_space = gym.spaces.Box(low, high, dtype=np.float32)

    def observation(self, observation: Any) -> NDArray[np.float32]:
        """Flatten."""
        return np.concatenate([np.ravel(observation[name]) for name in self._names]).astype(np.float32)


class LinearReward(gym.Wrapper[Any, Any, Any, Any]):
    """A scalar reward Σ_i ω_i·r_i/scale_i; the vector is kept in `info["vector_reward"]`.

    Args:
        preference: ω, one weight per objective.
        scale: what counts as one unit of each objective, in s and J; 1 by default.
    """

    def __init__(self, env: gym.Env[Any, Any], preference: ArrayLike, scale: ArrayLike | None = None) -> None:
        super().__init__(env)
        objectives = int(env.get_wrapper_attr("reward_dim"))
        weights = checked_preference(preference, objectives)
        self._weight = weights / checked_scale(scale, objectives)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step with the scalarised reward."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        vector = np.asarray(reward)
        return observation, float(vector @ self._weight), terminated, truncated, {**info, "vector_reward": vector}
