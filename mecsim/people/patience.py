"""How patient the users of an offloading scenario are: each has delays of its own that satisfy."""

import numpy as np
from numpy.typing import NDArray

from mecsim.people.people import logistic_factors
from mecsim.physics.delay_satisfaction import DelaySatisfaction


def draw_patience(
    satisfaction: DelaySatisfaction, episodes: int, users: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The two numbers that rate the delays of each user, (N, U, 2), as `physics.delay_rating` takes them.

    zone: adequate and desired delay (s), both longer by one log-normal factor, so that zones have one width on a
    logarithmic axis. logistic: centre (s) and steepness (1/s); who waits long before the rating falls rates it down
    slowly.
    """
    strictness, other = np.moveaxis(rng.standard_normal((episodes, users, 2)), 2, 0)
    if satisfaction.form == "zone":
        patience = np.exp(-satisfaction.spread * strictness)
        return np.stack([satisfaction.adequate_s * patience, satisfaction.desired_s * patience], axis=2)
    centre, steepness = logistic_factors(strictness, other, satisfaction.spread, satisfaction.delay_spread)
    return np.stack([satisfaction.centre_s * centre, satisfaction.steepness_per_s * steepness], axis=2)
