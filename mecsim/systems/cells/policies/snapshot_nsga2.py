"""NSGA-II (Deb et al., IEEE TEC 2002) on a snapshot: one run gives choices all along the trade-off.

Evolutionary search is what personalized networks were proposed with (Alkurd, Abualhaol and Yanikomeroglu, arXiv
2306.04887 and 2307.03867); operators and sizes are ours. Two sets of operators:

- `textbook`: what one gets without a thought. A uniformly random start, simulated binary crossover and polynomial
  mutation as for real numbers, rounded; what does not fit is handled by constrained domination.
- `levels`: made for levels of users. The start has evenly spaced mean levels, so that all of the front is in sight;
  users' levels are exchanged whole, mutated ones may become any level; of what does not fit, users in random order
  step down until it does.

Neither is told anything of the problem but the objectives of the choices that it tries: no slopes, no greedy or
exact solutions to start from. Where users come and go, a run may go on from the population of an earlier one.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mecsim.core.compiled import kernel
from mecsim.systems.cells.policies.snapshot import Array, Choice, Snapshot

Operators = Literal["levels", "textbook"]


@dataclass(frozen=True, slots=True)
class SnapshotNsga2Config:
    """Budget: `population` · `generations` choices are tried."""

    population: int = 100
    generations: int = 500
    operators: Operators = "levels"


@dataclass(frozen=True, slots=True, eq=False)
class EvolvedFront:
    """The feasible non-dominated choices of the last population, S of them with different values."""

    choices: Choice  # (S, n)
    values: Array  # (S, 2) by ascending mean satisfaction, as of `Snapshot.values`
    population: Choice  # (m, n) all of the last population, to go on from


def evolved_front(
    snapshot: Snapshot, seed: int, config: SnapshotNsga2Config | None = None, start: Choice | None = None
) -> EvolvedFront:
    """Run NSGA-II, with the whole population evaluated at once. The same seed gives the same front.

    It is empty if no choice that fits was found, which a short run with `textbook` operators may end with. A run ends
    early when there is nothing new to try. With a `start` (m, n) it begins from these choices, repaired if they do not
    fit, and not from those of its operators.
    """
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.problems.static import StaticProblem

    config = config or SnapshotNsga2Config()
    rng = np.random.default_rng(seed)
    problem = Problem(n_var=snapshot.users, n_obj=2, n_ieq_constr=1, xl=0, xu=snapshot.top_level, vtype=int)
    algorithm = NSGA2(pop_size=config.population, **_operators(snapshot, config, rng, start))
    algorithm.setup(problem, termination=("n_gen", config.generations), seed=seed)
    while algorithm.has_next():
        offspring = algorithm.ask()
        if offspring is None or not len(offspring):
            break
        choice = offspring.get("X").astype(np.int64)
        if config.operators == "levels":
            choice = repaired(snapshot, choice, rng)
            offspring.set("X", choice)
        found = {"F": -snapshot.values(choice), "G": _violation(snapshot, choice)[:, None]}
        algorithm.evaluator.eval(StaticProblem(problem, **found), offspring)
        algorithm.tell(infills=offspring)
    choice = algorithm.opt.get("X").astype(np.int64)
    choice = choice[snapshot.feasible(choice)]
    values, first = np.unique(snapshot.values(choice), axis=0, return_index=True)
    return EvolvedFront(choice[first], values, algorithm.pop.get("X").astype(np.int64))


def repaired(snapshot: Snapshot, choice: Choice, rng: np.random.Generator) -> Choice:
    """Feasible choices (m, n) from any: users step down, in a random order again and again, until all fits.

    A level that is not valid becomes the next lower one that is.
    """
    lower = np.maximum.accumulate(np.where(snapshot.valid, np.arange(snapshot.top_level + 1), 0), axis=1)
    fitting = lower[np.arange(snapshot.users), choice]
    order = rng.permuted(np.tile(np.arange(snapshot.users), (len(choice), 1)), axis=1)
    _step_down(snapshot.blocks, lower, snapshot.capacity, order, fitting)
    return fitting


def _operators(
    snapshot: Snapshot, config: SnapshotNsga2Config, rng: np.random.Generator, start: Choice | None
) -> dict[str, Any]:
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.crossover.ux import UniformCrossover
    from pymoo.operators.mutation.pm import PolynomialMutation
    from pymoo.operators.repair.rounding import RoundingRepair

    rounded: dict[str, Any] = {"vtype": float, "repair": RoundingRepair()}
    shape = config.population, snapshot.users
    begin = None if start is None else repaired(snapshot, start, rng)
    if config.operators == "textbook":
        return {
            "sampling": rng.integers(0, snapshot.top_level, shape, endpoint=True) if begin is None else begin,
            "crossover": SBX(eta=15, prob=0.9, **rounded),
            "mutation": PolynomialMutation(eta=20, **rounded),
        }
    if begin is None:
        mean_level = np.linspace(0.0, 1.0, config.population)[:, None]
        begin = repaired(snapshot, rng.binomial(snapshot.top_level, mean_level, shape), rng)
    return {
        "sampling": begin,
        "crossover": UniformCrossover(),
        "mutation": PolynomialMutation(eta=0.0, **rounded),  # uniform up or down: a small step often brings nothing
    }


def _violation(snapshot: Snapshot, choice: Choice) -> Array:
    """How far choices (m, n) are from feasible, (m,): 0 or below if they are."""
    excess = (snapshot.used_blocks(choice) - snapshot.capacity) / max(snapshot.capacity, 1)
    impossible = ~snapshot.valid[np.arange(snapshot.users), choice]
    return np.asarray(np.maximum(excess, 0.0) + impossible.sum(axis=1))


@kernel
def _step_down(blocks: Choice, lower: Choice, capacity: int, order: Choice, choice: Choice) -> None:
    """Take from choices (m, n), in place, a level at a time in the order of users (m, n), round by round."""
    users = choice.shape[1]
    for row in range(len(choice)):
        used = 0
        for user in range(users):
            used += blocks[user, choice[row, user]]
        turn = 0
        while used > capacity:
            user = order[row, turn % users]
            level = choice[row, user]
            if level > 0:
                choice[row, user] = lower[user, level - 1]
                used += blocks[user, choice[row, user]] - blocks[user, level]
            turn += 1
