"""Wrappers for algorithms that expect something simpler than a dict observation and a vector reward."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
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


def _recorded(values: ArrayLike | None) -> Any:
    """As a list: specifications of environments are compared, which arrays do not stand."""
    return None if values is None else np.asarray(values).tolist()


def log_magnitudes(values: NDArray[Any]) -> NDArray[np.float32]:
    """sign(x)·log(1 + |x|) of each value x, float32.

    Magnitudes range from 0.1 Mbit to thousands of seconds. This needs no statistics, so that a model and whoever plays
    it later always see the same.
    """
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), np.float32)


class PreferenceObservation(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Adds the entry `preference` (objectives,) float32 to a dict observation.

    With `preference=None` a new one is drawn uniformly from the simplex at each reset.
    """

    def __init__(self, env: gym.Env[Any, Any], preference: ArrayLike | None = None) -> None:
        RecordConstructorArgs.__init__(self, preference=_recorded(preference))
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
        return {**observation, "preference": self.preference.copy()}, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step; the preference stays."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return {**observation, "preference": self.preference.copy()}, reward, terminated, truncated, info


class FlatObservation(gym.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """One float32 vector: the entries of a dict observation one after the other, in the order of their names.

    With `log` as `log_magnitudes`, which networks need that normalise nothing themselves.
    """

    def __init__(self, env: gym.Env[Any, Any], log: bool = False) -> None:
        RecordConstructorArgs.__init__(self, log=log)
        super().__init__(env)
        if not isinstance(env.observation_space, gym.spaces.Dict):
            raise InputError(f"{type(self).__name__} needs a dict observation")
        spaces = env.observation_space.spaces
        self._names, self._log = sorted(spaces), log
        boxes = [space for name in self._names if isinstance(space := spaces[name], gym.spaces.Box)]
        low = self._shown([box.low for box in boxes])
        high = self._shown([box.high for box in boxes])
        self.observation_space = gym.spaces.Box(low, high, dtype=np.float32)

    def observation(self, observation: Any) -> Any:
        """Flatten."""
        return self._shown([observation[name] for name in self._names])

    def _shown(self, parts: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        flat = np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)
        return log_magnitudes(flat) if self._log else flat


class LinearReward(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """A scalar reward Σ_i ω_i·r_i/scale_i; the vector is kept in `info["vector_reward"]`.

    Args:
        preference: ω, one weight per objective.
        scale: what counts as one unit of each objective, in s and J; 1 by default.
    """

    def __init__(self, env: gym.Env[Any, Any], preference: ArrayLike, scale: ArrayLike | None = None) -> None:
        RecordConstructorArgs.__init__(self, preference=_recorded(preference), scale=_recorded(scale))
        super().__init__(env)
        objectives = int(env.get_wrapper_attr("reward_dim"))
        weights = checked_preference(preference, objectives)
        self._weight = weights / checked_scale(scale, objectives)
        counts, of_vector = self._weight > 0.0, env.get_wrapper_attr("reward_space")
        low, high = (float(ends[counts] @ self._weight[counts]) for ends in (of_vector.low, of_vector.high))
        self.reward_space = gym.spaces.Box(low, high, (1,), np.float32)
        """One number, as TorchRL reads it; it would find the space of the vector otherwise."""

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step with the scalarised reward."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        vector = np.asarray(reward)
        return observation, float(vector @ self._weight), terminated, truncated, {**info, "vector_reward": vector}
