"""What the episodes of a vector environment come to."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from mecsim.core.target import in_numpy
from mecsim.errors import InputError


class RecordVectorStatistics(gym.vector.VectorWrapper):
    """Returns and lengths of episodes with vector rewards, whatever the autoreset mode of the environments is.

    The step that ends episodes has `info["episode"]`: `r` (num_envs, objectives) the summed rewards, `dr` the same
    discounted, `l` (num_envs,) the steps, and `info["_episode"]` (num_envs,) says of which environments. Others are 0.
    A step that only begins an episode (`NEXT_STEP`) counts for none. Scalar rewards have (num_envs,) of each.

    Args:
        env: any vector environment that says its `metadata["autoreset_mode"]`.
        gamma: discount of `dr` per step.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], gamma: float = 1.0) -> None:
        super().__init__(env)
        mode = env.metadata.get("autoreset_mode")
        if not isinstance(mode, AutoresetMode):
            raise InputError("RecordVectorStatistics needs environments that say their autoreset_mode in metadata")
        self._mode, self.gamma = mode, gamma
        self._returns: NDArray[np.float64] | None = None  # of the running episodes; their shape comes with rewards
        self._discounted = np.zeros(0)
        self._lengths = np.zeros(self.num_envs, np.int64)
        self._ended = np.zeros(self.num_envs, np.bool_)  # where the last step ended an episode

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin episodes, all of them or those that `options["reset_mask"]` names."""
        observation, info = self.env.reset(seed=seed, options=options)
        begun = np.ones(self.num_envs, np.bool_) if not options else options.get("reset_mask", True)
        which = np.broadcast_to(begun, self.num_envs)
        self._forget(which)
        self._ended = self._ended & ~which
        return observation, info

    def step(self, actions: Any) -> tuple[Any, Any, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Step, and tell of the episodes that it ended."""
        observation, reward, terminated, truncated, info = self.env.step(actions)
        earned = np.asarray(in_numpy(reward), np.float64)
        if self._returns is None:
            self._returns, self._discounted = np.zeros(earned.shape), np.zeros(earned.shape)
        self._forget(self._ended)
        playing = ~self._ended if self._mode is AutoresetMode.NEXT_STEP else np.ones(self.num_envs, np.bool_)
        per_env = playing.reshape(-1, *[1] * (earned.ndim - 1))
        discount = (self.gamma**self._lengths).reshape(per_env.shape)
        self._returns += per_env * earned
        self._discounted += per_env * discount * earned
        self._lengths += playing
        self._ended = np.asarray(terminated | truncated)
        if self._ended.any():
            over = self._ended.reshape(per_env.shape)
            episode = {"r": self._returns * over, "dr": self._discounted * over, "l": self._lengths * self._ended}
            info = {**info, "episode": episode, "_episode": self._ended.copy()}
        return observation, reward, terminated, truncated, info

    def _forget(self, which: NDArray[np.bool_]) -> None:
        """Begin to count anew in these environments."""
        self._lengths[which] = 0
        if self._returns is not None:
            self._returns[which] = 0.0
            self._discounted[which] = 0.0
