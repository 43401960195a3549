"""How satisfied a user is with the delay of a task, from 0 to 5: the built-in forms of `delay_forms` in compiled code.

Two numbers describe a user. zone: the adequate and the desired delay (s), between which lies the zone of tolerance on
the logarithmic axis u = log(adequate/t)/log(adequate/desired). logistic: centre (s) and steepness (1/s).
"""

import math

from mecsim.core.compiled import compiled
from mecsim.core.rating import ADEQUATE_RATING, DESIRED_RATING, TOP_RATING

_WIDTH = DESIRED_RATING - ADEQUATE_RATING  # of the zone
_STEEPEST = 700.0  # beyond, a rating is zero to the last bit; the exponential of little more is no number


@compiled
def shortfall_of(
    delay_s: float, first: float, second: float, logistic: bool, slope_below: float, slope_above: float
) -> float:
    """5 minus the rating of one delay."""
    if logistic:
        exponent = min(second * (delay_s - first), _STEEPEST)
        return float(TOP_RATING - TOP_RATING / (1.0 + math.exp(exponent)))
    step = _WIDTH * math.log(first / delay_s) / math.log(first / second)
    below, above = slope_below * min(step, 0.0), slope_above * max(step - _WIDTH, 0.0)
    rating = ADEQUATE_RATING + below + min(max(step, 0.0), _WIDTH) + above
    return float(TOP_RATING - min(max(rating, 0.0), TOP_RATING))
