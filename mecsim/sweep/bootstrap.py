"""Intervals of what is derived from a front: a studentised bootstrap over the episodes that all targets have in common.

A hypervolume is no mean over episodes, so Student's interval does not apply to it. Instead the episodes are drawn again
with replacement, many times; each time the mean points and from them the indicators are computed anew. How far they
move is measured in standard errors of the resample itself, and the interval reaches as many of them to both sides as 95
% of the resamples stay within: the symmetric bootstrap-t (P. Hall: On symmetric bootstrap confidence intervals, JRSS B
50, 1988). Standard errors are those of the jackknife (B. Efron: The jackknife, the bootstrap and other resampling
plans, 1982). `experiments/intervals` measures how often such intervals hold the truth.

Fronts of as many episodes meet the same draws: the noise that they share, as they were played on the same tapes,
cancels in their ratios and differences. Of several trainings an indicator is the mean of those of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from mecsim.policies import Calibration
from mecsim.sweep.front import Front
from mecsim.sweep.indicators import INDICATORS

Array = NDArray[np.float64]

FEWEST_EPISODES = 40
"""From how many on the intervals were shown to hold the truth as often as they say, by `experiments/intervals`."""

RESAMPLES = 1000
FEWEST_RESAMPLES = 100
MOST_GROUPS = 250
WORK = 2e9  # multiplications per front; beyond it there are fewer resamples, of larger groups
COSTS_AT_ONCE = 5_000_000
FEWEST_FOR_BOOTSTRAP = 20
"""Episodes, of fewer of which too many resamples have next to no spread; then the interval is Student's."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A number that episodes decide, with what its interval is made of; all NaN but the value of a single episode."""

    value: float
    influence: Array  # (G,) how each group of episodes moves it, with a mean of zero
    resampled: Array  # (R,) the same number on episodes that were drawn again
    seed: int  # of the draws

    @staticmethod
    def mean(each: Sequence["Estimate"]) -> "Estimate":
        """Of several that met the same episodes."""
        value = float(np.mean([one.value for one in each]))
        influence = np.mean([one.influence for one in each], axis=0)
        return Estimate(value, influence, np.mean([one.resampled for one in each], axis=0), each[0].seed)

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The difference to another that met the same episodes."""
        influence = self.influence - other.influence
        return Estimate(self.value - other.value, influence, self.resampled - other.resampled, self.seed)

    def __truediv__(self, other: "Estimate") -> "Estimate":
        """The ratio to another that met the same episodes; NaN where that is zero."""
        nothing = np.full(len(self.resampled), np.nan)
        resampled = np.divide(self.resampled, other.resampled, out=nothing, where=other.resampled != 0.0)
        if other.value == 0.0:
            return Estimate(np.nan, np.full(len(self.influence), np.nan), np.full(len(resampled), np.nan), self.seed)
        value = self.value / other.value
        influence = (self.influence - value * other.influence) / other.value
        return Estimate(value, influence, resampled, self.seed)

    @property
    def ci95(self) -> float:
        """Half width of the 95 % interval; NaN where a single episode or a division by zero leaves none."""
        return _half_width_95(self.resampled - self.value, self._error(), self._errors(), len(self.influence))

    def ci95_of_difference(self, other: "Estimate") -> float:
        """The same of the difference to an estimate from other episodes, which were drawn with another seed."""
        moved = (self.resampled - self.value) - (other.resampled - other.value)
        error, errors = np.hypot(self._error(), other._error()), np.hypot(self._errors(), other._errors())
        return _half_width_95(moved, float(error), errors, min(len(self.influence), len(other.influence)))

    def _error(self) -> float:
        count = len(self.influence)
        return float(np.sqrt((self.influence**2).sum() / (count * max(1, count - 1))))

    def _errors(self) -> Array:
        """The standard error in each resample, (R,)."""
        count = len(self.influence)
        times = _times(count, len(self.resampled), self.seed)
        variance = times @ self.influence**2 / count - (times @ self.influence / count) ** 2
        return np.sqrt(np.maximum(variance, 0.0) / max(1, count - 1))


def _half_width_95(moved: Array, error: float, errors: Array, count: int) -> float:
    """From how far resamples moved (R,), their standard errors (R,) and the one of all that there is."""
    if np.isnan(error) or np.isnan(moved).any():
        return float("nan")
    # The k-th of R values that are as likely as one more exceeds it with probability 1 − k/(R + 1).
    rank = min(len(moved), int(np.ceil(0.95 * (len(moved) + 1)))) - 1
    apart = np.abs(moved)
    if error == 0.0:
        return float(np.sort(apart)[rank])
    without = np.where(apart > 0.0, np.inf, 0.0)
    multiples = np.divide(apart, errors, out=without, where=errors > 1e-9 * error)
    multiple = float(np.sort(multiples)[rank])
    if count < FEWEST_FOR_BOOTSTRAP or not np.isfinite(multiple):
        multiple = float(scipy.special.stdtrit(count - 1, 0.975))
    return multiple * error


def estimates(front: Front, calibration: Calibration, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Estimate]:
    """Each of `INDICATORS` by its name. Of many episodes, or of a large grid, groups of episodes are drawn."""
    if front.trainings:
        each = [estimates(one, calibration, resamples, seed) for one in front.trainings]
        return {name: Estimate.mean([one[name] for one in each]) for name in INDICATORS}
    preferences, episodes, objectives = front.totals.shape
    most = max(FEWEST_RESAMPLES, int(WORK / preferences**2))
    resamples, groups = min(resamples, most), min(episodes, MOST_GROUPS, most)

    def found(means: Array) -> dict[str, Array]:
        points = means.reshape(-1, preferences, objectives)
        parts_needed = -(-len(points) * preferences**2 // COSTS_AT_ONCE)
        parts = np.array_split(points, min(parts_needed, len(points)))
        return {
            name: np.concatenate([indicator(part, front.preferences, calibration) for part in parts])
            for name, indicator in INDICATORS.items()
        }

    values = {name: float(value[0]) for name, value in found(front.mean).items()}
    if groups < 2:
        nothing = np.full(groups, np.nan), np.full(resamples, np.nan)
        return {name: Estimate(value, *nothing, seed) for name, value in values.items()}
    first = np.arange(groups) * episodes // groups
    sizes = np.diff(first, append=episodes)
    sums = np.add.reduceat(front.totals, first, axis=1).transpose(1, 0, 2).reshape(groups, -1)
    times = _times(groups, resamples, seed)
    left_out = found((sums.sum(axis=0) - sums) / (episodes - sizes)[:, None])
    resampled = found(times @ sums / (times @ sizes)[:, None])
    return {
        name: Estimate(value, (groups - 1) * (left_out[name].mean() - left_out[name]), resampled[name], seed)
        for name, value in values.items()
    }


@lru_cache(maxsize=4)
def _times(groups: int, resamples: int, seed: int) -> Array:
    """How often each group was drawn in each resample, (R, G)."""
    drawn = np.random.default_rng(seed).integers(groups, size=(resamples, groups))
    cells = drawn + groups * np.arange(resamples)[:, None]
    return np.bincount(cells.ravel(), minlength=resamples * groups).reshape(resamples, groups).astype(np.float64)
