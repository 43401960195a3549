"""How patient the users of an offloading scenario are: each has delays of its own that satisfy."""

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.delay_satisfaction import DelaySatisfaction


def draw_patience(
    satisfaction: DelaySatisfaction, episodes: int, users: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The two numbers by which the form rates the delays of each user, (N, U, 2)."""
    strictness, other = np.moveaxis(rng.standard_normal((episodes, users, 2)), 2, 0)
    return satisfaction.law.numbers(strictness, other, satisfaction.spread)
