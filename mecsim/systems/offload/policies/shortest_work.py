"""Join the shortest work: a task goes where it would wait the least, whatever the preference."""

import numpy as np

from mecsim.core.episodes import Arrays
from mecsim.core.target import in_numpy
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.layout import CPU_GHZ
from mecsim.systems.offload.scenario import OffloadScenario


class JoinShortestWorkPolicy:
    """The server that needs the least time for all that is on it and on its way, the fastest of equals.

    Also known as least work left; with first-come-first-served servers it minimises waiting (Harchol-Balter 2013).
    """

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """One option per episode."""
        backlog_s = in_numpy(episodes.engine.backlog_s())
        shortest = backlog_s == backlog_s.min(axis=1, keepdims=True)
        return np.asarray(np.where(shortest, observation["options"][:, :, CPU_GHZ], -np.inf).argmax(axis=1))


@policy("join-shortest-work", "the server that needs the least time for all it has to do")
def join_shortest_work(scenario: OffloadScenario, seed: int) -> JoinShortestWorkPolicy:
    """The same for every preference."""
    return JoinShortestWorkPolicy()
