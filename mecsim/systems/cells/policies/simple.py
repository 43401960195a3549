"""Policies of a cell without learning: the demanded rate for all, the least rate for all, chance, greedy that knows."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import Arrays
from mecsim.core.rating import ADEQUATE_RATING
from mecsim.core.target import in_numpy
from mecsim.policies.calibration import calibrate
from mecsim.policies.immediate import best_option
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.systems.cells.episodes import CellsEpisodes
from mecsim.systems.cells.layout import PREDICTED, REJECT, SATISFACTION
from mecsim.systems.cells.scenario import CellsScenario


class FixedLevelPolicy:
    """One level for all requests, in the strongest candidate cell where it fits; else the request is rejected.

    The highest level is the universal fit: everyone gets the demanded rate, as networks do that know no users.
    """

    def __init__(self, level: int) -> None:
        """`level`: 0 for the lowest one, −1 for the highest."""
        self._level = level

    def act(self, episodes: CellsEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The first candidate's option of that level which can be taken."""
        levels = episodes.spec.levels
        options = 1 + levels * np.arange(episodes.spec.candidates) + self._level % levels
        fits = observation["mask"][:, options] != 0
        return np.asarray(np.where(fits.any(axis=1), options[fits.argmax(axis=1)], REJECT))


class RandomLevelPolicy:
    """Any of the options that can be taken, rejection included."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, episodes: CellsEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """One option per episode."""
        chance = self._rng.random(observation["mask"].shape)
        return np.asarray(np.where(observation["mask"] != 0, chance, -1.0).argmax(axis=1))


class OracleGreedyPolicy:
    """Greedy that knows the true satisfaction; by how much it is ahead of greedy is what prediction costs greedy."""

    def __init__(self, scale: NDArray[np.float64]) -> None:
        self._scale = scale

    def act(self, episodes: CellsEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The option that brings most at once."""
        return best_option(_known_rewards(episodes) / self._scale, observation["mask"], preference)


class AdequatePolicy:
    """Greedy among the options that are expected to be at least adequate, where there are any.

    So nobody is let down who need not be: it looks at nothing but the request at hand, and still few leave.
    """

    def __init__(self, scale: NDArray[np.float64]) -> None:
        self._scale = scale

    def act(self, episodes: CellsEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The option that brings most at once."""
        mask = observation["mask"] != 0
        adequate = mask & (observation["options"][..., PREDICTED] >= ADEQUATE_RATING)
        allowed = np.where(adequate.any(axis=1, keepdims=True), adequate, mask)
        return best_option(episodes.option_rewards() / self._scale, allowed.astype(np.int8), preference)


def _known_rewards(episodes: CellsEpisodes) -> NDArray[np.float64]:
    """Immediate rewards (N, A, objectives) that count the true rating of a request as its satisfaction."""
    rewards = episodes.option_rewards()
    if SATISFACTION not in episodes.objective_columns:
        return rewards
    column, spec = episodes.objective_columns.index(SATISFACTION), episodes.spec
    truth = in_numpy(episodes.engine.ratings(truth=True)) / spec.requests
    served = rewards[:, 1:, column]
    rewards[:, 1:, column] = np.where(np.isfinite(served), np.tile(truth, spec.candidates), served)
    return rewards


@policy("random", "any level that fits, or none, at random")
def random(scenario: CellsScenario, seed: int) -> RandomLevelPolicy:
    """Whatever the preference."""
    return RandomLevelPolicy(seed)


@policy("universal", "always the demanded rate, while there are blocks")
def universal(scenario: CellsScenario, seed: int) -> FixedLevelPolicy:
    """What networks do that know no users."""
    return FixedLevelPolicy(-1)


@policy("minimum", "always the minimum rate")
def minimum(scenario: CellsScenario, seed: int) -> FixedLevelPolicy:
    """The least that works."""
    return FixedLevelPolicy(0)


@policy("adequate", "greedy among what is at least adequate for the user")
def adequate(scenario: CellsScenario, seed: int) -> AdequatePolicy:
    """In the scales of the scenario."""
    return AdequatePolicy(calibrate(scenario).scale)


@policy("greedy-oracle", "greedy that knows the true satisfaction: a bound")
def greedy_oracle(scenario: CellsScenario, seed: int) -> OracleGreedyPolicy:
    """In the scales of the scenario."""
    return OracleGreedyPolicy(calibrate(scenario).scale)
