"""The scale on which people rate what they get, from 0 to 5, and curves of ratings.

2 is the rating of the adequate level, which is just accepted, 4 that of the desired one, which is hoped for; between
them lies the zone of tolerance (Zeithaml, Berry and Parasuraman 1993).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ADEQUATE_RATING = 2.0
DESIRED_RATING = 4.0
TOP_RATING = 5.0

CURVE_PEOPLE = 500  # of each kind
CURVE_POINTS = 121
CURVE_QUANTILES = (0.1, 0.25, 0.75, 0.9)


@dataclass(frozen=True, slots=True)
class RatingCurve:
    """Ratings, 0 to 5, of the people of one kind for one use."""

    people: str  # of which kind, in which context
    use: str  # an application, or empty
    quality: str  # what is rated, with its unit
    values: NDArray[np.float64]  # (CURVE_POINTS,) of the quality, ascending
    typical: NDArray[np.float64]  # (CURVE_POINTS,)
    quantiles: NDArray[np.float64]  # (CURVE_QUANTILES, CURVE_POINTS) over the people
