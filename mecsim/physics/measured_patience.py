"""How people differ in what delays satisfy them, in the logistic form: as a study found, or by log-normal factors."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Standard normal quantiles of P10, P25, P50, P75, P90, and what 28 people of a study of web delays had there:
# each rated 1 + 4/(1 + e^{k·(t − c)}). Only their shape around the median is used.
MEASURED_AT = (-1.2816, -0.6745, 0.0, 0.6745, 1.2816)
MEASURED_CENTRES_S = (0.27, 0.39, 0.55, 1.24, 3.95)
MEASURED_STEEPNESS_PER_S = (0.31, 0.96, 1.72, 3.43, 4.43)
# Who waits long before the rating falls rates it down slowly. The joint distribution is not known; with this
# correlation of normal scores the mean rating of all people is that of the study within 0.2 at every delay.
CENTRE_STEEPNESS_CORRELATION = -0.85


def logistic_factors(
    strictness: Array, other: Array, spread: float, delay_spread: Literal["measured", "log-normal"]
) -> tuple[Array, Array]:
    """Centre and steepness of the logistic form relative to those of a typical person.

    Args:
        strictness: standard normal, any shape; who is strict has an early centre.
        other: standard normal, of the same shape; the part of the steepness that does not follow from strictness.
        spread: deviation of the logarithms where they are log-normal.
        delay_spread: whether people differ as those of the study did, or by log-normal factors.
    """
    correlation = CENTRE_STEEPNESS_CORRELATION
    steepness = -correlation * strictness + np.sqrt(1.0 - correlation**2) * other
    if delay_spread == "measured":
        return (
            _measured_factor(-strictness, MEASURED_CENTRES_S),
            _measured_factor(steepness, MEASURED_STEEPNESS_PER_S),
        )
    return 1.0 / np.exp(spread * strictness), np.exp(spread * steepness)


def _measured_factor(normal: Array, quantiles: tuple[float, ...]) -> Array:
    """Values relative to the median, whose quantiles are the measured ones; lines on logarithms, extended outwards."""
    at, logarithm = np.array(MEASURED_AT), np.log(quantiles)
    slope = np.diff(logarithm) / np.diff(at)
    inside = np.interp(normal, at, logarithm)
    before, beyond = np.minimum(normal - at[0], 0.0), np.maximum(normal - at[-1], 0.0)
    return np.asarray(np.exp(inside + slope[0] * before + slope[-1] * beyond - logarithm[2]))
