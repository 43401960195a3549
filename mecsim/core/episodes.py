"""N episodes of any system in the terms of an environment, shared by all that plays: environments, policies, sweeps."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Engine, Observation
from mecsim.core.objective import Objective
from mecsim.core.scenario import Scenario
from mecsim.core.tape import Tapes
from mecsim.core.target import in_numpy
from mecsim.errors import InputError

EngineName = Literal["simpy", "batched", "cuda"]
Arrays = dict[str, NDArray[Any]]
Rows = NDArray[np.int64]

ScenarioT = TypeVar("ScenarioT", bound=Scenario)
TapesT = TypeVar("TapesT", bound=Tapes)
RecordsT = TypeVar("RecordsT")


@dataclass(frozen=True)
class Layout:
    """What the observations, actions and rewards of a scenario hold."""

    steps: int  # T, decisions of an episode
    objectives: tuple[Objective, ...]  # (Q,) of the engine's rewards
    option_names: tuple[str, ...]  # (A,) a word for each option
    option_columns: tuple[str, ...]  # (F,) a name, with the unit, for each column of `options`
    context_columns: tuple[str, ...]  # (G,) likewise for each entry of `context`
    lowest_feature: float  # of `options`
    reward_low: tuple[float, ...]  # (Q,) of a decision
    reward_high: tuple[float, ...]  # (Q,)
    cost_columns: tuple[int, ...] | None  # (Q,) of `options`, with minus each option's immediate reward; None if hidden
    separable: tuple[str, ...]  # objectives in which a decision's reward depends on it alone
    count_columns: tuple[int, int] | None  # of `options`: the first that holds counts of a byte, the first after these
    seen: str  # what decides the meaning of the columns, in words; equal words, equal columns
    elapsed_entry: int | None = None  # of `context`, with the time since the last decision (s), where that varies
    discount_per_s: float | None = None  # γ of a second, where decisions are discounted by the time between them

    @property
    def shape(self) -> tuple[int, int, int]:
        """(A, F, G)."""
        return len(self.option_names), len(self.option_columns), len(self.context_columns)


class Episodes(ABC, Generic[ScenarioT, TapesT, RecordsT]):
    """N episodes on an engine.

    Observations are dicts of the engine's arrays with a leading dimension N, new at every call. Engines know all
    objectives of their system, Q of them; what the scenario asks for are some of these, in its own order. Rewards are
    larger where better, costs of whole episodes are smaller where better.
    """

    def __init__(self, scenario: ScenarioT, layout: Layout, engine: Engine[TapesT, RecordsT]) -> None:
        self.scenario, self.layout, self.engine = scenario, layout, engine
        self.tapes: TapesT | None = None
        self._trusts_actions = False
        self._possible: NDArray[np.int8] | None = None  # the mask of the decision at hand
        names = [objective.name for objective in layout.objectives]
        self.objective_columns = [names.index(name) for name in scenario.objectives]
        """Of the engine's rewards, in the scenario's order of objectives."""
        asked = self.objective_columns
        self.total_offset = np.array([objective.offset for objective in layout.objectives])[asked]
        """(objectives,) what an episode's cost is beyond minus its summed rewards."""
        options, width, context = layout.shape
        self.observation_space = gym.spaces.Dict(
            options=gym.spaces.Box(layout.lowest_feature, np.inf, (options, width), np.float32),
            mask=gym.spaces.Box(0, 1, (options,), np.int8),
            context=gym.spaces.Box(0.0, np.inf, (context,), np.float32),
        )
        low, high = (np.array(ends, np.float32)[asked] for ends in (layout.reward_low, layout.reward_high))
        self.reward_space = gym.spaces.Box(low, high, dtype=np.float32)
        shown = layout.cost_columns
        self.cost_columns = None if shown is None else tuple(shown[column] for column in asked)
        """Of `options`, with each objective's immediate cost; None if hidden."""
        self.separable = tuple(i for i, name in enumerate(scenario.objectives) if name in layout.separable)
        """Positions of the objectives in which a decision's reward depends on it alone."""

    @property
    def steps(self) -> int:
        """T: decisions of an episode."""
        return self.layout.steps

    @property
    def max_options(self) -> int:
        """A."""
        return len(self.layout.option_names)

    @property
    def action_space(self) -> gym.spaces.Discrete:
        """Of a single episode."""
        return gym.spaces.Discrete(self.max_options)

    @property
    def step_index(self) -> int:
        """Decisions taken so far."""
        return self.engine.step_index

    def trust_actions(self) -> None:
        """From now on take actions as they are given, as none is negative: to look, somebody has to wait for a GPU."""
        self._trusts_actions = True
        if hasattr(self.engine, "checks_actions"):
            self.engine.checks_actions = False

    @property
    def over(self) -> bool:
        """Whether the last decision has been taken."""
        return self.step_index >= self.steps

    def begin(self, tapes: TapesT) -> Arrays:
        """Start the episodes and return their first observations."""
        self.engine.begin(tapes)
        self.tapes = tapes
        return self._seen(self._observed())

    def step(self, action: NDArray[np.int64]) -> tuple[Arrays, NDArray[np.float32], NDArray[np.float64]]:
        """Observations, rewards (N, objectives), and the engine's rewards (N, Q).

        An action that names an option which cannot be chosen is taken as another one that can (see the environment's
        description), so that algorithms which know no masks can be compared.

        Raises:
            InputError: not one action per episode, one that names no option, or no episode has begun.
        """
        mask, xp = self._mask(), self.engine.xp
        if tuple(np.shape(action)) != (len(mask),):
            raise InputError(f"one action per episode is expected, ({len(mask)},), got {np.shape(action)}")
        chosen = xp.asarray(action, dtype=xp.int64)
        if not self._trusts_actions and (outside := (chosen < 0) | (chosen >= self.max_options)).any():
            raise InputError(f"action {int(chosen[outside][0])} names no option, expected 0 to {self.max_options - 1}")
        out = self._empty(len(mask))
        rewards = self.engine.step_and_observe(self.possible(chosen, mask), out)
        return self._seen(out), xp.asarray(rewards[:, self.objective_columns], dtype=xp.float32), rewards

    def step_unseen(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """The engine's rewards (N, Q) of a step after which nobody looks: no observation is made, which costs most.

        Raises:
            InputError: an action cannot be taken, or no episode has begun.
        """
        self._check_begun()
        rewards = self.engine.step(self.engine.xp.asarray(action))
        self._possible = None
        return rewards

    def option_rewards(self) -> NDArray[np.float64]:
        """What each option is expected to earn at once for each objective, (N, A, objectives); −inf if impossible."""
        self._check_begun()
        return in_numpy(self.engine.option_rewards())[:, :, self.objective_columns]

    def totals(self, rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        """What evaluations minimise, (N, objectives), from the summed engine's rewards (N, Q) of whole episodes."""
        return np.asarray(self.total_offset - rewards[:, self.objective_columns])

    def waits(self, observation: Arrays) -> NDArray[np.bool_]:
        """Where there is something to decide, (N,)."""
        return np.ones(len(observation["mask"]), np.bool_)

    IMAGINES: ClassVar = False  # whether futures can be imagined

    def imagine(
        self, rng: np.random.Generator, count: int, horizon: int
    ) -> "Callable[[Rows, Rows], Episodes[ScenarioT, TapesT, RecordsT]]":
        """Sample so many futures of each episode that reach `horizon` steps beyond the decision at hand.

        Returns what makes R episodes of them, which go on from this decision: row r of `episode` (R,) and `future` (R,)
        says which one with which of its futures.

        Raises:
            InputError: the system knows no futures, or no episode has begun.
        """
        raise InputError(f"{self.scenario.kind}: its futures cannot be imagined, so nothing can be planned")

    def records(self) -> RecordsT:
        """What happened; ends the episodes."""
        return self.engine.records()

    def masks(self) -> NDArray[np.bool_]:
        """Which options can be taken at the decision at hand, (N, A)."""
        return in_numpy(self._mask()).astype(np.bool_)

    @abstractmethod
    def possible(self, action: NDArray[np.int64], mask: NDArray[np.int8]) -> NDArray[np.int64]:
        """The actions (N,), none negative, with others in place of those that `mask` (N, A) rules out."""

    @abstractmethod
    def info(self, observation: Arrays, rewards: NDArray[np.float64] | None) -> dict[str, Any]:
        """The physical quantities of `info`, arrays with the leading dimensions of the observation.

        `rewards` are the engine's, (…, Q), of the step that led there; None at the beginning.
        """

    def _check_begun(self) -> None:
        if self.tapes is None and self._possible is None:  # what is imagined has no tapes
            raise InputError("no episode has begun: call reset first")

    def _mask(self) -> NDArray[np.int8]:
        self._check_begun()
        if self._possible is None:  # nobody has looked since the last step
            self._seen(self._observed())
        return cast(NDArray[np.int8], self._possible)

    def _observed(self) -> Observation:
        out = self._empty(len(cast(Tapes, self.tapes)))
        self.engine.observe(out)
        return out

    def _empty(self, episodes: int) -> Observation:
        return Observation.empty(episodes, self.layout.shape, xp=self.engine.xp)

    def _seen(self, out: Observation) -> Arrays:
        self._possible = self.engine.xp.asarray(out.mask, copy=True)  # what is handed out may be changed by who gets it
        return out.as_dict()


AnyEpisodes = Episodes[Scenario, Tapes, object]
"""Of a system that the reader does not know."""


@dataclass(frozen=True)
class Play(Generic[ScenarioT, TapesT, RecordsT]):
    """What N episodes of T steps came to."""

    episodes: Episodes[ScenarioT, TapesT, RecordsT]
    rewards: NDArray[np.float64]  # (N, Q) of each episode, in all the objectives that the system knows

    @cached_property
    def records(self) -> RecordsT:
        """What happened to each task or request; made when first asked for, as most callers want totals only."""
        return self.episodes.records()

    @property
    def totals(self) -> NDArray[np.float64]:
        """What each episode came to in the scenario's order of objectives, lower is better, (N, objectives)."""
        return self.episodes.totals(self.rewards)

    def shown(self, objective: str) -> NDArray[np.float64]:
        """What each episode came to in an objective of the system, asked for or not, as it is shown, (N,)."""
        names = [one.name for one in self.episodes.layout.objectives]
        column = names.index(objective)
        described = self.episodes.layout.objectives[column]
        return described.value(described.offset - self.rewards[:, column])


AnyPlay = Play[Scenario, Tapes, object]
