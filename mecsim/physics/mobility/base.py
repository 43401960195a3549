"""What a law of mobility is: it draws the paths of users."""

from typing import ClassVar

import numpy as np

from mecsim.core.laws import Law
from mecsim.core.plugins import Places, Registry
from mecsim.physics.mobility import BUILT_IN
from mecsim.physics.mobility.paths import Array, Paths


class MobilityModel(Law):
    """Base of all laws."""

    MOVES: ClassVar[bool] = False
    """Whether users change their places within an episode."""

    HAS_PLACES: ClassVar[bool] = True
    """Whether users have positions at all."""

    def draw_paths(self, rng: np.random.Generator, walkers: int, until_s: float, area_m: Array) -> Paths:
        """A path of each of some walkers.

        Args:
            rng: of where users are.
            walkers: how many.
            until_s: up to when the paths are needed, from 0.
            area_m: width and height of the area, (2,), whose corner is the origin.
        """
        raise NotImplementedError

    def points(self, until_s: float, area_m: Array) -> float:
        """About how many points the path of a walker has that moves; 0 where nothing is drawn."""
        return 0.0


MOBILITY: Registry[type[MobilityModel]] = Registry("law of mobility", Places("mecsim.mobility", lambda: BUILT_IN))
