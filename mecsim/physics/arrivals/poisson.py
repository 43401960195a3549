"""A Poisson process: arrivals know nothing of each other."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.arrivals.base import Array, ArrivalLaw


class PoissonArrivals(ArrivalLaw):
    """Exponential gaps, Poisson numbers."""

    ABOUT: ClassVar[str] = "a Poisson process."

    def draw_gaps(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """See `ArrivalLaw`."""
        return rng.standard_exponential(shape)

    def draw_counts(self, rng: np.random.Generator, mean: float, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Without the gaps behind them."""
        return rng.poisson(mean, shape)
