"""A renewal process with gamma distributed gaps: bursts, or arrivals that keep their distance.

With a coefficient of variation v gaps of mean 1 have the shape k = 1/v² and the scale v². Over a long time the variance
of the number of arrivals is v² times its mean (Cox 1962, Renewal Theory).
"""

from typing import ClassVar

import numpy as np
from pydantic import Field

from mecsim.physics.arrivals.base import Array, ArrivalLaw
from mecsim.schema.fields import PositiveUpToTen


class GammaArrivals(ArrivalLaw):
    """Gaps that are independent of each other and gamma distributed."""

    ABOUT: ClassVar[str] = "gaps between arrivals are gamma distributed; above a variation of 1 they come in bursts."

    variation: PositiveUpToTen = Field(
        2.0, description="Coefficient of variation of the gaps, up to 10; with 1 the process is a Poisson process."
    )

    @property
    def dispersion(self) -> float:
        """See `ArrivalLaw`."""
        return self.variation**2

    def draw_gaps(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """A random instant meets gaps in proportion to their length, at a uniform point: what is left of one is first.

        A gamma distribution of shape k, weighted by length, is that of shape k + 1.
        """
        scale = self.variation**2
        gaps = scale * rng.standard_gamma(1.0 / scale, shape)
        met = scale * rng.standard_gamma(1.0 / scale + 1.0, shape[:-1])
        gaps[..., 0] = rng.random(shape[:-1]) * met
        return gaps
