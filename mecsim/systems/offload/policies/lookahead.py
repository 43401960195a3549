"""Lookahead: each option is tried on sampled futures, which greedy plays on.

A one-step rollout policy (Bertsekas, Tsitsiklis and Wu 1997): for the task at hand every option is taken in turn, then
the episode goes on for a horizon with sampled arrivals and greedy decisions; the option with the least mean cost wins.
All options meet the same futures. What waits in the dispatch queue and the state of all servers are known. The
channels of the users are known where they last an episode, else they are sampled as well.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.core.seeds import Stream
from mecsim.core.target import in_numpy
from mecsim.errors import InputError
from mecsim.policies.calibration import calibrate
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.layout import column_weights
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

FUTURES = 16
HORIZON = 25
POOL = 64
"""Episodes of which futures are windows."""


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
            raise InputError("no episode has begun: call reset first")
        horizon = min(self._horizon, episodes.steps - episodes.step_index - 1)
        futures = self._sampled(episodes.tapes, horizon)
        weight = column_weights(self._scenario, preference / self._scale)
        return in_numpy(episodes.engine.rollouts(futures, weight).argmin(axis=1))

    def _sampled(self, tapes: OffloadTapes, horizon: int) -> Futures:
        """Futures of the decision at hand."""
        pool, size = _pool(self._scenario), self._scenario.tasks.size
        shape = (len(tapes), self._futures)
        factor = np.ones((len(tapes), len(pool)))
        if size.mean_bit == "balanced" and self._scenario.tasks.trace.file is None:
            factor = tapes.cpu_hz.sum(axis=1)[:, None] / pool.cpu_hz.sum(axis=1)
        return Futures(
            pool=pool,
            member=self._rng.integers(0, len(pool), shape),
            offset=self._rng.integers(0, pool.arrivals.shape[1] - horizon + 1, shape),
            horizon=horizon,
            own_links=not self._scenario.link_per_task,
            size_factor=factor,
            clip_bit=size.clip_bit or Uniform(0.0, np.inf),
        )


@lru_cache(maxsize=4)
def _pool(scenario: OffloadScenario) -> OffloadTapes:
    """Episodes with every server there can be, so that all links exist."""
    edge = scenario.servers.edge
    every = edge.model_copy(update={"count": CountRange(edge.count.high, edge.count.high)})
    servers = scenario.servers.model_copy(update={"edge": every})
    return draw_tapes(scenario.model_copy(update={"servers": servers}), 0, 0, POOL, Stream.PLANNING)


@policy("lookahead", "each option tried on sampled futures that greedy plays on")
def lookahead(scenario: OffloadScenario, seed: int) -> LookaheadPolicy:
    """In the scales of the scenario."""
    return LookaheadPolicy(scenario, calibrate(scenario).scale, seed)
