"""Policies without learning: random, cloud, edge, and greedy on the exact immediate cost."""

import numpy as np

from mecsim.core.episodes import Arrays
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.scenario import OffloadScenario


class RandomPolicy:
    """The cloud with probability p, else an edge at random; p is the weight of the first objective.

    A sweep over preferences is thus a sweep over p, as in arXiv 2509.10474. `p` fixes it instead.
    """

    def __init__(self, seed: int, p: float | None = None) -> None:
        self._rng = np.random.default_rng(seed)
        self._p = p

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """One server per episode."""
        clouds = episodes.spec.clouds
        num_servers = observation["mask"].sum(axis=1, dtype=np.int64) - episodes.spec.device
        edge = self._rng.integers(clouds, num_servers)
        chance = self._rng.random(len(edge))
        p = preference[:, 0] if self._p is None else self._p
        return np.where(chance < p, 0, edge) if clouds else edge


class CloudPolicy:
    """Everything to the cloud (to the first edge, where a scenario has no cloud)."""

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """Server 0 in each episode."""
        return np.zeros(len(preference), np.int64)


@policy("random", "the cloud with probability p = weight of the first objective, else an edge at random")
def random(scenario: OffloadScenario, seed: int) -> RandomPolicy:
    """A sweep over preferences is a sweep over p."""
    return RandomPolicy(seed)


@policy("edge", "an edge at random")
def edge(scenario: OffloadScenario, seed: int) -> RandomPolicy:
    """Never the cloud."""
    return RandomPolicy(seed, p=0.0)


@policy("cloud", "everything to the cloud")
def cloud(scenario: OffloadScenario, seed: int) -> CloudPolicy:
    """Never an edge, where there is a cloud."""
    return CloudPolicy()
