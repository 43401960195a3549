"""The environment for stable-baselines3: one preference, a scalar reward, a flat observation.

Only this module needs stable-baselines3; `mecsim.envs` does not import it.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from mecsim.core.episodes import Arrays, EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.target import in_numpy
from mecsim.envs.vector import BatchVectorEnv
from mecsim.envs.wrappers import checked_preference, checked_scale, log_magnitudes
from mecsim.errors import InputError


def flat_observation(observation: Arrays) -> NDArray[np.float32]:
    """Context, mask and rows of N dict observations one after the other, (N, D) float32.

    What `FlatObservation(env, log=True)` shows of one.
    """
    names = sorted(observation)
    flat = np.concatenate([in_numpy(observation[name]).reshape(len(observation[name]), -1) for name in names], axis=1)
    return log_magnitudes(flat)


class ScalarVecEnv(VecEnv):
    """`num_envs` environments on one engine as a `VecEnv`, for any algorithm with discrete actions.

    **Observation**: `Box` (D,) float32, see `flat_observation`. **Action**: `Discrete(A)`, an option; one that cannot
    be taken stands for another, as the environment has it, since most of these algorithms know no masks;
    `env_method("action_masks")` tells them to MaskablePPO of sb3-contrib. **Reward**: Σ_i ω_i·r_i/scale_i.

    All episodes have T steps and so end together. They terminate (see docs/design.md), so
    `info["TimeLimit.truncated"]` is False and nothing is bootstrapped; `info["terminal_observation"]` is the last
    observation, and the returned one is the first of the next episode. Other entries of `info` are left out, as a dict
    per environment and step costs more than the step. `VecMonitor` adds returns and lengths.

    The environments are one batch, so attributes are those of the batch and cannot be set for one of them.

    Args:
        scenario: the name of a built-in scenario, a file, or a `Scenario`.
        preference: ω, one weight per objective.
        scale: what counts as one unit of each objective, in s and J; 1 by default.
        num_envs, seed, engine, stream: as for `BatchVectorEnv`.

    Raises:
        InputError: preference or scale do not fit the scenario's objectives.
    """

    def __init__(
        self,
        scenario: str | Scenario,
        preference: ArrayLike,
        scale: ArrayLike | None = None,
        num_envs: int = 1,
        seed: int = 0,
        engine: EngineName = "batched",
        stream: Stream = Stream.TRAINING,
    ) -> None:
        self.vector = BatchVectorEnv(scenario, num_envs, seed, engine, stream)
        objectives = self.vector.reward_dim
        self._weight = checked_preference(preference, objectives) / checked_scale(scale, objectives)
        size = gym.spaces.flatdim(self.vector.single_observation_space)
        box = gym.spaces.Box(-np.inf, np.inf, (size,), np.float32)
        super().__init__(num_envs, box, self.vector.single_action_space)
        self._actions = np.zeros(num_envs, np.int64)

    def reset(self) -> NDArray[np.float32]:
        """The first observations of the next episodes; after `seed(s)`, of the first episodes of s."""
        observation, _ = self.vector.reset(seed=self._seeds[0])
        self._reset_seeds()
        return flat_observation(observation)

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Take the actions (num_envs,) of the next `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Observations (num_envs, D), rewards and dones (num_envs,), and a dict per environment."""
        observation, reward, ended, _, info = self.vector.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if ended.any():
            for own, last in zip(infos, flat_observation(info["final_obs"]), strict=True):
                own.update({"terminal_observation": last, "TimeLimit.truncated": False})
        return flat_observation(observation), (in_numpy(reward) @ self._weight).astype(np.float32), ended, infos

    def close(self) -> None:
        """Nothing is held open."""
        self.vector.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute of the batch, once for each index."""
        return [getattr(self.vector, attr_name)] * len(self._chosen(indices))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the whole batch.

        Raises:
            InputError: `indices` leave some environments out.
        """
        self._check_all(indices, attr_name)
        setattr(self.vector, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the batch once; its result stands for each environment, that of `action_masks` holds each.

        Raises:
            InputError: `indices` leave some environments out.
        """
        if method_name == "action_masks":
            return list(self.vector.action_masks()[self._chosen(indices)])
        self._check_all(indices, method_name)
        return [getattr(self.vector, method_name)(*method_args, **method_kwargs)] * self.num_envs

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """No environment is wrapped: there are none apart from the batch."""
        return [False] * len(self._chosen(indices))

    def _chosen(self, indices: VecEnvIndices) -> Sequence[int]:
        return list(self._get_indices(indices))

    def _check_all(self, indices: VecEnvIndices, name: str) -> None:
        if set(self._chosen(indices)) != set(range(self.num_envs)):
            raise InputError(f"{name}: the environments are one batch; use it for all of them (indices=None)")
