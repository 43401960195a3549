"""The option with the best immediate reward, for policies and for what is measured by them."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.policies.policy import Actions, Preferences


class GreedyPolicy:
    """The most immediate reward Σ_i ω_i·r_i/scale_i, as the system expects it.

    It accounts for how a task delays those already executing, say, but not for what comes after.
    """

    looks = False

    def __init__(self, scale: NDArray[np.float64]) -> None:
        self._scale = scale

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The best option in each episode; the first one of equals."""
        rewards = episodes.option_rewards()
        return best_option(rewards / self._scale, rewards[:, :, 0] > -np.inf, preference)


def best_option(
    reward: NDArray[np.float64], mask: NDArray[np.int8 | np.bool_], preference: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The option (N,) of the largest Σ_i ω_i·r_i of those that can be taken; the first one of equals.

    Args:
        reward: of each option, in units that weights compare, (N, A, objectives); of masked ones it does not matter.
        mask: 1 or true for options that can be taken, (N, A).
        preference: weights ω, (N, objectives).
    """
    exists = mask.astype(np.bool_)
    scalar = np.einsum("nao,no->na", np.where(exists[:, :, None], reward, 0.0), preference)
    return np.asarray(np.where(exists, scalar, -np.inf).argmax(axis=1))
