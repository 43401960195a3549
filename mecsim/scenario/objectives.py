"""How objectives are shown. Inside, each is a cost of an episode, to be minimised."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.scenario.kinds import AnyScenario
from mecsim.scenario.satisfaction import TOP_RATING


@dataclass(frozen=True, slots=True)
class Shown:
    """How the costs of an objective are shown to users."""

    name: str
    unit: str  # empty for a share
    per: str  # what the shown number is of
    best: float = 0.0  # shown for a cost of 0
    higher_is_better: bool = False

    @property
    def label(self) -> str:
        """For an axis or the head of a table."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.name.replace('_', ' ')} per {self.per}{unit}"

    def value(self, cost: ArrayLike) -> NDArray[np.float64]:
        """What is shown of costs, any shape; also the costs of what is shown."""
        costs = np.asarray(cost, np.float64)
        return self.best - costs if self.higher_is_better else costs


SHOWN = {
    shown.name: shown
    for shown in (
        Shown("delay", "s", "episode"),
        Shown("energy", "J", "episode"),
        Shown("satisfaction", "0 to 5", "decision", TOP_RATING, higher_is_better=True),  # on a task or a request
        Shown("saved_resources", "share", "episode", 1.0, higher_is_better=True),
    )
}


def shown_objectives(scenario: AnyScenario) -> tuple[Shown, ...]:
    """How the objectives of a scenario are shown, in its order."""
    return tuple(SHOWN[name] for name in scenario.objectives)


def values_shown(costs: NDArray[np.float64], scenario: AnyScenario) -> NDArray[np.float64]:
    """What is shown of the costs (K, objectives) of a scenario, of the same shape."""
    return np.stack([one.value(costs[:, i]) for i, one in enumerate(shown_objectives(scenario))], axis=1)
