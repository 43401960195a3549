"""`mecsim/offload-v0`: offload tasks to a cloud and edges, one decision per step, with a vector reward."""

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mecsim.engines.batched import BatchedEngine
from mecsim.engines.columns import CONTEXT_COLUMNS, option_columns
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
    SATISFACTION,
    Observation,
    OffloadEngine,
    Records,
    cost_columns,
    empty_observation,
    system_of,
)
from mecsim.engines.tape import Stream, Tapes, draw_tapes
from mecsim.envs.episodes import Arrays, EngineName, Episodes, EpisodesEnv
from mecsim.errors import InputError
from mecsim.scenario import Scenario

BYTE_MOST = 255

_ENGINES: dict[str, type[BatchedEngine] | type[SimpyEngine]] = {"batched": BatchedEngine, "simpy": SimpyEngine}


class OffloadEpisodes(Episodes[Scenario, Tapes, Records]):
    """N offloading episodes; costs are `DELAY` (s), `ENERGY` (J) and, where delays are rated, `SATISFACTION`."""

    def __init__(self, scenario: Scenario, engine: EngineName) -> None:
        super().__init__()
        if engine not in _ENGINES:
            raise InputError(f"no engine is called {engine!r}; there are {', '.join(sorted(_ENGINES))}")
        self.scenario = scenario
        self.system = system_of(scenario)
        self.engine: OffloadEngine = _ENGINES[engine](scenario)
        self.steps, self.max_options = self.system.steps, self.system.max_options
        self.objective_columns = [OBJECTIVES.index(name) for name in scenario.objectives]
        self.total_offset = np.zeros(len(self.objective_columns))
        self.observation_space = self._observation_space()
        # A task costs something, unless tasks contend: with interference and priorities, say, an upload may hold up an
        # urgent task and so spare the others more than it takes itself.
        high = np.inf if self.system.contended else 0.0
        self.reward_space = gym.spaces.Box(-np.inf, high, (len(scenario.objectives),), np.float32)
        shown = cost_columns(self.system)
        self.cost_columns = None if shown is None else tuple(shown[index] for index in self.objective_columns)
        # Energy is a matter of link and processor, unless uploads disturb each other or power depends on the load.
        alone = () if self.system.interference or self.system.power_curve else (ENERGY,)
        self.separable = tuple(i for i, column in enumerate(self.objective_columns) if column in alone)
        # A byte holds the tasks on a server, unless it may have more.
        self.count_columns = (HISTOGRAM, HISTOGRAM + self.system.bins) if self.steps <= BYTE_MOST else None

    def _observation_space(self) -> gym.spaces.Dict:
        options = self.system.max_options
        shape = (options, self.system.option_width)
        # Below zero: the time until a deadline that has passed, and a cost where tasks contend (see the rewards).
        low = -np.inf if self.system.deadlines or self.system.contended else ABSENT
        return gym.spaces.Dict(
            options=gym.spaces.Box(low, np.inf, shape, np.float32),
            mask=gym.spaces.Box(0, 1, (options,), np.int8),
            context=gym.spaces.Box(0.0, np.inf, (CONTEXT_SIZE,), np.float32),
        )

    def draw(self, seed: int, first: int, count: int, stream: Stream) -> Tapes:
        return draw_tapes(self.scenario, seed, first, count, stream)

    def _begin(self, tapes: Tapes) -> Arrays:
        self.engine.begin(tapes)
        self._num_options = tapes.num_servers + int(self.system.device)
        out = self._empty()
        self.engine.observe(out)
        return as_dict(out)

    def _step(self, action: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.float64]]:
        out = self._empty()
        cost = self.engine.step_and_observe(np.minimum(action, self._num_options - 1), out)
        return as_dict(out), cost

    def _option_costs(self) -> NDArray[np.float64]:
        return self.engine.option_costs()

    def backlog_s(self) -> NDArray[np.float64]:
        """How long each option's server needs for what is on it and on its way, (N, A); infinite for absent options."""
        self._check_begun()
        return self.engine.backlog_s()

    @property
    def option_names(self) -> list[str]:
        clouds = self.system.clouds
        edges = [f"edge_{index + 1:02d}" for index in range(self.system.max_servers - clouds)]
        return ["cloud"] * clouds + edges + ["device"] * self.system.device

    @property
    def columns(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return option_columns(self.system), CONTEXT_COLUMNS

    def waits(self, observation: Arrays) -> NDArray[np.bool_]:
        return np.asarray(observation["context"][:, QUEUED_TASKS] > 0)

    def records(self) -> Records:
        return self.engine.records()

    def info(self, observation: Arrays, cost: NDArray[np.float64] | None) -> dict[str, Any]:
        info: dict[str, Any] = {
            "action_mask": observation["mask"],
            "queued_tasks": observation["context"][..., QUEUED_TASKS],
            "queued_mbit": observation["context"][..., QUEUED_MBIT],
            "executing_tasks": np.maximum(observation["options"][..., EXECUTING], 0.0),
        }
        if cost is not None:
            info["delay_s"] = cost[..., DELAY]
            info["energy_j"] = cost[..., ENERGY]
            if self.system.rated:
                info["satisfaction_shortfall"] = cost[..., SATISFACTION]
        return info

    def _empty(self) -> Observation:
        return empty_observation(self.system, len(self._num_options))


def as_dict(observation: Observation) -> Arrays:
    """An engine's observation as Gymnasium has it."""
    return {"options": observation.options, "mask": observation.mask, "context": observation.context}


class OffloadEnv(EpisodesEnv):
    """Offload tasks to a cloud and edges.

    **Observation** (`Dict`): `options` (A, F) float32, a row per server: task size (Mbit), rate to that server
    (Mbit/s), CPU (GHz), tasks executing, tasks uploading, number of edges, a histogram of the residual sizes of its
    executing tasks, and, where the scenario has `cost_features`, the immediate delay (s) and energy (J) of choosing it.
    Rows of servers that do not exist in this episode are −1. `mask` (A,) int8 is 1 for servers that exist. `context`
    (3,) float32: tasks in the dispatch queue, their Mbit, and the share of the episode that remains. Devices,
    deadlines, classes and rated delays add columns at the end (`System.extra_column`).

    **Action** (`Discrete(A)`): the server for the task at the head of the queue. Without a task it has no effect. An
    absent server stands for the last one that exists.

    **Reward** (`reward_space`, float32): minus the cost of each objective, in the scenario's order. `delay` (s) is by
    how much the dispatch raises the total remaining delay of all tasks in the system, so that an episode's sum is the
    total delay of its tasks; `energy` (J) is what the task consumes; `satisfaction` is by how much the dispatch raises
    what the ratings of all tasks in the system fall short of 5, over the number of tasks that the episode dispatches,
    so that an episode's sum is its mean rating minus 5.

    **Start**: the tasks of the first step have arrived. `reset(seed=s)` starts with episode 0 of seed s; further
    resets go on with episode 1, 2, …

    **End**: the episode terminates after T steps, when the remaining tasks finish and nothing more can be earned.

    **Info**: `delay_s`, `energy_j` of the dispatch, and `satisfaction_shortfall` where delays are rated;
    `queued_tasks`, `queued_mbit`, `executing_tasks` (A,), `action_mask` (A,).

    Args:
        scenario: the name of a built-in scenario, a file, or a `Scenario`.
        engine: `simpy`, the definition, or `batched`, the fast one with the same results.
    """

    KIND = Scenario
    scenario: Scenario

    def __init__(self, scenario: str | Scenario = "gmorl", engine: EngineName = "simpy") -> None:
        super().__init__(scenario, engine)

    def _episodes(self, engine: EngineName) -> OffloadEpisodes:
        return OffloadEpisodes(self.scenario, engine)
