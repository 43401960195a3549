"""Lookahead: each option is tried on sampled futures, which greedy plays on.

A one-step rollout policy (Bertsekas, Tsitsiklis and Wu 1997): for the task at hand every option is taken in turn, then
the episode goes on for a horizon with sampled arrivals and greedy decisions; the option with the least mean cost wins.
All options meet the same futures. What waits in the dispatch queue and the state of all servers are known. The
channels of the users are known where they last an episode, else they are sampled as well.
"""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.core.seeds import Stream
from mecsim.core.target import in_numpy
from mecsim.errors import InputError
from mecsim.policies.calibration import calibrate
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.offload.draw.futures import sample_futures
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.layout import column_weights
from mecsim.systems.offload.scenario import OffloadScenario

FUTURES = 16
HORIZON = 25


class LookaheadPolicy:
    """The least mean cost over sampled futures."""

    def __init__(
        self,
        scenario: OffloadScenario,
        scale: NDArray[np.float64],
        seed: int,
        futures: int = FUTURES,
        horizon: int = HORIZON,
    ) -> None:
        self._scenario = scenario
        self._scale = scale
        self._rng = np.random.default_rng([seed, Stream.PLANNING])
        self._futures = futures
        self._horizon = horizon

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The option of the least expected cost in each episode."""
        if episodes.tapes is None:
            raise InputError("lookahead needs episodes on a tape: begun ones, and none that a planner imagines")
        horizon = min(self._horizon, episodes.steps - episodes.step_index - 1)
        futures = sample_futures(self._scenario, episodes.tapes, self._rng, self._futures, horizon)
        weight = column_weights(self._scenario, preference / self._scale)
        return in_numpy(episodes.engine.rollouts(futures, weight).argmin(axis=1))


@policy("lookahead", "each option tried on sampled futures that greedy plays on")
def lookahead(scenario: OffloadScenario, seed: int) -> LookaheadPolicy:
    """In the scales of the scenario."""
    return LookaheadPolicy(scenario, calibrate(scenario).scale, seed)
