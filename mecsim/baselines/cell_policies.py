"""Policies of a cell without learning: the demanded rate for all, the least rate for all, chance, greedy that knows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.baselines.policy import Actions, Preferences
from mecsim.baselines.simple import GreedyPolicy
from mecsim.engines.cell_system import REJECT, SATISFACTION
from mecsim.envs.episodes import Arrays
from mecsim.envs.personalize import CellEpisodes


class FixedLevelPolicy:
    """One level for all requests, in the strongest candidate cell where it fits; else the request is rejected.

    The highest level is the universal fit: everyone gets the demanded rate, as networks do that know no users.
    """

    def __init__(self, level: int) -> None:
        """`level`: 0 for the lowest one, −1 for the highest."""
        self._level = level

    def act(self, episodes: CellEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The first candidate's option of that level which can be taken."""
        levels = episodes.system.levels
        options = 1 + levels * np.arange(episodes.system.candidates) + self._level % levels
        fits = observation["mask"][:, options] != 0
        return np.asarray(np.where(fits.any(axis=1), options[fits.argmax(axis=1)], REJECT))


class RandomLevelPolicy:
    """Any of the options that can be taken, rejection included."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, episodes: CellEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """One option per episode."""
        chance = self._rng.random(observation["mask"].shape)
        return np.asarray(np.where(observation["mask"] != 0, chance, -1.0).argmax(axis=1))


class OracleGreedyPolicy:
    """Greedy that knows the true satisfaction; by how much it is ahead of greedy is what prediction costs greedy."""

    def __init__(self, scale: NDArray[np.float64]) -> None:
        self._greedy = GreedyPolicy(scale)

    def act(self, episodes: CellEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The option that brings most at once."""
        knowing: Any = _Knowing(episodes)
        return self._greedy.act(knowing, observation, preference)


class _Knowing:
    """Episodes whose immediate costs count the true satisfaction."""

    def __init__(self, episodes: CellEpisodes) -> None:
        self._episodes = episodes

    def option_costs(self) -> NDArray[np.float64]:
        episodes, costs = self._episodes, self._episodes.option_costs()
        if episodes.tapes is None or SATISFACTION not in episodes.objective_columns:
            return costs
        column, system = episodes.objective_columns.index(SATISFACTION), episodes.system
        truth = episodes.tapes.satisfaction[:, episodes.step_index] / system.requests
        served = costs[:, 1:, column]
        costs[:, 1:, column] = np.where(np.isfinite(served), -np.tile(truth, system.candidates), served)
        return costs
