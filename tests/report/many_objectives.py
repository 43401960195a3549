"""Fronts of three and four objectives, made up, with what pictures ask of a scenario."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from mecsim.core.objective import Objective
from mecsim.core.plugins import Plugin
from mecsim.core.scenario import Scenario
from mecsim.core.system import objectives_of
from mecsim.sweep import Front, preference_grid

OBJECTIVES = ("delay", "energy", "satisfaction", "saved_resources")
RANGES = np.array([[300.0, 3000.0], [2.0, 6.0], [1.0, 4.5], [0.1, 0.8]])  # as shown; of the delay wide


@dataclass(frozen=True)
class ManyObjectives:
    """As much of a scenario as pictures and tables of fronts ask for."""

    objectives: tuple[str, ...]
    description: str = "many"
    kind: str = "many"


@dataclass(frozen=True)
class ManyObjectivesSystem:
    """As much of its system."""

    objectives: tuple[Objective, ...]


SYSTEM = ManyObjectivesSystem(
    (
        Objective("delay", "s", "episode"),
        Objective("energy", "J", "episode"),
        Objective("satisfaction", "0 to 5", "decision", 5.0, higher_is_better=True),
        Objective("saved_resources", "share", "episode", 1.0, higher_is_better=True),
    )
)
PLUGIN = Plugin("many", f"{__name__}:SYSTEM", "tests")


def many_objectives(count: int) -> Scenario:
    return cast(Scenario, ManyObjectives(OBJECTIVES[:count]))


def curved_front(target: str, objectives: int, preferences: int, behind: float = 0.0, episodes: int = 4) -> Front:
    """What is weighed more comes out better; `behind` moves all points away from the best, as a share of the range."""
    grid = preference_grid(objectives, preferences)
    low, high = RANGES[:objectives].T
    better = np.array([one.higher_is_better for one in objectives_of(many_objectives(objectives))])
    shown = np.where(better, low + (high - low) * (np.sqrt(grid) - behind), high - (high - low) * np.sqrt(grid))
    shown = np.where(better, shown, shown * (1.0 + behind))
    costs = np.stack(
        [one.value(shown[:, i]) for i, one in enumerate(objectives_of(many_objectives(objectives)))], axis=1
    )
    noise = 1.0 + 0.02 * np.random.default_rng(0).standard_normal((1, episodes, objectives))
    return Front(target, grid, costs[:, None] * noise)
