"""One episode at a time as a Gymnasium environment."""

from typing import Any, ClassVar, Generic, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays, EngineName, Episodes, RecordsT, ScenarioT, TapesT
from mecsim.core.seeds import Stream
from mecsim.core.system import SYSTEMS, System
from mecsim.core.target import in_numpy
from mecsim.errors import InputError
from mecsim.scenario import Scenario, load_scenario, parse_scenario


class SystemEnv(gym.Env[Any, np.int64], Generic[ScenarioT, TapesT, RecordsT]):
    """A single episode at a time; what is observed, done and earned is told by the class of each system.

    Copies and pickles go on where the episode is.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  (Gymnasium declares it as an instance variable)
    SYSTEM: ClassVar[str]
    DEFAULT: ClassVar[str | None] = None
    """Name of the scenario that is played if none is given; the starter of the system if there is none."""

    def __init__(self, scenario: str | Scenario | None = None, engine: EngineName = "simpy") -> None:
        system = cast(System[ScenarioT, TapesT, RecordsT], SYSTEMS.load(self.SYSTEM))
        self.scenario = cast(ScenarioT, self.scenario_of(scenario))
        self._draw = system.draw
        self.episodes: Episodes[ScenarioT, TapesT, RecordsT] = system.new_episodes(self.scenario, engine)
        self.observation_space = self.episodes.observation_space
        self.action_space = self.episodes.action_space
        self.reward_space = self.episodes.reward_space
        self.reward_dim = len(self.scenario.objectives)
        self._seed: int | None = None
        self._episode = 0

    @classmethod
    def scenario_of(cls, scenario: str | Scenario | None) -> Scenario:
        """The scenario that is played, if this one is asked for.

        Raises:
            InputError: it is of another kind; ScenarioError: it cannot be used.
        """
        if scenario is None:
            starter = SYSTEMS.load(cls.SYSTEM).starter()
            scenario = cls.DEFAULT or parse_scenario(starter, f"starter of {cls.SYSTEM}")
        described = load_scenario(scenario)
        if described.kind != cls.SYSTEM:
            raise InputError(f"{cls.__name__} needs a scenario of kind {cls.SYSTEM}, not {described.kind}")
        return described

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Start the next episode. `options={"tapes": …}` plays the first episode of given tapes instead."""
        super().reset(seed=seed)
        if seed is not None or self._seed is None:
            self._seed = int(self.np_random.integers(2**63)) if seed is None else seed
            self._episode = 0
        if options and "tapes" in options:
            tapes = options["tapes"].select(slice(0, 1))
        else:
            tapes = self._draw.load()(self.scenario, self._seed, self._episode, 1, Stream.TRAINING)
            self._episode += 1
        observation = _first(self.episodes.begin(tapes))
        return observation, _plain(self.episodes.info(observation, None))

    def step(self, action: np.int64) -> tuple[Arrays, NDArray[np.float32], bool, bool, dict[str, Any]]:
        """Choose an option; the reward is a vector, new at each call."""
        if self.episodes.over:
            raise InputError("the episode is over: call reset first")
        observations, rewards, of_engine = self.episodes.step(np.array([action], np.int64))
        observation = _first(observations)
        info = _plain(self.episodes.info(observation, in_numpy(of_engine[0])))
        return observation, in_numpy(rewards[0]), self.episodes.over, False, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which options can be taken now, (A,), under the name by which sb3-contrib asks for it."""
        return np.asarray(self.episodes.masks()[0])

    def option_rewards(self) -> NDArray[np.float64]:
        """What each option is expected to earn at once for each objective, (A, objectives); −inf if impossible."""
        return np.asarray(self.episodes.option_rewards()[0])


def _first(batch: Arrays) -> Arrays:
    return {name: in_numpy(array[0]) for name, array in batch.items()}


def _plain(info: dict[str, Any]) -> dict[str, Any]:
    """Arrays without a dimension as numbers."""
    return {name: value.item() if value.ndim == 0 else in_numpy(value) for name, value in info.items()}
