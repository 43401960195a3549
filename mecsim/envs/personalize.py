"""`mecsim/personalize-v0`: give each request of a cell's users a quality, one decision per request."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mecsim.engines.cell_batched import BatchedCellEngine
from mecsim.engines.cell_columns import cell_columns
from mecsim.engines.cell_draw import draw_cell_tapes
from mecsim.engines.cell_simpy import SimpyCellEngine
from mecsim.engines.cell_system import (
    ACTIVE,
    MEAN_UTILISATION,
    PREDICTED,
    REJECT,
    SATISFACTION,
    SAVED,
    CellEngine,
    CellRecords,
    CellSystem,
    cell_cost_columns,
    cell_system_of,
    empty_cell_observation,
)
from mecsim.engines.cell_tape import CellTapes
from mecsim.engines.system import Observation
from mecsim.engines.tape import Stream
from mecsim.envs.episodes import Arrays, EngineName, Episodes, EpisodesEnv
from mecsim.envs.offload import as_dict
from mecsim.errors import InputError
from mecsim.scenario import CellScenario
from mecsim.scenario.satisfaction import TOP_RATING

OBJECTIVES = ("satisfaction", "saved_resources")

_ENGINES: Mapping[str, Callable[[CellSystem, NDArray[np.float64]], CellEngine]] = MappingProxyType(
    {"batched": BatchedCellEngine, "simpy": SimpyCellEngine}
)


class CellEpisodes(Episodes[CellScenario, CellTapes, CellRecords]):
    """N episodes of requests; costs are minus the rewards of `SATISFACTION` and `SAVED`.

    Those of satisfaction are divided by the requests of an episode here, so that their sum is its mean.
    """

    def __init__(self, scenario: CellScenario, engine: EngineName) -> None:
        super().__init__()
        if engine not in _ENGINES:
            raise InputError(f"no engine is called {engine!r}; there are {', '.join(sorted(_ENGINES))}")
        self.scenario = scenario
        self.system, duration_s = cell_system_of(scenario)
        self.engine = _ENGINES[engine](self.system, duration_s)
        self.steps, self.max_options = self.system.requests, self.system.max_options
        self._unit = np.ones(len(OBJECTIVES))
        self._unit[SATISFACTION] = 1.0 / self.steps
        self.objective_columns = [OBJECTIVES.index(name) for name in scenario.objectives]
        # Totals tell how far an episode's mean satisfaction falls short of 5, and its saved share of 1.
        self.total_offset = np.array([TOP_RATING, 1.0])[self.objective_columns]
        self.observation_space = gym.spaces.Dict(
            options=gym.spaces.Box(-np.inf, np.inf, (self.max_options, self.system.option_width), np.float32),
            mask=gym.spaces.Box(0, 1, (self.max_options,), np.int8),
            context=gym.spaces.Box(0.0, np.inf, (self.system.context_size,), np.float32),
        )
        # A weak cell may take more blocks for a level than the strongest one does for the demanded rate.
        low = np.array([0.0, -np.inf if self.system.candidates > 1 else 0.0], np.float32)[self.objective_columns]
        high = np.array([TOP_RATING / self.steps, 1.0], np.float32)[self.objective_columns]
        self.reward_space = gym.spaces.Box(low, high, dtype=np.float32)
        self._shown = cell_cost_columns(self.system)
        self.cost_columns = None if self._shown is None else tuple(self._shown[i] for i in self.objective_columns)
        self.separable = ()  # a full cell leaves less to decide
        self.count_columns = None

    def draw(self, seed: int, first: int, count: int, stream: Stream) -> CellTapes:
        return draw_cell_tapes(self.scenario, seed, first, count, stream)

    def _begin(self, tapes: CellTapes) -> Arrays:
        self.engine.begin(tapes)
        self._num_options = np.full(len(tapes), self.max_options)
        out = self._empty()
        self.engine.observe(out)
        return self._seen(out)

    def _step(self, action: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.float64]]:
        if (action < 0).any():
            raise InputError(f"action {action.min()} names no option")
        within = np.minimum(action, self.max_options - 1)
        possible = self._mask[np.arange(len(within)), within] != 0
        out = self._empty()
        reward = self.engine.step_and_observe(np.where(possible & (within == action), action, REJECT), out)
        return self._seen(out), -reward * self._unit

    def _option_costs(self) -> NDArray[np.float64]:
        return np.asarray(-self.engine.option_rewards() * self._unit)

    def _seen(self, out: Observation) -> Arrays:
        self._mask = out.mask
        if self._shown is not None:
            out.options[..., self._shown[SATISFACTION]] *= self._unit[SATISFACTION]
        return as_dict(out)

    @property
    def option_names(self) -> list[str]:
        served = [
            f"candidate_{c + 1}_level_{k + 1}" for c in range(self.system.candidates) for k in range(self.system.levels)
        ]
        return ["reject", *served]

    @property
    def columns(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return cell_columns(self.system, tuple(self.scenario.population.applications))

    def records(self) -> CellRecords:
        return self.engine.records()

    def info(self, observation: Arrays, cost: NDArray[np.float64] | None) -> dict[str, Any]:
        info: dict[str, Any] = {
            "action_mask": observation["mask"],
            "utilisation": observation["context"][..., MEAN_UTILISATION],
            "active_sessions_per_block": observation["context"][..., ACTIVE],
            "predicted_satisfaction": observation["options"][..., PREDICTED],
        }
        if cost is not None:
            info["satisfaction"] = -cost[..., SATISFACTION] * self.steps
            info["saved_resources"] = -cost[..., SAVED]
        return info

    def _empty(self) -> Observation:
        return empty_cell_observation(self.system, len(self._num_options))


class PersonalizeEnv(EpisodesEnv):
    """Give each request of the users of one or several cells a quality that satisfies, and save the rest.

    **Observation** (`Dict`): `options` (A, F) float32, a row per option: rejection, then each level of each candidate
    cell, with its rate, blocks, fit, predicted satisfaction, utilisation after it, CQI and application; `mask` (A,)
    int8 is 1 for options that can be taken; `context` (G,) float32 with histograms of the residual block-seconds of
    active sessions and of the users' mean satisfaction so far. `CellEngine.observe` tells every column.

    **Action** (`Discrete(A)`): 0 rejects the request, 1 + c·K + (k − 1) serves it at level k of K in candidate cell c,
    the strongest first. An option that cannot be taken rejects the request.

    **Reward** (`reward_space`, float32), larger is better, in the scenario's order of objectives: `satisfaction` of the
    request's user, 0 to 5 (0 if rejected), over M, so that an episode's sum is the mean; `saved_resources`, the
    block-seconds saved against giving the demanded rate, as a share of what all requests of the episode demand, so that
    an episode's sum is the share saved.

    **Start**: the first request has arrived, the cells are empty. `reset(seed=s)` starts with episode 0 of seed s;
    further resets go on with episode 1, 2, …

    **End**: the episode terminates after M requests.

    **Info**: `satisfaction` (0 to 5) and `saved_resources` of the step, `utilisation`, `active_sessions_per_block`,
    `predicted_satisfaction` (A,), `action_mask` (A,).

    Args:
        scenario: the name of a built-in scenario, a file, or a `CellScenario`.
        engine: `simpy`, the definition, or `batched`, the fast one with the same results.
    """

    KIND = CellScenario
    scenario: CellScenario

    def __init__(self, scenario: str | CellScenario = "personalized-cell", engine: EngineName = "simpy") -> None:
        super().__init__(scenario, engine)

    def _episodes(self, engine: EngineName) -> CellEpisodes:
        return CellEpisodes(self.scenario, engine)
