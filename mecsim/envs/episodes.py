"""N episodes of any kind of scenario in the terms of an environment, and one of them as a Gymnasium environment."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, Literal, TypeVar

import gymnasium as gym
import numpy as np
from gymnasium.utils import EzPickle
from numpy.typing import NDArray

from mecsim.engines.cell_tape import CellTapes
from mecsim.engines.tape import Stream, Tapes
from mecsim.errors import InputError
from mecsim.scenario import AnyScenario, CellScenario, Scenario, load_scenario

EngineName = Literal["simpy", "batched"]
Arrays = dict[str, NDArray[Any]]

ScenarioT = TypeVar("ScenarioT", Scenario, CellScenario)
TapesT = TypeVar("TapesT", Tapes, CellTapes)
RecordsT = TypeVar("RecordsT")


class Episodes(ABC, Generic[ScenarioT, TapesT, RecordsT]):
    """N episodes on either engine; shared by the single environment, the vector, and whoever plays policies.

    Observations are dicts of arrays with a leading dimension N, new at every call. Every step has a cost (N, Q), one
    column for each objective that the kind of scenario knows; rewards are minus those which the scenario asks for.
    """

    scenario: ScenarioT
    tapes: TapesT | None = None
    steps: int  # T, decisions of an episode
    max_options: int  # A
    objective_columns: list[int]  # of costs, in the scenario's order of objectives
    total_offset: NDArray[np.float64]  # (objectives,) what an episode's total is beyond its summed costs
    observation_space: gym.spaces.Dict  # of a single episode
    reward_space: gym.spaces.Box  # of a single episode: an entry per objective of the scenario, larger is better
    cost_columns: tuple[int, ...] | None  # of `options`, with each objective's immediate cost; None if hidden
    separable: tuple[int, ...]  # positions of the objectives in which a decision's cost depends on it alone
    count_columns: tuple[int, int] | None  # of `options`: the first that holds counts of a byte, the first after these

    def __init__(self) -> None:
        self.step_index = 0
        self._num_options = np.zeros(0, np.int64)

    @property
    def action_space(self) -> gym.spaces.Discrete:
        """Of a single episode."""
        return gym.spaces.Discrete(self.max_options)

    @property
    def over(self) -> bool:
        """Whether the last step has been taken."""
        return self.step_index >= self.steps

    @abstractmethod
    def draw(self, seed: int, first: int, count: int, stream: Stream) -> TapesT:
        """Episodes `first` .. `first + count − 1` of a seed."""

    def begin(self, tapes: TapesT) -> Arrays:
        """Start the episodes and return their first observations."""
        self.tapes, self.step_index = tapes, 0
        return self._begin(tapes)

    def step(self, action: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.float32], NDArray[np.float64]]:
        """Observations, rewards (N, objectives) and costs (N, Q).

        An action that names an option which cannot be chosen is taken as another one that can (see the environment's
        description), so that algorithms which know no masks can be compared.

        Raises:
            InputError: not one action per episode, a negative one, or no episode has begun.
        """
        self._check_begun()
        if np.shape(action) != self._num_options.shape:
            raise InputError(f"one action per episode is expected, {self._num_options.shape}, got {np.shape(action)}")
        observation, cost = self._step(np.asarray(action, np.int64))
        self.step_index += 1
        return observation, (-cost[:, self.objective_columns]).astype(np.float32), cost

    def option_costs(self) -> NDArray[np.float64]:
        """Immediate cost of each option for each objective, (N, A, objectives); infinite for absent options."""
        self._check_begun()
        return self._option_costs()[:, :, self.objective_columns]

    @property
    @abstractmethod
    def option_names(self) -> list[str]:
        """A word for each option, (A,)."""

    @property
    @abstractmethod
    def columns(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A name, with the unit, for each column of `options` (F,) and each entry of `context` (G,)."""

    def waits(self, observation: Arrays) -> NDArray[np.bool_]:
        """Where there is something to decide, (N,)."""
        return np.ones(len(observation["mask"]), np.bool_)

    def totals(self, cost: NDArray[np.float64]) -> NDArray[np.float64]:
        """What evaluations minimise, (N, objectives), from the summed costs (N, Q) of whole episodes."""
        return np.asarray(cost[:, self.objective_columns] + self.total_offset)

    @abstractmethod
    def records(self) -> RecordsT:
        """What happened; ends the episodes."""

    @abstractmethod
    def info(self, observation: Arrays, cost: NDArray[np.float64] | None) -> dict[str, Any]:
        """The physical quantities of `info`, arrays with the leading dimension of the observation."""

    @abstractmethod
    def _begin(self, tapes: TapesT) -> Arrays: ...

    @abstractmethod
    def _step(self, action: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.float64]]: ...

    @abstractmethod
    def _option_costs(self) -> NDArray[np.float64]: ...

    def _check_begun(self) -> None:
        if not len(self._num_options):
            raise InputError("no episode has begun: call reset first")


class EpisodesEnv(gym.Env[Any, np.int64], EzPickle):
    """A single episode at a time; what is observed, done and earned is told by the class of each kind."""

    metadata = {"render_modes": []}  # noqa: RUF012  (Gymnasium declares it as an instance variable)
    KIND: ClassVar[type[AnyScenario]]

    def __init__(self, scenario: str | AnyScenario, engine: EngineName = "simpy") -> None:
        EzPickle.__init__(self, scenario, engine)
        self.scenario = load_scenario(scenario)
        if not isinstance(self.scenario, self.KIND):
            raise InputError(f"{type(self).__name__} needs another kind of scenario than {self.scenario.kind!r}")
        self.episodes = self._episodes(engine)
        self.observation_space = self.episodes.observation_space
        self.action_space = self.episodes.action_space
        self.reward_space = self.episodes.reward_space
        self.reward_dim = len(self.scenario.objectives)
        self._seed: int | None = None
        self._episode = 0

    def _episodes(self, engine: EngineName) -> Episodes[Any, Any, Any]:
        raise NotImplementedError

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Start the next episode. `options={"tapes": …}` plays the first episode of given tapes instead."""
        super().reset(seed=seed)
        if seed is not None or self._seed is None:
            self._seed = int(self.np_random.integers(2**63)) if seed is None else seed
            self._episode = 0
        if options and "tapes" in options:
            tapes = options["tapes"].select(slice(0, 1))
        else:
            tapes = self.episodes.draw(self._seed, self._episode, 1, Stream.TRAINING)
            self._episode += 1
        observation = _first(self.episodes.begin(tapes))
        return observation, _plain(self.episodes.info(observation, None))

    def step(self, action: np.int64) -> tuple[Arrays, NDArray[np.float32], bool, bool, dict[str, Any]]:
        """Choose an option; the reward is a vector, new at each call."""
        if self.episodes.over:
            raise InputError("the episode is over: call reset first")
        observations, rewards, cost = self.episodes.step(np.array([action], np.int64))
        observation = _first(observations)
        info = _plain(self.episodes.info(observation, cost[0]))
        return observation, rewards[0], self.episodes.over, False, info

    def option_costs(self) -> NDArray[np.float64]:
        """Immediate cost of each option for each objective, (A, objectives); infinite for absent options."""
        return np.asarray(self.episodes.option_costs()[0])


def _first(batch: Arrays) -> Arrays:
    return {name: array[0] for name, array in batch.items()}


def _plain(info: dict[str, Any]) -> dict[str, Any]:
    """Arrays without a dimension as numbers."""
    return {name: value.item() if value.ndim == 0 else value for name, value in info.items()}
