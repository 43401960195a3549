"""Draws the futures that planners imagine: windows of episodes of a pool."""

from functools import lru_cache

import numpy as np

from mecsim.core.seeds import Stream
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

POOL = 64
"""Episodes of which futures are windows."""


def sample_futures(
    scenario: OffloadScenario, tapes: OffloadTapes, rng: np.random.Generator, count: int, horizon: int
) -> Futures:
    """So many futures of each episode, for a decision after which there are at least `horizon` steps."""
    pool, size, first = _pool(scenario), scenario.tasks.size, int(scenario.per_task)
    shape = (len(tapes), count)
    factor = np.ones((len(tapes), len(pool)))
    drawn = scenario.tasks.trace.file is None
    if drawn and size.mean_bit == "balanced":
        factor = tapes.cpu_hz.sum(axis=1)[:, None] / pool.cpu_hz.sum(axis=1)
    return Futures(
        pool=pool,
        member=rng.integers(0, len(pool), shape),
        offset=rng.integers(first, pool.arrivals.shape[1] - horizon + 1, shape),
        horizon=horizon,
        own_links=not scenario.link_per_task,
        size_factor=factor,
        clip_bit=(size.clip_bit if drawn else None) or Uniform(0.0, np.inf),
    )


@lru_cache(maxsize=4)
def _pool(scenario: OffloadScenario) -> OffloadTapes:
    """Episodes with every server there can be, so that all links exist, and as many tasks as there is room for."""
    edge, count = scenario.servers.edge, scenario.servers.edge_count
    every = edge.model_copy(update={"count": CountRange(count.high, count.high)})
    servers = scenario.servers.model_copy(update={"edge": every})
    episode = scenario.episode.model_copy(update={"steps": scenario.steps, "span_s": None})
    drawn = scenario.model_copy(update={"servers": servers, "episode": episode})
    return draw_tapes(drawn, 0, 0, POOL, Stream.PLANNING)
