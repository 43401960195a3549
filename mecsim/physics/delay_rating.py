"""How satisfied a user is with the delay of a task, from 0 to 5: the forms of `satisfaction`, for delays.

Two numbers describe a user. zone: the adequate and the desired delay (s), between which lies the zone of tolerance on
the logarithmic axis u = log(adequate/t)/log(adequate/desired). logistic: centre (s) and steepness (1/s).
"""

import math

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled
from mecsim.core.rating import ADEQUATE_RATING, DESIRED_RATING, TOP_RATING
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.physics.satisfaction import log_position, logistic_rating, zone_rating

_WIDTH = DESIRED_RATING - ADEQUATE_RATING  # of the zone


def delay_rating(
    satisfaction: DelaySatisfaction, delay_s: NDArray[np.float64], patience: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rating of each delay, of the shape of `delay_s`; `patience`, (…, 2), holds the two numbers of its user."""
    first, second = patience[..., 0], patience[..., 1]
    if satisfaction.form == "logistic":
        return logistic_rating(delay_s, first, second)
    with np.errstate(divide="ignore"):  # no delay at all lies at +inf
        position = log_position(first / delay_s, 1.0, first / second)
    return zone_rating(position, 0.0, 1.0, satisfaction.slope_below, satisfaction.slope_above)


@compiled
def shortfall_of(
    delay_s: float, first: float, second: float, logistic: bool, slope_below: float, slope_above: float
) -> float:
    """5 minus `delay_rating`, of one delay in compiled code."""
    if logistic:
        return float(TOP_RATING - TOP_RATING / (1.0 + math.exp(second * (delay_s - first))))
    step = _WIDTH * math.log(first / delay_s) / math.log(first / second)
    below, above = slope_below * min(step, 0.0), slope_above * max(step - _WIDTH, 0.0)
    rating = ADEQUATE_RATING + below + min(max(step, 0.0), _WIDTH) + above
    return float(TOP_RATING - min(max(rating, 0.0), TOP_RATING))
