"""What a policy came to beyond its objectives: quantities of episodes, tails over tasks, what each option had."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import NDArray

from mecsim.core.episodes import AnyPlay
from mecsim.core.scenario import Scenario
from mecsim.core.system import system_of
from mecsim.core.tape import Tapes

Array = NDArray[np.float64]

LEVELS = (0.05, 0.5, 0.95, 0.99)
"""Of the quantiles over tasks or requests."""

EPISODES_MOST = 5_000_000
"""Of a target, over all preferences, whose quantities are kept; more would fill the memory."""

NEAR_95 = 0.015
"""How far the probability of a quantile's interval may be off; ends have to be values that there are."""

VALUES_MOST = 10_000_000
"""Of tasks or requests, whose quantiles are told; of more, those of the first episodes."""


@dataclass(frozen=True)
class Details:
    """Of K preferences on N episodes; what was not measured is not there."""

    quantities: Mapping[str, Array] = field(default_factory=dict)
    """(K, N), as `System.episode_quantities` names them; NaN where an episode has no such number."""
    tails: Mapping[str, Array] = field(default_factory=dict)
    """(K, levels, 3): the quantile of `System.unit_values` at each of `LEVELS`, and its 95 % interval."""
    options: Mapping[str, Array] = field(default_factory=dict)
    """(K, A), as `System.option_quantities` names them; means over episodes."""

    @staticmethod
    def joined(parts: Sequence["Details"], axis: int = 0) -> "Details":
        """Of the preferences of all parts, which hold the same numbers."""
        return Details(*(_by_name(each, lambda arrays: np.concatenate(arrays, axis)) for each in _each(parts)))

    @staticmethod
    def averaged(parts: Sequence["Details"]) -> "Details":
        """The mean of several trainings; an interval is as wide as theirs are on average, as they share episodes."""
        return Details(*(_by_name(each, lambda arrays: np.mean(arrays, axis=0)) for each in _each(parts)))

    def restricted(self, rows: NDArray[np.int64], episodes: int) -> "Details":
        """Of some preferences and the first episodes; what is told of all episodes together is not told of fewer."""
        fewer = any(values.shape[1] != episodes for values in self.quantities.values())
        quantities = {name: values[rows, :episodes] for name, values in self.quantities.items()}
        if fewer:
            return Details(quantities)
        together = ({name: values[rows] for name, values in each.items()} for each in (self.tails, self.options))
        return Details(quantities, *together)


def _each(parts: Sequence[Details]) -> list[list[Mapping[str, Array]]]:
    return [[getattr(part, name) for part in parts] for name in ("quantities", "tails", "options")]


def _by_name(parts: Sequence[Mapping[str, Array]], join: Callable[[list[Array]], Array]) -> dict[str, Array]:
    return {name: np.asarray(join([part[name] for part in parts])) for name in parts[0]}


class Measured:
    """Collects what one policy comes to for one preference, chunk of episodes after chunk."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self._system = scenario, system_of(scenario)
        self._quantities: list[dict[str, Array]] = []
        self._options: list[dict[str, Array]] = []
        self._values: list[dict[str, Array]] = []

    def add(self, played: AnyPlay, tapes: Tapes) -> None:
        """A chunk of episodes."""
        asked = played, tapes, self._scenario
        self._quantities.append(self._system.episode_quantities.load()(*asked))
        if self._system.option_quantities is not None:
            self._options.append(self._system.option_quantities.load()(*asked))
        if self._system.unit_values is not None and self._room():
            self._values.append(self._system.unit_values.load()(*asked))

    def _room(self) -> bool:
        return sum(next(iter(values.values())).size for values in self._values) < VALUES_MOST

    def details(self) -> Details:
        """Of all of them, with K = 1."""
        quantities, values, options = (
            _by_name(parts, np.concatenate) if parts else {}
            for parts in (self._quantities, self._values, self._options)
        )
        return Details(
            {name: found[None] for name, found in quantities.items()},
            {name: quantiles(found)[None] for name, found in values.items()},
            {name: found.mean(axis=0)[None] for name, found in options.items()},
        )


def level_name(level: float) -> str:
    """Of a quantile, such as `p95`."""
    return f"p{level * 100:02.0f}"


def quantiles(values: Array) -> Array:
    """Quantiles of values (N, M) of N independent episodes at `LEVELS`, each with its 95 % interval, (levels, 3).

    NaN is no value. Where an episode has one value at most, an end of an interval is the order statistic that binomial
    counts ask for, and NaN where so few episodes have none that is far enough out. Otherwise an interval is Woodruff's
    (Confidence intervals for medians and other position measures, JASA 47, 1952): the quantiles at the ends of the
    interval of the share of values that lie below, whose standard error is that of a ratio over episodes, as the values
    of one episode depend on each other. NaN where there is nothing.
    """
    known = ~np.isnan(values)
    each = np.sort(values[known])
    if not len(each):
        return np.full((len(LEVELS), 3), np.nan)

    def at(share: Array) -> Array:
        return np.asarray(each[np.clip(np.ceil(share * len(each)).astype(np.int64) - 1, 0, len(each) - 1)])

    levels = np.array(LEVELS)
    found = at(levels)
    counts = known.sum(axis=1)
    if counts.max() == 1:
        bounded = np.append(each, np.nan)  # rank 0 and the one after the last are none
        ranks = np.array([_ranks_95(len(each), level) for level in LEVELS])
        return np.column_stack([found, bounded[np.minimum(ranks - 1, len(each))]])
    if len(values) < 2:
        return np.stack([found, *np.full((2, len(levels)), np.nan)], axis=1)
    below = np.stack([(known & (values <= one)).sum(axis=1) for one in found])  # (levels, N)
    apart = below - levels[:, None] * counts
    deviation = apart.std(axis=1, ddof=1)
    half = scipy.special.stdtrit(len(values) - 1, 0.975) * deviation / np.sqrt(len(values)) / counts.mean()
    return np.stack([found, at(levels - half), at(levels + half)], axis=1)


def _ranks_95(count: int, level: float) -> tuple[int, int]:
    """Ranks, from 1, of the ends of a quantile's interval among so many values; 0 and `count` + 1 where none is enough.

    Tails are 2.5 % at most each, or one rank is nearer where that brings the interval's probability nearer to 95 %.
    """
    at_most = scipy.special.bdtr(
        np.arange(count + 1), count, level
    )  # that at most 0, 1, … values lie below the quantile
    low, high = int(np.searchsorted(at_most, 0.025)), int(np.searchsorted(at_most, 0.975)) + 1

    def off(ranks: tuple[int, int]) -> float:
        return abs(float(at_most[ranks[1] - 1] - at_most[ranks[0] - 1]) - 0.95)

    whole = [(one, other) for one in (low, low + 1) for other in (high - 1, high) if 1 <= one < other <= count]
    nearest = min(whole, key=off, default=(low, high))
    return nearest if off(nearest) <= NEAR_95 else (low, high)


def mean_and_ci95(values: Array) -> Array:
    """Mean of values (K, N) and half width of its 95 % interval, (2, K), of the episodes that have one; else NaN."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    filled = np.where(known, values, 0.0)
    mean = np.divide(filled.sum(axis=1), count, out=np.full(len(values), np.nan), where=count > 0)
    squares = (np.where(known, values - mean[:, None], 0.0) ** 2).sum(axis=1)
    variance = np.divide(squares, count - 1, out=np.full(len(values), np.nan), where=count > 1)
    spread = np.sqrt(np.divide(variance, count, out=np.full(len(values), np.nan), where=count > 1))
    return np.stack([mean, scipy.special.stdtrit(np.maximum(1, count - 1), 0.975) * spread])
