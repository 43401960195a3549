"""An objective of a system. Policies earn rewards; evaluations minimise costs per episode; people see quantities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Objective:
    """What is traded off, and how its costs are shown to users.

    The cost of an episode is minus the sum of its rewards, plus `offset`.
    """

    name: str
    unit: str  # empty for a share
    per: str  # what the shown number is of
    best: float = 0.0  # shown for a cost of 0
    higher_is_better: bool = False
    offset: float = 0.0  # cost of an episode that earns nothing

    @property
    def label(self) -> str:
        """For an axis or the head of a table."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.name.replace('_', ' ')} per {self.per}{unit}"

    def value(self, cost: ArrayLike) -> NDArray[np.float64]:
        """What is shown of costs, any shape; also the costs of what is shown."""
        costs = np.asarray(cost, np.float64)
        return self.best - costs if self.higher_is_better else costs
