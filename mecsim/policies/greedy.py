"""Greedy on the immediate reward, for every system."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.scenario import Scenario
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy


class GreedyPolicy:
    """The most immediate reward Σ_i ω_i·r_i/scale_i, as the system expects it.

    It accounts for how a task delays those already executing, say, but not for what comes after.
    """

    def __init__(self, scale: NDArray[np.float64]) -> None:
        self._scale = scale

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The best option in each episode; the first one of equals."""
        return best_option(episodes.option_rewards() / self._scale, observation["mask"], preference)


@policy("greedy", "the best that an option brings at once, as the system expects it")
def greedy(scenario: Scenario, seed: int) -> GreedyPolicy:
    """In the scales of the scenario."""
    from mecsim.policies.calibration import calibrate  # which itself plays greedy

    return GreedyPolicy(calibrate(scenario).scale)


def best_option(
    reward: NDArray[np.float64], mask: NDArray[np.int8], preference: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The option (N,) of the largest Σ_i ω_i·r_i of those that can be taken; the first one of equals.

    Args:
        reward: of each option, in units that weights compare, (N, A, objectives); of masked ones it does not matter.
        mask: 1 for options that can be taken, (N, A).
        preference: weights ω, (N, objectives).
    """
    exists = mask.astype(np.bool_)
    scalar = np.einsum("nao,no->na", np.where(exists[:, :, None], reward, 0.0), preference)
    return np.asarray(np.where(exists, scalar, -np.inf).argmax(axis=1))
