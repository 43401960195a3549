"""`mecsim/offload-v0`: offload tasks to a cloud and edges, one decision per step, with a vector reward."""

from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.utils import EzPickle
from numpy.typing import NDArray

from mecsim.engines.batched import BatchedEngine
from mecsim.engines.simpy_engine import SimpyEngine
from mecsim.engines.system import (
    ABSENT,
    CONTEXT_SIZE,
    DELAY,
    ENERGY,
    EXECUTING,
    HISTOGRAM,
    OBJECTIVES,
    QUEUED_MBIT,
    QUEUED_TASKS,
    Observation,
    OffloadEngine,
    Records,
    cost_columns,
    empty_observation,
    system_of,
)
from mecsim.engines.tape import Stream, Tapes, draw_tapes
from mecsim.errors import InputError
from mecsim.scenario import Scenario, load_scenario

EngineName = Literal["simpy", "batched"]
Arrays = dict[str, NDArray[Any]]
BYTE_MOST = 255

_ENGINES: dict[str, type[BatchedEngine] | type[SimpyEngine]] = {"batched": BatchedEngine, "simpy": SimpyEngine}


class OffloadEpisodes:
    """N offloading episodes on either engine, in the terms of an environment; shared by `OffloadEnv` and the vector.

    Observations are dicts of arrays with a leading dimension N, new at every call.
    """

    def __init__(self, scenario: Scenario, engine: EngineName) -> None:
        if engine not in _ENGINES:
            raise InputError(f"no engine is called {engine!r}; there are {', '.join(sorted(_ENGINES))}")
        self.scenario = scenario
        self.system = system_of(scenario)
        self.engine: OffloadEngine = _ENGINES[engine](scenario)
        self.objective_columns = [OBJECTIVES.index(name) for name in scenario.objectives]
        self.tapes: Tapes | None = None
        self.step_index = 0
        self._num_options = np.zeros(0, np.int64)

    @property
    def observation_space(self) -> gym.spaces.Dict:
        """Of a single episode."""
        options = self.system.max_options
        shape = (options, self.system.option_width)
        # Below zero: the time until a deadline that has passed, and a cost where tasks contend (see reward_space).
        low = -np.inf if self.system.deadlines or self.system.contended else ABSENT
        return gym.spaces.Dict(
            options=gym.spaces.Box(low, np.inf, shape, np.float32),
            mask=gym.spaces.Box(0, 1, (options,), np.int8),
            context=gym.spaces.Box(0.0, np.inf, (CONTEXT_SIZE,), np.float32),
        )

    @property
    def action_space(self) -> gym.spaces.Discrete:
        """Of a single episode."""
        return gym.spaces.Discrete(self.system.max_options)

    @property
    def reward_space(self) -> gym.spaces.Box:
        """Of a single episode: one entry per objective of the scenario, larger is better.

        A task costs something, unless tasks contend: with interference and priorities, say, an upload may hold up an
        urgent task and so spare the others more than it takes itself.
        """
        high = np.inf if self.system.contended else 0.0
        return gym.spaces.Box(-np.inf, high, (len(self.scenario.objectives),), np.float32)

    @property
    def cost_columns(self) -> tuple[int, ...] | None:
        """The columns of `options` with the immediate cost of each objective; None if the scenario hides them."""
        columns = cost_columns(self.system)
        return None if columns is None else tuple(columns[index] for index in self.objective_columns)

    @property
    def count_columns(self) -> tuple[int, int] | None:
        """The first column of `options`, and the first one after it, that hold tasks counted by a byte.

        None where a server may have more tasks than that.
        """
        return (HISTOGRAM, HISTOGRAM + self.system.bins) if self.system.steps <= BYTE_MOST else None

    def begin(self, tapes: Tapes) -> Arrays:
        """Start the episodes and return their first observations."""
        self.engine.begin(tapes)
        self.tapes = tapes
        self.step_index = 0
        self._num_options = tapes.num_servers + int(self.system.device)
        out = self._empty()
        self.engine.observe(out)
        return _as_dict(out)

    def step(self, action: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.float32], NDArray[np.float64]]:
        """Observations, rewards (N, objectives) and costs (N, 2) in s and J.

        An action that names an absent option is taken as the last option that exists, so that algorithms which know no
        masks can be compared.

        Raises:
            InputError: not one action per episode, a negative one, or no episode has begun.
        """
        self._check_begun()
        if np.shape(action) != self._num_options.shape:
            raise InputError(f"one action per episode is expected, {self._num_options.shape}, got {np.shape(action)}")
        existing = np.minimum(action, self._num_options - 1)
        out = self._empty()
        cost = self.engine.step_and_observe(existing, out)
        self.step_index += 1
        return _as_dict(out), (-cost[:, self.objective_columns]).astype(np.float32), cost

    def option_costs(self) -> NDArray[np.float64]:
        """Immediate cost of each option for each objective, (N, A, objectives); infinite for absent servers."""
        self._check_begun()
        return self.engine.option_costs()[:, :, self.objective_columns]

    def backlog_s(self) -> NDArray[np.float64]:
        """How long each option's server needs for what is on it and on its way, (N, A); infinite for absent options."""
        self._check_begun()
        return self.engine.backlog_s()

    @property
    def over(self) -> bool:
        """Whether the last step has been taken."""
        return self.step_index >= self.system.steps

    def records(self) -> Records:
        """What happened to the tasks; ends the episodes."""
        return self.engine.records()

    def _check_begun(self) -> None:
        if not len(self._num_options):
            raise InputError("no episode has begun: call reset first")

    def _empty(self) -> Observation:
        return empty_observation(self.system, len(self._num_options))


def _as_dict(observation: Observation) -> Arrays:
    return {"options": observation.options, "mask": observation.mask, "context": observation.context}


def physical_info(observation: Arrays, cost: NDArray[np.float64] | None) -> dict[str, Any]:
    """The physical quantities of `info`, arrays with the leading dimension of the observation."""
    info: dict[str, Any] = {
        "action_mask": observation["mask"],
        "queued_tasks": observation["context"][..., QUEUED_TASKS],
        "queued_mbit": observation["context"][..., QUEUED_MBIT],
        "executing_tasks": np.maximum(observation["options"][..., EXECUTING], 0.0),
    }
    if cost is not None:
        info["delay_s"] = cost[..., DELAY]
        info["energy_j"] = cost[..., ENERGY]
    return info


class OffloadEnv(gym.Env[Any, np.int64], EzPickle):
    """Offload tasks to a cloud and edges.

    **Observation** (`Dict`): `options` (A, F) float32, a row per server: task size (Mbit), rate to that server
    (Mbit/s), CPU (GHz), tasks executing, tasks uploading, number of edges, a histogram of the residual sizes of its
    executing tasks, and, where the scenario has `cost_features`, the immediate delay (s) and energy (J) of choosing it.
    Rows of servers that do not exist in this episode are −1. `mask` (A,) int8 is 1 for servers that exist. `context`
    (3,) float32: tasks in the dispatch queue, their Mbit, and the share of the episode that remains.

    **Action** (`Discrete(A)`): the server for the task at the head of the queue. Without a task it has no effect. An
    absent server stands for the last one that exists.

    **Reward** (`reward_space`, float32): minus the cost of each objective, in the scenario's order. `delay` (s) is by
    how much the dispatch raises the total remaining delay of all tasks in the system, so that an episode's sum is the
    total delay of its tasks; `energy` (J) is what the task consumes.

    **Start**: the tasks of the first step have arrived. `reset(seed=s)` starts with episode 0 of seed s; further
    resets go on with episode 1, 2, …

    **End**: the episode terminates after T steps, when the remaining tasks finish and nothing more can be earned.

    **Info**: `delay_s`, `energy_j` of the dispatch, `queued_tasks`, `queued_mbit`, `executing_tasks` (A,),
    `action_mask` (A,).

    Args:
        scenario: the name of a built-in scenario, a file, or a `Scenario`.
        engine: `simpy`, the definition, or `batched`, the fast one with the same results.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  (Gymnasium declares it as an instance variable)

    def __init__(self, scenario: str | Scenario = "gmorl", engine: EngineName = "simpy") -> None:
        EzPickle.__init__(self, scenario, engine)
        self.episodes = OffloadEpisodes(load_scenario(scenario), engine)
        self.scenario = self.episodes.scenario
        self.observation_space = self.episodes.observation_space
        self.action_space = self.episodes.action_space
        self.reward_space = self.episodes.reward_space
        self.reward_dim = len(self.scenario.objectives)
        self._seed: int | None = None
        self._episode = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Start the next episode. `options={"tapes": Tapes}` plays the first episode of given tapes instead."""
        super().reset(seed=seed)
        if seed is not None or self._seed is None:
            self._seed = int(self.np_random.integers(2**63)) if seed is None else seed
            self._episode = 0
        if options and "tapes" in options:
            tapes = options["tapes"].select(slice(0, 1))
        else:
            tapes = draw_tapes(self.scenario, self._seed, self._episode, 1, Stream.TRAINING)
            self._episode += 1
        observation = _first(self.episodes.begin(tapes))
        return observation, _plain(physical_info(observation, None))

    def step(self, action: np.int64) -> tuple[Arrays, NDArray[np.float32], bool, bool, dict[str, Any]]:
        """Dispatch to server `action`; the reward is a vector, new at each call."""
        if self.episodes.over:
            raise InputError("the episode is over: call reset first")
        observations, rewards, cost = self.episodes.step(np.array([action], np.int64))
        observation = _first(observations)
        info = _plain(physical_info(observation, cost[0]))
        return observation, rewards[0], self.episodes.over, False, info

    def option_costs(self) -> NDArray[np.float64]:
        """Immediate cost of each server for each objective, (A, objectives); infinite for absent servers."""
        return np.asarray(self.episodes.option_costs()[0])


def _first(batch: Arrays) -> Arrays:
    return {name: array[0] for name, array in batch.items()}


def _plain(info: dict[str, Any]) -> dict[str, Any]:
    """Arrays without a dimension as numbers."""
    return {name: value.item() if value.ndim == 0 else value for name, value in info.items()}
