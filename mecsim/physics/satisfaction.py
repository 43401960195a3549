"""How satisfied someone is with a quality, from 0 to 5. Arrays in, arrays out; all forms are monotone in quality.

2 is the rating of the adequate level, which is just accepted, 4 that of the desired one, which is hoped for; between
them lies the zone of tolerance (Zeithaml, Berry and Parasuraman 1993). Quality is a rate between the minimum and the
demanded one, or a delay. What is an array may be a number; shapes are those that broadcast.
"""

import numpy as np
import scipy
from numpy.typing import NDArray

from mecsim.core.rating import ADEQUATE_RATING, TOP_RATING

Array = NDArray[np.float64]
Values = Array | float


def log_position(rate: Values, minimum: Values, demand: Values) -> Array:
    """Where a rate lies on a logarithmic axis (Weber and Fechner): u = log(q/r_min)/log(r_dem/r_min).

    Args:
        rate: given rates q ≥ 0, in the unit of the others; 0 lies at −inf.
        minimum: least rates r_min > 0.
        demand: demanded rates r_dem ≥ r_min; where both are equal, u is 1 from there on and −inf below.
    """
    rate, width = np.asarray(rate, np.float64), np.log(np.divide(demand, minimum))
    with np.errstate(divide="ignore"):
        height = np.log(rate / minimum)
    without = np.where(rate >= demand, 1.0, -np.inf)
    return np.asarray(np.where(width > 0.0, height / np.where(width > 0.0, width, 1.0), without))


def zone_rating(
    position: Values, adequate: Values, desired: Values, slope_below: Values = 1.0, slope_above: Values = 1.0
) -> Array:
    """Lines through 2 at the adequate position a and 4 at the desired position d, within 0 and 5.

    With s = 2·(u − a)/(d − a): 2 + s inside the zone, max(0, 2 + slope_below·s) below it, and
    min(5, 4 + slope_above·(s − 2)) above it.

    Args:
        position: positions u of the given rates, as `log_position` has them.
        adequate: positions a < d.
        desired: positions d.
        slope_below: slope below the zone relative to that inside, above 0; with 1 for both the zone is symmetric.
        slope_above: slope above the zone relative to that inside, above 0.
    """
    step = 2.0 * (np.asarray(position) - adequate) / (np.asarray(desired) - adequate)
    below = slope_below * np.minimum(step, 0.0)
    above = slope_above * np.maximum(step - 2.0, 0.0)
    return np.clip(ADEQUATE_RATING + below + np.clip(step, 0.0, 2.0) + above, 0.0, TOP_RATING)


def power_rating(rate: Values, minimum: Values, demand: Values, exponent: Values) -> Array:
    """5·x^λ with x = (q − r_min)/(r_dem − r_min), within 0 and 1; λ < 1 is a tolerant person, λ > 1 a demanding one.

    Where minimum and demand are equal, x is 1 from there on and 0 below.
    """
    width = np.subtract(demand, minimum)
    without = np.where(np.greater_equal(rate, demand), 1.0, 0.0)
    share = np.where(width > 0.0, np.subtract(rate, minimum) / np.where(width > 0.0, width, 1.0), without)
    return np.asarray(TOP_RATING * np.clip(share, 0.0, 1.0) ** exponent)


def waiting_s(rate: Values, demand: Values, wait_at_demand_s: Values) -> Array:
    """How long content takes that takes `wait_at_demand_s` at the demanded rate: t = wait·r_dem/q; inf at rate 0."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.multiply(wait_at_demand_s, np.divide(demand, rate))


def logistic_rating(delay_s: Values, centre_s: Values, steepness_per_s: Values) -> Array:
    """5/(1 + e^{k·(t − c)}): 2.5 at the delay c. Fits ratings of web delays by single people."""
    return np.asarray(TOP_RATING * scipy.special.expit(np.multiply(steepness_per_s, np.subtract(centre_s, delay_s))))


def iqx_rating(delay_s: Values, sensitivity_per_s: Values) -> Array:
    """5·e^{−β·t}, the IQX hypothesis: what is lost is proportional to what there is to lose.

    Fiedler, Hoßfeld and Tran-Gia 2010: A generic quantitative relationship between quality of experience and quality
    of service.
    """
    return TOP_RATING * np.exp(-np.multiply(sensitivity_per_s, delay_s))


def rating_deviation_sos(rating: Values, factor: float) -> Array:
    """Standard deviation of single ratings around a mean rating, both from 0 to 5.

    The SOS hypothesis, Var = a·(−m² + 6m − 5) for m from 1 to 5 (Hoßfeld, Schatz and Egger 2011), which is
    Var = a·r·(5 − r) on the scale from 0 to 5: none at its ends.
    """
    return np.sqrt(np.maximum(factor * np.multiply(rating, np.subtract(TOP_RATING, rating)), 0.0))
