"""A system: one object that says everything the rest asks of a kind of scenario.

A system is a folder of `mecsim/systems`, or of another package, which names it by an entry point `mecsim.systems`. The
`__init__` of the folder makes this object. Parts that compile or simulate are named by their place and imported when
they are needed, so that reading a scenario stays light.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Engine, ScenarioT, TapesT
from mecsim.core.episodes import EngineName, Episodes, Layout, Play
from mecsim.core.objective import Objective
from mecsim.core.plugins import SYSTEM_PLACES, Reference, Registry
from mecsim.core.rating import RatingCurve
from mecsim.core.record_tables import RecordTable
from mecsim.core.relaxation import Relaxation
from mecsim.core.scenario import Scenario
from mecsim.core.scene import Drawn, Scene
from mecsim.core.seeds import Stream
from mecsim.core.tape import Tapes
from mecsim.errors import InputError
from mecsim.schema.words import nearest

RecordsT = TypeVar("RecordsT")
ScenarioT_contra = TypeVar("ScenarioT_contra", bound=Scenario, contravariant=True)
TapesT_co = TypeVar("TapesT_co", bound=Tapes, covariant=True)


class Draw(Protocol[ScenarioT_contra, TapesT_co]):
    """Draws episodes of a scenario."""

    def __call__(
        self, scenario: ScenarioT_contra, seed: int, first: int, count: int, stream: Stream = Stream.EVALUATION
    ) -> TapesT_co:
        """Episodes `first` .. `first + count − 1` of a stream of a seed."""


PlayMeasure: TypeAlias = Callable[
    [Play[ScenarioT, TapesT, RecordsT], TapesT, ScenarioT], dict[str, NDArray[np.float64]]
]
"""Numbers of played episodes by name."""


@dataclass(frozen=True, eq=False)
class System(Generic[ScenarioT, TapesT, RecordsT]):
    """Everything about one kind of scenario."""

    name: str  # the word for it in `kind:`
    about: str  # a line
    scenario: type[ScenarioT]
    package: str  # its folder; it holds starter.yaml, and the package `policies`
    objectives: tuple[Objective, ...]  # all that it knows
    quantities: Mapping[str, str]  # what an episode is reported by, each with its name for people
    tables: tuple[RecordTable[RecordsT, TapesT, ScenarioT], ...]  # that records are written to
    draw: Reference[Draw[ScenarioT, TapesT]]
    layout: Reference[Callable[[ScenarioT], Layout]]
    engines: Mapping[str, Reference[Callable[[ScenarioT], Engine[TapesT, RecordsT]]]]
    episodes: Reference[Callable[[ScenarioT, Layout, Engine[TapesT, RecordsT]], Episodes[ScenarioT, TapesT, RecordsT]]]
    episode_quantities: Reference[PlayMeasure[ScenarioT, TapesT, RecordsT]]
    """Quantity (a key of `quantities`) to values (N,), one per episode."""
    recorded: Reference[Callable[[RecordsT, TapesT, ScenarioT], NDArray[np.float64]]]
    """What each episode came to in all objectives, (N, Q), as they are shown, told by its records alone."""
    environment: Reference[Callable[..., gym.Env[Any, Any]]]
    """Made of a scenario or its name or None, the engine's name and, where it draws itself, a `render_mode`."""
    units: Mapping[str, str] = field(default_factory=dict)
    """What each task or request is told by, each with its name for people."""
    unit_values: Reference[PlayMeasure[ScenarioT, TapesT, RecordsT]] | None = None
    """What each task or request came to, by a key of `units` values (N, M), NaN where there is none."""
    option_quantities: Reference[PlayMeasure[ScenarioT, TapesT, RecordsT]] | None = None
    """What each option had of an episode, by name values (N, A); `share` is that of the decisions."""
    rating_curves: Reference[Callable[[ScenarioT, Sequence[str], int], list[RatingCurve]]] | None = None
    """How people rate what they get, for the uses that are named or all of them, from a seed; None if nothing is."""
    bounds: (
        Reference[Callable[[ScenarioT, NDArray[np.float64], NDArray[np.float64], Relaxation], NDArray[np.float64]]]
        | None
    ) = None
    """Numbers (N,) whose mean no policy without knowledge of the future can undercut, but for chance, in the mean of
    Σ ω·c/scale over episodes, from a preference ω and scales; None if no such bound is known."""
    scene: Reference[Callable[[Any, TapesT, Drawn | None], Scene]] | None = None
    """What there is to see of the first of its `episodes`, which play `tapes`, at the decision at hand; None: nothing.
    It is told which episode that is, if that is known."""
    aliases: tuple[str, ...] = ()  # words that files of earlier versions have for it

    def starter(self) -> str:
        """The commented scenario that `mecsim init` writes."""
        return files(self.package).joinpath("starter.yaml").read_text(encoding="utf-8")

    def usable_engines(self) -> tuple[str, ...]:
        """The engines that have what they need on this machine; see `Engine`."""
        return tuple(name for name, engine in self.engines.items() if not _missing(engine.load()))

    def new_episodes(self, scenario: ScenarioT, engine: str) -> Episodes[ScenarioT, TapesT, RecordsT]:
        """Episodes of a scenario on an engine, none of them begun.

        Raises:
            InputError: there is no such engine.
        """
        if engine not in self.engines:
            raise InputError(f"no engine of {self.name} is called {engine!r}, {nearest(engine, self.engines)}")
        return self.episodes.load()(scenario, self.layout.load()(scenario), self.engines[engine].load()(scenario))


def _missing(engine: object) -> str:
    why_not = getattr(engine, "why_not", None)
    return why_not() if why_not else ""


AnySystem = System[Scenario, Tapes, object]

SYSTEMS: Registry[AnySystem] = Registry("kind of scenario", SYSTEM_PLACES)


def system_of_kind(kind: str) -> AnySystem:
    """The system of a word in `kind:`.

    Raises:
        InputError: there is none.
    """
    if kind not in SYSTEMS.plugins:
        for name in SYSTEMS.plugins:
            system = SYSTEMS.load(name)
            if kind in system.aliases:
                return system
    return SYSTEMS.load(kind)


def system_of(scenario: Scenario) -> AnySystem:
    """The system that a scenario is of."""
    return SYSTEMS.load(scenario.kind)


def new_episodes(scenario: Scenario, engine: EngineName) -> Episodes[Scenario, Tapes, object]:
    """Episodes of a scenario on an engine, none of them begun.

    Raises:
        InputError: there is no such engine.
    """
    return system_of(scenario).new_episodes(scenario, engine)


def draw_episodes(scenario: Scenario, seed: int, first: int, count: int, stream: Stream = Stream.EVALUATION) -> Tapes:
    """Episodes `first` .. `first + count − 1` of a stream of a seed."""
    return system_of(scenario).draw.load()(scenario, seed, first, count, stream)


def layout_of(scenario: Scenario) -> Layout:
    """What the observations, actions and rewards of a scenario hold."""
    return system_of(scenario).layout.load()(scenario)


def objectives_of(scenario: Scenario) -> tuple[Objective, ...]:
    """The objectives of a scenario, in its order."""
    by_name = {objective.name: objective for objective in system_of(scenario).objectives}
    return tuple(by_name[name] for name in scenario.objectives)


def values_shown(costs: NDArray[np.float64], scenario: Scenario) -> NDArray[np.float64]:
    """What is shown of the costs (K, objectives) of a scenario, of the same shape."""
    return np.stack([one.value(costs[:, i]) for i, one in enumerate(objectives_of(scenario))], axis=1)
