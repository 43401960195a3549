"""Snapshot optimisers as policies of cells: for each arrival the front of its window, and on it what is asked for.

A front depends neither on the preference nor on what was decided before, unless people remember. So the fronts of all
requests are found once and remembered; a preference takes its point of each of them. What is kept of a front is its
convex hull, which holds the best choice for every weighting, and of a choice the level of the request that has arrived.
People who remember are asked at each arrival what they think by then; what a choice brings later is not seen.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import kernel
from mecsim.core.episodes import Arrays
from mecsim.core.target import in_numpy
from mecsim.errors import InputError
from mecsim.policies.calibration import calibrate
from mecsim.policies.fitting import report_progress
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.cells.episodes import CellsEpisodes
from mecsim.systems.cells.layout import REJECT, cells_spec, mean_durations_s
from mecsim.systems.cells.objectives import OBJECTIVES
from mecsim.systems.cells.policies.knapsack import exact_front
from mecsim.systems.cells.policies.snapshot import SATISFACTION, SAVED, Array, Choice
from mecsim.systems.cells.policies.snapshot_nsga2 import EvolvedFront, SnapshotNsga2Config, evolved_front
from mecsim.systems.cells.policies.window import Window, episode_of
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes

Finder = Callable[[Window], tuple[Array, Choice]]
"""Finds the front of a window: values (S, 2) of non-dominated choices, by ascending satisfaction, and the level that
each gives to the last user, (S,). It is asked for the windows of an episode in their order."""

ARRIVAL_NSGA2 = SnapshotNsga2Config(population=40, generations=10)
"""Budget for each arrival, which goes on from the population of the one before."""

REMEMBERED = 16  # batches of episodes


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The level for each request and every weighting of satisfaction against saved resources, in N episodes."""

    above: Array  # (N, M, H) shares of satisfaction in the weighting from which a level is best; ascending, then inf
    level: NDArray[np.int8]  # (N, M, H) levels that are best from there on; 0 rejects

    def at(self, request: int, share: Array) -> Choice:
        """The best level for a request in each episode, (N,), for shares of satisfaction (N,) from 0 to 1."""
        segment = (self.above[:, request] <= share[:, None]).sum(axis=1) - 1
        return np.asarray(self.level[np.arange(len(share)), request, segment], np.int64)


class SnapshotPolicy:
    """Serves a request at the level of the best choice for its window, or the next lower one that fits.

    A level that does not fit in the strongest cell is tried in the others first, as by `FixedLevelPolicy`.
    """

    def __init__(
        self, scenario: CellsScenario, finder: Callable[[np.random.Generator], Finder], told: str, seed: int,
        truth: bool = False,
    ) -> None:  # fmt: skip
        """
        Args:
            scenario: whose scales and mean durations count.
            finder: makes what finds the fronts of one episode.
            told: what the finder is; equal words stand for equal finders.
            seed: of all that the finders draw.
            truth: whether the true satisfaction is known.
        """
        self._finder, self._told, self._seed, self._truth = finder, told, seed, truth
        self._scale = calibrate(scenario).scale
        self._spec, self._mean_duration_s = cells_spec(scenario), mean_durations_s(scenario)
        self._tapes: CellsTapes | None = None

    def act(self, episodes: CellsEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The option of each episode."""
        if episodes.tapes is None:
            raise InputError("no episode has begun: call reset first")
        weight = np.zeros((len(preference), len(OBJECTIVES)))
        weight[:, episodes.objective_columns] = preference / self._scale
        share = np.delete(weight, SAVED, axis=1).sum(axis=1) / weight.sum(axis=1)
        level = self._remembering(episodes, observation, share) if self._spec.memory.on else self._at(episodes, share)
        return fitting_option(level, observation["mask"], episodes.spec.levels)

    def _at(self, episodes: CellsEpisodes, share: Array) -> Choice:
        """The best levels of people without memory, (N,), which depend on nothing that was decided."""
        assert episodes.tapes is not None
        if episodes.tapes is not self._tapes:
            self._tapes = episodes.tapes
            self._levels = self._found(episodes.tapes)
        return self._levels.at(episodes.step_index, share)

    def _remembering(self, episodes: CellsEpisodes, observation: Arrays, share: Array) -> Choice:
        """The best levels, (N,), by ratings as each was when it was asked for: what it brings later is not seen."""
        tapes, request = episodes.tapes, episodes.step_index
        assert tapes is not None
        if request == 0:
            known = self._mean_duration_s, self._spec.blocks, self._truth
            self._played = [episode_of(tapes, n, *known).forgetting() for n in range(len(tapes))]
            self._finders = [self._finder(np.random.default_rng([self._seed, n])) for n in range(len(tapes))]
        ratings = in_numpy(episodes.engine.ratings(self._truth))
        level = np.zeros(len(tapes), np.int64)
        for n in np.flatnonzero(in_numpy(episodes.waits(observation))):
            episode = self._played[n]
            episode.ratings[request], episode.asked[request] = ratings[n], True
            above, best = _segments(episode.window(request), self._finders[n])
            level[n] = best[(above <= share[n]).sum() - 1]
        return level

    def _found(self, tapes: CellsTapes) -> Levels:
        """The levels for these episodes; remembered, as sweeps play the same ones for each preference."""
        read = (tapes.arrival_s, tapes.application, tapes.cell, tapes.blocks, tapes.satisfaction, tapes.predicted)
        asked = (self._told, self._seed, self._truth, self._spec, self._mean_duration_s.tolist(), tapes.blocks.shape)
        digest = hashlib.blake2b(repr(asked).encode())
        for array in read:
            digest.update(array.tobytes())
        key = digest.digest()
        if key not in _REMEMBERED:
            known = self._mean_duration_s, self._spec.blocks, self._truth
            played = [episode_of(tapes, episode, *known) for episode in range(len(tapes))]
            segments = []
            for number, episode in enumerate(played):
                find = self._finder(np.random.default_rng([self._seed, number]))
                windows = (episode.window(request) for request in range(len(episode)))
                segments.append([_segments(window, find) for window in windows])
                report_progress(f"{self._told}: episodes", number + 1, len(played))
            while len(_REMEMBERED) >= REMEMBERED:
                del _REMEMBERED[next(iter(_REMEMBERED))]
            _REMEMBERED[key] = _padded(segments)
        return _REMEMBERED[key]


_REMEMBERED: dict[bytes, Levels] = {}


def exact_finder(_: np.random.Generator) -> Finder:
    """Finds exact fronts; see `knapsack`."""

    def find(window: Window) -> tuple[Array, Choice]:
        front = exact_front(window.snapshot)
        return front.values, front.choices()[:, -1]

    return find


def evolving_finder(rng: np.random.Generator, config: SnapshotNsga2Config = ARRIVAL_NSGA2) -> Finder:
    """Finds fronts by NSGA-II. In each cell a window starts from the population of the one before.

    Users who are in both keep their levels in each choice; new ones get any about its mean level, so that choices stay
    where they are on the front.
    """
    last: dict[int, tuple[Window, EvolvedFront]] = {}

    def find(window: Window) -> tuple[Array, Choice]:
        start = None
        if window.cell in last:
            before, evolved = last[window.cell]
            row = np.arange(config.population) % len(evolved.population)  # a small window has fewer different choices
            population, top = evolved.population[row], window.snapshot.top_level
            share = population.mean(axis=1, keepdims=True) / top
            start = rng.binomial(top, share, (config.population, len(window.requests)))
            _, old, new = np.intersect1d(before.requests, window.requests, return_indices=True)
            start[:, new] = population[:, old]
        front = evolved_front(window.snapshot, int(rng.integers(2**31)), config, start)
        last[window.cell] = window, front
        return front.values, front.choices[:, -1]

    return find


def fitting_option(level: Choice, mask: NDArray[np.int8], levels: int) -> Actions:
    """The option that serves at a level (N,) in the strongest candidate where it fits, else lower, else rejects.

    `mask` (N, A) tells what fits.
    """
    offers = mask[:, 1:].reshape(len(mask), -1, levels) != 0  # (N, C, K)
    fits = offers.any(axis=1) & (np.arange(levels) < level[:, None])
    best = levels - 1 - fits[:, ::-1].argmax(axis=1)
    candidate = offers[np.arange(len(mask)), :, best].argmax(axis=1)
    return np.asarray(np.where(fits.any(axis=1), 1 + candidate * levels + best, REJECT))


def _segments(window: Window, find: Finder) -> tuple[Array, Choice]:
    """From which share of satisfaction on which level is best for the last user, (h,) both."""
    values, level = find(window)
    points = values * window.worth
    kept = np.empty(len(points), np.int64)
    corner = kept[: _hull(points, kept)]
    points, level = points[corner], level[corner]
    gain, loss = np.diff(points[:, SATISFACTION]), -np.diff(points[:, SAVED])
    above = np.concatenate([[0.0], loss / (loss + gain)])
    changes = np.diff(level, prepend=-1) != 0
    return above[changes], level[changes]


@kernel
def _hull(points: Array, kept: Choice) -> int:
    """Write the corners of the upper right hull of points (S, 2), whose first value ascends; returns their number."""
    count = 0
    for new in range(len(points)):
        while count > 0 and points[kept[count - 1], 1] <= points[new, 1]:
            count -= 1
        while count > 1:
            first, middle = kept[count - 2], kept[count - 1]
            along = (points[middle, 0] - points[first, 0]) * (points[new, 1] - points[first, 1])
            across = (points[middle, 1] - points[first, 1]) * (points[new, 0] - points[first, 0])
            if along < across:
                break
            count -= 1
        kept[count] = new
        count += 1
    return count


def _padded(segments: list[list[tuple[Array, Choice]]]) -> Levels:
    most = max(len(above) for episode in segments for above, _ in episode)
    above = np.full((len(segments), len(segments[0]), most), np.inf)
    level = np.zeros(above.shape, np.int8)
    for n, episode in enumerate(segments):
        for m, (start, best) in enumerate(episode):
            above[n, m, : len(start)], level[n, m, : len(start)] = start, best
    return Levels(above, level)


@policy("exact", "the best choice for those who are expected to share the cell")
def exact(scenario: CellsScenario, seed: int) -> SnapshotPolicy:
    """By dynamic programming."""
    return SnapshotPolicy(scenario, exact_finder, "exact", seed)


@policy("exact-oracle", "exact that knows the true satisfaction: a bound")
def exact_oracle(scenario: CellsScenario, seed: int) -> SnapshotPolicy:
    """What prediction costs the exact choice."""
    return SnapshotPolicy(scenario, exact_finder, "exact", seed, truth=True)


@policy("nsga2", "likewise, from a front that NSGA-II evolves on at each arrival")
def nsga2(scenario: CellsScenario, seed: int) -> SnapshotPolicy:
    """With a small budget at each arrival."""
    return SnapshotPolicy(scenario, evolving_finder, "nsga2", seed)
