"""Policies without learning: random, cloud, edge, and greedy on the exact immediate cost."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.baselines.policy import Actions, Preferences
from mecsim.envs.episodes import Arrays, Episodes
from mecsim.envs.offload import OffloadEpisodes


class RandomPolicy:
    """The cloud with probability p, else an edge at random; p is the weight of the first objective.

    A sweep over preferences is thus a sweep over p, as in arXiv 2509.10474. `p` fixes it instead.
    """

    def __init__(self, seed: int, p: float | None = None) -> None:
        self._rng = np.random.default_rng(seed)
        self._p = p

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """One server per episode."""
        clouds = episodes.system.clouds
        num_servers = observation["mask"].sum(axis=1, dtype=np.int64) - episodes.system.device
        edge = self._rng.integers(clouds, num_servers)
        chance = self._rng.random(len(edge))
        p = preference[:, 0] if self._p is None else self._p
        return np.where(chance < p, 0, edge) if clouds else edge


class CloudPolicy:
    """Everything to the cloud (to the first edge, where a scenario has no cloud)."""

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """Server 0 in each episode."""
        return np.zeros(len(preference), np.int64)


class GreedyPolicy:
    """The least immediate cost Σ_i ω_i·c_i/scale_i, which the environment knows exactly.

    It accounts for how a task delays those already executing, but not for what comes after.
    """

    def __init__(self, scale: NDArray[np.float64]) -> None:
        self._scale = scale

    def act(self, episodes: Episodes[Any, Any, Any], observation: Arrays, preference: Preferences) -> Actions:
        """The cheapest option in each episode; the first one of equals."""
        cost = episodes.option_costs() / self._scale
        exists = observation["mask"].astype(np.bool_)
        scalar = np.einsum("nao,no->na", np.where(exists[:, :, None], cost, 0.0), preference)
        return np.asarray(np.where(exists, scalar, np.inf).argmin(axis=1))
