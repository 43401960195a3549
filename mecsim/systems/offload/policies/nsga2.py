"""NSGA-II (Deb et al., IEEE TEC 2002) over open-loop schedules: one run gives schedules for all preferences."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.policies.fitting import FIT_SEED, cost_weights, distinct, report_progress
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.layout import offload_spec
from mecsim.systems.offload.policies.schedules import ScheduleCosts, Schedules, random_schedules, scheduled
from mecsim.systems.offload.scenario import OffloadScenario


@dataclass(frozen=True, slots=True)
class Nsga2Config:
    """Budget: `population` · `generations` evaluations, each the mean cost on `episodes` training episodes."""

    population: int = 100
    generations: int = 300
    episodes: int = 64
    distribution_index: float = 3.0  # of the polynomial mutation; small, as the numbers of servers have no order


@dataclass(frozen=True, slots=True)
class ScheduleFront:
    """The non-dominated schedules of the last population, and what they cost on the episodes of the fit."""

    schedules: Schedules  # (S, T)
    costs: NDArray[np.float64]  # (S, objectives) in s and J per episode


class Nsga2Policy:
    """Plays, of the schedules found, the one that costs the asked preference least on the episodes of the fit."""

    def __init__(self, scenario: OffloadScenario, config: Nsga2Config | None = None) -> None:
        self._scenario = scenario
        self._config = config or Nsga2Config()

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The scheduled server of this step in each episode."""
        front = schedule_front(self._scenario, self._config)
        action = np.zeros(len(preference), np.int64)
        for row, where in distinct(preference):
            least = (front.costs @ cost_weights(self._scenario, np.array(row))).argmin()
            action[where] = scheduled(front.schedules[least], episodes, {"mask": observation["mask"][where]})
        return action


@lru_cache(maxsize=16)
def schedule_front(scenario: OffloadScenario, config: Nsga2Config) -> ScheduleFront:
    """Run NSGA-II, with the whole population evaluated at once."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.ux import UniformCrossover
    from pymoo.operators.mutation.pm import PolynomialMutation
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.problems.static import StaticProblem

    costs = ScheduleCosts(scenario, config.episodes)
    problem = Problem(
        n_var=scenario.steps,
        n_obj=len(scenario.objectives),
        xl=0,
        xu=offload_spec(scenario).max_options - 1,
        vtype=int,
    )
    algorithm = NSGA2(
        pop_size=config.population,
        sampling=random_schedules(scenario, np.random.default_rng(FIT_SEED), config.population),
        crossover=UniformCrossover(),
        mutation=PolynomialMutation(eta=config.distribution_index, vtype=float, repair=RoundingRepair()),
    )
    algorithm.setup(problem, termination=("n_gen", config.generations), seed=FIT_SEED)
    while algorithm.has_next():
        offspring = algorithm.ask()
        totals = costs(offspring.get("X").astype(np.int64))
        algorithm.evaluator.eval(StaticProblem(problem, F=totals), offspring)
        algorithm.tell(infills=offspring)
        report_progress("nsga2", algorithm.n_gen - 1, config.generations)
    found = algorithm.opt
    return ScheduleFront(found.get("X").astype(np.int64), found.get("F"))


@policy("nsga2", "fixed schedules for all preferences, by NSGA-II", costly=True)
def nsga2(scenario: OffloadScenario, seed: int) -> Nsga2Policy:
    """With the budget of its defaults; what it draws while it is fitted does not depend on the seed."""
    return Nsga2Policy(scenario)
