"""Masks for algorithms that look for them elsewhere than in the entry `mask`, or know no discrete actions."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from mecsim.envs.wrappers import FlatObservation
from mecsim.errors import InputError


class MaskedObservation(FlatObservation):
    """A dict of the vector of `FlatObservation` and of the mask (A,) int8, under the names that an algorithm expects.

    Action masking of RLlib looks for `observations` and `action_mask`, Tianshou for `obs` and `mask`.
    """

    def __init__(
        self, env: gym.Env[Any, Any], values: str = "observations", mask: str = "action_mask", log: bool = True
    ) -> None:
        RecordConstructorArgs.__init__(self, values=values, mask=mask, log=log)
        super().__init__(env, log)
        flat, self._values, self._mask = self.observation_space, values, mask
        self.observation_space = gym.spaces.Dict({values: flat, mask: env.observation_space["mask"]})  # type: ignore[index]

    def observation(self, observation: Any) -> dict[str, NDArray[Any]]:
        """Both."""
        return {self._values: super().observation(observation), self._mask: observation["mask"]}


class ScoredAction(gym.ActionWrapper[Any, Any, Any], RecordConstructorArgs):
    """Scores of all options, a `Box` (A,) from -1 to 1, for algorithms with continuous actions.

    The option with the highest score of those that can be taken is taken, the first of equals.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        if not isinstance(env.action_space, gym.spaces.Discrete):
            raise InputError("ScoredAction needs discrete actions")
        self.action_space = gym.spaces.Box(-1.0, 1.0, (int(env.action_space.n),), np.float32)

    def action(self, action: NDArray[np.floating[Any]]) -> np.int64:
        """The option of these scores."""
        possible = self.env.get_wrapper_attr("action_masks")()
        return np.int64(np.argmax(np.where(possible, action, -np.inf)))
