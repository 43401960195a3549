"""Simulated annealing (Kirkpatrick et al., Science 1983) over open-loop schedules, one for each preference."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mecsim.core.episodes import Arrays
from mecsim.errors import InputError
from mecsim.policies.fitting import FIT_SEED, cost_weights, distinct, report_progress
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.layout import offload_spec
from mecsim.systems.offload.policies.schedules import ScheduleCosts, Schedules, random_schedules, scheduled
from mecsim.systems.offload.scenario import OffloadScenario


@dataclass(frozen=True, slots=True)
class AnnealingConfig:
    """Budget and cooling. An evaluation is the mean cost of a schedule on `episodes` training episodes."""

    evaluations: int = 10_000  # per preference, as in arXiv 2509.10474
    episodes: int = 64
    starts: int = 32  # random schedules, of which the best is annealed; as many neighbours of it set the temperature
    changes: int = 3  # a proposal changes one to this many entries
    cooling: float = 1e-3  # last temperature as a share of the first

    def __post_init__(self) -> None:
        if self.evaluations <= 2 * self.starts:
            raise InputError(
                f"annealing uses {2 * self.starts} evaluations to start with and has {self.evaluations}: "
                "give it more, or fewer starts"
            )


class AnnealingPolicy:
    """Plays the schedule that annealing found for the asked preference; it sees nothing but the step's number."""

    def __init__(self, scenario: OffloadScenario, config: AnnealingConfig | None = None) -> None:
        self._scenario = scenario
        self._config = config or AnnealingConfig()

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The scheduled server of this step in each episode."""
        action = np.zeros(len(preference), np.int64)
        for row, where in distinct(preference):
            schedule = annealed(self._scenario, row, self._config)
            action[where] = scheduled(schedule, episodes, {"mask": observation["mask"][where]})
        return action


@lru_cache(maxsize=1024)
def annealed(scenario: OffloadScenario, preference: tuple[float, ...], config: AnnealingConfig) -> Schedules:
    """The best schedule (T,) that was met.

    The first temperature is the mean size of the differences that proposals make to the first schedule, so that
    about half of the bad ones are accepted; it then falls geometrically.
    """
    rng = np.random.default_rng(FIT_SEED)
    costs = ScheduleCosts(scenario, config.episodes)
    weights = cost_weights(scenario, np.array(preference))
    steps, servers = scenario.steps, offload_spec(scenario).max_options

    def neighbour(of: Schedules) -> Schedules:
        changed = of.copy()
        at = rng.integers(0, steps, rng.integers(1, config.changes, endpoint=True))
        changed[at] = rng.integers(0, servers, len(at))
        return changed

    starts = random_schedules(scenario, rng, config.starts)
    scores = costs(starts) @ weights
    current: Schedules = starts[scores.argmin()]
    cost = float(scores.min())
    best, least = current, cost
    probes = np.stack([neighbour(current) for _ in range(config.starts)])
    temperature = float(np.abs(costs(probes) @ weights - cost).mean())
    moves = config.evaluations - 2 * config.starts
    for move in range(moves):
        proposal = neighbour(current)
        proposed = float((costs(proposal[None]) @ weights)[0])
        heat = temperature * config.cooling ** (move / moves)
        if proposed <= cost or rng.random() < np.exp((cost - proposed) / heat):
            current, cost = proposal, proposed
        if cost < least:
            best, least = current, cost
        report_progress(f"annealing {preference}", move + 1, moves)
    best.setflags(write=False)
    return best


@policy("annealing", "a fixed schedule per preference, by simulated annealing", costly=True)
def annealing(scenario: OffloadScenario, seed: int) -> AnnealingPolicy:
    """With the budget of its defaults; what it draws while it is fitted does not depend on the seed."""
    return AnnealingPolicy(scenario)
