"""What is checked: a scenario of a system on one of its engines, short enough to be played many times."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import SYSTEMS, AnySystem
from mecsim.core.tape import Tapes
from mecsim.core.target import in_numpy
from mecsim.scenario import builtin_names, load_scenario, parse_scenario, with_context

SEED = 7  # of the episodes
STEPS = 12
EPISODES = 3


@dataclass(frozen=True)
class Subject:
    """A scenario, by the name that messages have for it, on an engine."""

    system: AnySystem
    name: str
    scenario: Scenario
    engine: str

    def __str__(self) -> str:
        return f"{self.system.name}-{self.name}-{self.engine}"

    @cached_property
    def tapes(self) -> Tapes:
        """A few episodes."""
        return self.system.draw.load()(self.scenario, SEED, 0, EPISODES, Stream.EVALUATION)

    def begun(self, engine: str | None = None) -> tuple[AnyEpisodes, Arrays]:
        """Episodes that have begun, on this engine or another, and their first observation."""
        episodes = self.system.new_episodes(self.scenario, engine or self.engine)
        return episodes, episodes.begin(self.tapes)


def subjects(system: str) -> Iterator[Subject]:
    """The starter of a system and all built-in scenarios of its kind, shortened, on each engine that is usable here."""
    described = SYSTEMS.load(system)
    scenarios = {"starter": parse_scenario(described.starter(), f"starter of {system}")}
    scenarios |= {name: one for name in builtin_names() if (one := load_scenario(name)).kind == described.name}
    for name, scenario in scenarios.items():
        short = with_context(scenario, {scenario.STEPS_KEY: str(STEPS)})
        for engine in described.usable_engines():
            yield Subject(described, name, short, engine)


def random_actions(mask: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int64]:
    """One of the options that can be taken in each episode, (N,)."""
    return np.asarray(np.where(in_numpy(mask) != 0, rng.random(tuple(mask.shape)), -1.0).argmax(axis=1), np.int64)
