"""Users who stay where they are."""

from typing import ClassVar

import numpy as np

from mecsim.physics.mobility.base import MobilityModel
from mecsim.physics.mobility.paths import Array, Paths, uniform_places_m


class Fixed(MobilityModel):
    """Each stands at a uniform place of the area."""

    ABOUT: ClassVar[str] = "users stand at random places."

    def draw_paths(self, rng: np.random.Generator, walkers: int, until_s: float, area_m: Array) -> Paths:
        """One point each."""
        return Paths(np.arange(walkers + 1), np.zeros(walkers), uniform_places_m(rng, (walkers,), area_m))
