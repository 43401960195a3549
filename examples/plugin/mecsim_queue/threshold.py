"""A policy: jobs are admitted while the backlog is short."""

import numpy as np

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.scenario import Scenario
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim_queue.admission.layout import ADMIT, BACKLOG_S


class ThresholdPolicy:
    """Admits where the backlog is at most a threshold: the longer, the more the revenue weighs."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """1 or 0 for each job."""
        return (observation["options"][:, ADMIT, BACKLOG_S] <= self._longest_s * preference[:, -1]).astype(np.int64)


@policy("threshold", "jobs are admitted while the backlog is short", systems=["admission"])
def threshold(scenario: Scenario, seed: int) -> ThresholdPolicy:
    """Ten seconds at most."""
    return ThresholdPolicy(10.0)
