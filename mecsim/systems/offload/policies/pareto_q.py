"""Tabular Pareto Q-learning (Van Moffaert and Nowé, JMLR 2014) on a coarse state.

As there, a table keeps for each state and action the mean immediate cost R̄(s, a) and, apart from it, a set of
vectors of what follows, so that Q(s, a) = R̄(s, a) ⊕ γ·F(s, a) is a set of non-dominated vectors. Two things differ:

- Sets are bounded. F(s, a) keeps one vector per direction w of a fixed grid on the simplex, the best one for w: the
  set is pruned to those that support its convex front. This loses nothing that the play could use, as it
  weighs objectives linearly.
- Transitions are random here, where the original stores the set of the one successor. Vectors of the same
  direction estimate the same thing, so that each can be averaged over successors: for direction w, F moves
  a step towards the best vector for w in the union of the successor's sets.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.policies.calibration import calibrate
from mecsim.policies.fitting import FIT_SEED, random_preferences, report_progress, training_tapes
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.episodes import OffloadEpisodes, batched_episodes
from mecsim.systems.offload.layout import (
    EXECUTING,
    QUEUED_TASKS,
    RATE_MBIT_PER_S,
    SIZE_MBIT,
    TO_MBIT,
    UPLOADING,
    offload_spec,
)
from mecsim.systems.offload.scenario import OffloadScenario

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BACKLOG_EDGES = (1, 2, 3, 5, 8)  # tasks on a server: none, 1, 2, 3 to 4, 5 to 7, 8 and more
LEVELS = len(BACKLOG_EDGES) + 1
SIZE_LEVELS = 6  # no task, then fifths of the task sizes met in training
STATES = SIZE_LEVELS * LEVELS**3
CLOUD, LEAST_LOADED, FASTEST, DEVICE = range(4)  # choices; where there is no cloud the first is the first edge
OBSERVED = 3  # choices whose server's backlog is part of the state


@dataclass(frozen=True, slots=True)
class ParetoQConfig:
    """Budget and learning."""

    rounds: int = 40  # each plays `episodes` episodes side by side
    episodes: int = 256
    partitions: int = 10  # of the grid of directions; 11 vectors per state and action with two objectives
    discount: float = 0.9  # with 0.95 the tables are noisier and the front on gmorl-e6 a little worse
    exploration: float = 0.5  # chance of a random choice, falling linearly to a tenth of it
    step_exponent: float = 0.9  # step size = visits to the power of minus this


class ParetoTable:
    """The sets of vectors of all states and actions. Costs: less is better."""

    def __init__(self, states: int, actions: int, directions: Floats, discount: float, step_exponent: float) -> None:
        count, objectives = directions.shape
        self.directions = directions  # (K, objectives)
        self.visits = np.zeros((states, actions))
        self.immediate = np.zeros((states, actions, objectives))  # R̄
        self.following = np.zeros((states, actions, count, objectives))  # F
        self._discount, self._step_exponent = discount, step_exponent

    def sets(self, state: Integers) -> tuple[Floats, Floats]:
        """Q of each action, (N, actions, K, objectives), and what rules an action out, (N, actions).

        The latter is infinite for actions that were never tried in a state where others were, else 0.
        """
        known = self.visits[state] > 0
        unknown = ~known & known.any(axis=1, keepdims=True)
        vectors = self.immediate[state][:, :, None, :] + self._discount * self.following[state]
        return vectors, np.where(unknown, np.inf, 0.0)

    def values(self, state: Integers, weight: Floats) -> Floats:
        """The least scalarised cost in the set of each action, (N, actions), for weights (N, objectives)."""
        vectors, ruled_out = self.sets(state)
        return np.asarray(np.einsum("nako,no->nak", vectors, weight).min(axis=2) + ruled_out)

    def update(self, state: Integers, action: Integers, cost: Floats, following: Integers, over: bool) -> None:
        """Learn from N transitions at once; several of the same state and action are averaged."""
        best = np.zeros((len(state), len(self.directions), cost.shape[1]))
        if not over:
            vectors, ruled_out = self.sets(following)
            scores = vectors @ self.directions.T + ruled_out[:, :, None, None]  # (N, actions, K, K)
            flat = scores.reshape(len(state), -1, len(self.directions)).argmin(axis=1)  # (N, K)
            best = np.take_along_axis(vectors.reshape(len(state), -1, cost.shape[1]), flat[:, :, None], axis=1)
        pairs, which, times = np.unique(state * self.visits.shape[1] + action, return_inverse=True, return_counts=True)
        s, a = np.divmod(pairs, self.visits.shape[1])
        self.visits[s, a] += times
        self.immediate[s, a] += _sums(cost - self.immediate[state, action], which, len(s)) / self.visits[s, a, None]
        step = np.minimum(1.0, times * self.visits[s, a] ** -self._step_exponent) / times
        change = _sums(best - self.following[state, action], which, len(s))
        self.following[s, a] += step[:, None, None] * change


def _sums(values: Floats, which: Integers, count: int) -> Floats:
    total = np.zeros((count, *values.shape[1:]))
    np.add.at(total, which.ravel(), values)
    return total


@dataclass(frozen=True, slots=True)
class Discretiser:
    """The coarse state and the choices.

    State: size of the head of the queue, and the tasks on the cloud, on the least loaded edge and on the edge with the
    fastest link, each in a few levels. Choices: cloud, least loaded edge (of equals the faster link), fastest link, and
    the user's device in scenarios that have one.
    """

    size_edges_mbit: tuple[float, ...]
    clouds: int
    device: bool = False

    @property
    def choices(self) -> int:
        """The number of choices."""
        return OBSERVED + self.device

    def __call__(self, observation: Arrays) -> tuple[Integers, Integers]:
        """State (N,) and the server that each choice stands for, (N, choices)."""
        rows = observation["options"]
        number = np.arange(len(rows))
        edge = observation["mask"].astype(np.bool_)
        last = edge.sum(axis=1) - 1  # the device's row, where there is one
        edge[:, : self.clouds] = False
        if self.device:
            edge[number, last] = False
        tasks = rows[:, :, EXECUTING] + rows[:, :, UPLOADING]
        rate = rows[:, :, RATE_MBIT_PER_S]
        rank = 1.0 - rate / (1.0 + rate.max(axis=1, keepdims=True))  # below 1, so that it only decides between equals
        least = np.where(edge, tasks + rank, np.inf).argmin(axis=1)
        fastest = np.where(edge, rate, -np.inf).argmax(axis=1)
        servers = np.stack([np.zeros_like(least), least, fastest, last][: self.choices], axis=1)
        size = np.where(
            observation["context"][:, QUEUED_TASKS] > 0, 1 + np.digitize(rows[:, 0, SIZE_MBIT], self.size_edges_mbit), 0
        )
        state = size
        for choice in range(OBSERVED):
            state = state * LEVELS + np.digitize(tasks[number, servers[:, choice]], BACKLOG_EDGES)
        return state.astype(np.int64), servers


class ParetoQPolicy:
    """Plays the choice whose set has the vector of least scalarised cost."""

    def __init__(self, scenario: OffloadScenario, config: ParetoQConfig | None = None) -> None:
        self._scenario = scenario
        self._config = config or ParetoQConfig()

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The server of the chosen action in each episode; the least loaded edge in a state never met."""
        table, discretise = fitted_table(self._scenario, self._config)
        state, servers = discretise(observation)
        choice = table.values(state, preference).argmin(axis=1)
        choice[~table.visits[state].any(axis=1)] = LEAST_LOADED
        return np.asarray(np.take_along_axis(servers, choice[:, None], axis=1)[:, 0])


@lru_cache(maxsize=16)
def fitted_table(scenario: OffloadScenario, config: ParetoQConfig) -> tuple[ParetoTable, Discretiser]:
    """Learn from training episodes, each with a preference drawn at random, costs in units of the calibration."""
    from pymoo.util.reference_direction import UniformReferenceDirectionFactory

    rng = np.random.default_rng(FIT_SEED)
    objectives = len(scenario.objectives)
    directions = UniformReferenceDirectionFactory(objectives, n_partitions=config.partitions).do()
    discretise = _discretiser(scenario, config)
    table = ParetoTable(STATES, discretise.choices, directions, config.discount, config.step_exponent)
    scale = calibrate(scenario).scale
    for number in range(config.rounds):
        chance = config.exploration * (1.0 - 0.9 * number / config.rounds)
        tapes = training_tapes(draw_tapes, scenario, number * config.episodes, config.episodes)
        preference = random_preferences(rng, len(tapes), objectives)
        episodes = batched_episodes(scenario)
        state, servers = discretise(episodes.begin(tapes))
        while not episodes.over:
            choice = table.values(state, preference).argmin(axis=1)
            explored = rng.random(len(choice)) < chance
            choice = np.where(explored, rng.integers(0, discretise.choices, len(choice)), choice)
            observation, reward, _ = episodes.step(np.take_along_axis(servers, choice[:, None], axis=1)[:, 0])
            following, servers = discretise(observation)
            table.update(state, choice, -reward / scale, following, episodes.over)
            state = following
        report_progress("pareto-q", number + 1, config.rounds)
    return table, discretise


def _discretiser(scenario: OffloadScenario, config: ParetoQConfig) -> Discretiser:
    """Sizes are split at the fifths of those in the first training episodes."""
    tapes = training_tapes(draw_tapes, scenario, 0, config.episodes)
    sizes = tapes.size_bit[tapes.size_bit > 0.0] * TO_MBIT
    shares = np.arange(1, SIZE_LEVELS - 1) / (SIZE_LEVELS - 1)
    edges = np.quantile(sizes, shares) if len(sizes) else np.ones(len(shares))
    return Discretiser(tuple(edges.tolist()), scenario.servers.cloud.count, offload_spec(scenario).device)


@policy("pareto-q", "tabular Pareto Q-learning on a coarse state, fitted first", costly=True)
def pareto_q(scenario: OffloadScenario, seed: int) -> ParetoQPolicy:
    """With the budget of its defaults; what it draws while it is fitted does not depend on the seed."""
    return ParetoQPolicy(scenario)
