"""Many environments as one, for training and evaluation."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays, EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.core.tape import Tapes
from mecsim.errors import InputError
from mecsim.scenario import load_scenario


class BatchVectorEnv(VectorEnv[Arrays, NDArray[np.int64], NDArray[Any]]):
    """`num_envs` copies of the environment of a scenario on one engine, in Gymnasium's `VectorEnv` API.

    See `OffloadEnv` and `CellsEnv` for the meaning of all.

    Rewards are (num_envs, objectives) float32. All episodes have T steps, so all end together. What happens then is one
    of Gymnasium's autoreset modes, which `metadata["autoreset_mode"]` tells.

    `SAME_STEP`: the last step returns the first observation of the next episodes, and `info["final_obs"]` and
    `info["final_info"]` hold the end of the last ones. The rest of `info` describes the new observation, except for
    what the step has cost (`delay_s` and `energy_j`, say), which always belongs to its reward.
    `NEXT_STEP`: the last step returns the end; the one after it takes no action, earns nothing, and returns the first
    observation of the next episodes.
    `DISABLED`: after the last step somebody has to call `reset`, for all environments.

    Environment j plays episodes j, j + num_envs, j + 2·num_envs, … of the seed; `reset(seed=s)` starts again at j. With
    `copies` each episode is played by so many neighbours at a time: they meet the same tasks and channels, so what they
    reach differs by their actions alone.

    With the engine `cuda` everything lives on the current GPU: observations, rewards and `info` are PyTorch's tensors
    there, and so may actions be. What says that episodes ended stays in NumPy's arrays.
    """

    def __init__(
        self,
        scenario: str | Scenario,
        num_envs: int = 1,
        seed: int = 0,
        engine: EngineName = "batched",
        stream: Stream = Stream.TRAINING,
        copies: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
    ) -> None:
        if num_envs < 1:
            raise InputError(f"num_envs must be at least 1, got {num_envs}")
        if copies < 1 or num_envs % copies:
            raise InputError(f"num_envs must be a multiple of copies, got {num_envs} and {copies}")
        self._mode = _mode(autoreset_mode)
        self.metadata = {"autoreset_mode": self._mode}
        self.episodes = new_episodes(load_scenario(scenario), engine)
        self.scenario = self.episodes.scenario
        self.num_envs = num_envs
        self.single_observation_space = self.episodes.observation_space
        self.single_action_space = self.episodes.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.reward_space: gym.spaces.Box = self.episodes.reward_space
        self.reward_dim = len(self.scenario.objectives)
        self.episodes_started = 0
        self._seed_value = seed
        self._stream = stream
        self._copies = copies
        self._no_reward: NDArray[np.float32] | None = None  # of the step that begins new episodes
        self._draws_ahead = engine == "cuda"  # this processor has time while a GPU plays
        self._coming: tuple[tuple[int, int], Future[Tapes]] | None = None  # what is drawn meanwhile, by its arguments

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Start the next episodes, or again from the first ones of `seed`.

        `options={"episode": k}` starts with episode k of the seed, so that a run can go on where it stopped. A
        `reset_mask` among the options has to name all environments.

        Raises:
            InputError: the seed is no whole number, or some environments are to go on.
        """
        if seed is not None and not isinstance(seed, int | np.integer):
            raise InputError(f"seed: one whole number for all environments is expected, got {seed!r}")
        if seed is not None:
            self._seed_value, self.episodes_started = seed, 0
        if options and not np.all(options.get("reset_mask", True)):
            raise InputError("reset_mask: all episodes end together, so all environments are reset or none")
        if options and "episode" in options:
            self.episodes_started = int(options["episode"])
        observation = self._begin_next()
        return observation, self.episodes.info(observation, None)

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Arrays, NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Dispatch in every environment.

        Raises:
            InputError: an action cannot be taken, or the episodes are over and nobody has called `reset`.
        """
        if self._no_reward is not None:
            return self._after_the_end(self._no_reward)
        if self.episodes.over:
            raise InputError("the episodes are over: call reset first")
        observation, reward, cost = self.episodes.step(actions)
        info = self.episodes.info(observation, cost)
        over = self.episodes.over
        if over and self._mode is AutoresetMode.NEXT_STEP:
            self._no_reward = reward * 0
        elif over and self._mode is AutoresetMode.SAME_STEP:
            ending = {"final_obs": observation, "final_info": info}
            observation = self._begin_next()
            all_of_them = np.ones(self.num_envs, np.bool_)
            info = {
                **self.episodes.info(observation, cost),
                **ending,
                "_final_obs": all_of_them,
                "_final_info": all_of_them.copy(),
            }
        ended = np.full(self.num_envs, over)
        return observation, reward, ended, np.zeros(self.num_envs, np.bool_), info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which options can be taken now, (num_envs, A)."""
        return self.episodes.masks()

    def _after_the_end(
        self, reward: NDArray[np.float32]
    ) -> tuple[Arrays, NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        observation = self._begin_next()
        nobody = np.zeros(self.num_envs, np.bool_)
        return observation, reward, nobody, nobody.copy(), self.episodes.info(observation, None)

    def _begin_next(self) -> Arrays:
        self._no_reward = None
        return self.episodes.begin(self._next_tapes())

    def _next_tapes(self) -> Tapes:
        wanted = self._seed_value, self.episodes_started
        self.episodes_started += self.num_envs // self._copies
        if not self._draws_ahead:
            return self._drawn(*wanted)
        tapes = self._coming[1].result() if self._coming and self._coming[0] == wanted else self._drawn(*wanted)
        following = self._seed_value, self.episodes_started
        self._coming = following, _thread(os.getpid()).submit(self._drawn, *following)
        return tapes

    def _drawn(self, seed: int, first: int) -> Tapes:
        episodes = self.num_envs // self._copies
        tapes = draw_episodes(self.scenario, seed, first, episodes, self._stream)
        return tapes.select(np.repeat(np.arange(episodes), self._copies))

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_coming": None}


@lru_cache(maxsize=1)
def _thread(process: int) -> ThreadPoolExecutor:
    """To draw ahead on, of a process: one that was forked has none of its parent's threads."""
    return ThreadPoolExecutor(1, "episodes")


def _mode(mode: str | AutoresetMode) -> AutoresetMode:
    named = {known.value: known for known in AutoresetMode} | {known.name: known for known in AutoresetMode}
    found = mode if isinstance(mode, AutoresetMode) else named.get(mode)
    if found is None:
        known = ", ".join(one.name for one in AutoresetMode)
        raise InputError(f"autoreset_mode: expected one of {known}, got {mode!r}")
    return found


def make_vec(
    scenario: str | Scenario, num_envs: int = 1, seed: int = 0, engine: EngineName = "batched",
    autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
) -> BatchVectorEnv:  # fmt: skip
    """`num_envs` environments of a scenario (a built-in's name, a file or a `Scenario`) as one `VectorEnv`.

    Raises:
        ScenarioError: the scenario cannot be used.
    """
    return BatchVectorEnv(scenario, num_envs, seed, engine, autoreset_mode=autoreset_mode)
