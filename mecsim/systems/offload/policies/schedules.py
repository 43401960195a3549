"""Open-loop schedules: a server for each step of an episode, fixed before the episode and the same for all episodes.

They are what simulated annealing and NSGA-II search in arXiv 2509.10474. A schedule sees nothing of an episode, so the
best it can do is to spread the load well over servers and time. An entry that names an option which does not
exist in an episode stands for the last one that does, as in the environments.
"""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.policies.fitting import training_tapes
from mecsim.policies.policy import Actions
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.episodes import OffloadEpisodes, batched_episodes
from mecsim.systems.offload.layout import objective_columns, offload_spec
from mecsim.systems.offload.scenario import OffloadScenario

Schedules = NDArray[np.int64]  # (S, T)

ROWS = 1024  # episodes side by side; with more, their state leaves the cache


class ScheduleCosts:
    """Mean physical costs of schedules on a fixed batch of training episodes, in the batched engine."""

    def __init__(self, scenario: OffloadScenario, episodes: int) -> None:
        self._tapes = training_tapes(draw_tapes, scenario, 0, episodes)
        self._engine = batched_episodes(scenario).engine
        self._device = int(offload_spec(scenario).device)
        self._columns = objective_columns(scenario)
        self._repeated = self._tapes
        self.at_once = max(1, ROWS // len(self._tapes))  # schedules that are played side by side

    def __call__(self, schedules: Schedules) -> NDArray[np.float64]:
        """Totals per episode, (S, objectives), in s and J."""
        parts = [self._play(schedules[at : at + self.at_once]) for at in range(0, len(schedules), self.at_once)]
        return np.concatenate(parts)

    def _play(self, schedules: Schedules) -> NDArray[np.float64]:
        episodes = len(self._tapes)
        if len(self._repeated) != episodes * len(schedules):
            self._repeated = self._tapes.select(np.tile(np.arange(episodes), len(schedules)))
        self._engine.begin(self._repeated)
        num_options = self._repeated.num_servers + self._device
        total: NDArray[np.float64] = np.zeros(1)
        for servers in schedules.T:
            total = total - self._engine.step(existing(np.repeat(servers, episodes), num_options))
        return np.asarray(total.reshape(len(schedules), episodes, -1).mean(axis=1)[:, self._columns])


def existing(servers: Actions, num_options: NDArray[np.int64]) -> Actions:
    """The servers, the last option that exists in place of absent ones."""
    return np.minimum(servers, num_options - 1)


def random_schedules(scenario: OffloadScenario, rng: np.random.Generator, count: int) -> Schedules:
    """Schedules that send evenly spaced shares of the steps to the cloud, from none to all, the rest to any edge.

    A search that starts from them has all of the front in sight; uniform servers would start it in one corner.
    """
    clouds, shape = scenario.servers.cloud.count, (count, scenario.steps)
    edge = rng.integers(clouds, offload_spec(scenario).max_options, shape)
    share = np.linspace(0.0, 1.0, count)[:, None] if clouds else 0.0
    return np.where(rng.random(shape) < share, 0, edge)


def scheduled(schedule: Schedules, episodes: OffloadEpisodes, observation: Arrays) -> Actions:
    """What a schedule (T,) says now, for each of the observed episodes."""
    num_options = observation["mask"].sum(axis=1, dtype=np.int64)
    return existing(np.full(len(num_options), schedule[episodes.step_index]), num_options)
