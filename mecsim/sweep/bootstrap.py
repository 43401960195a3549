"""Intervals of what is derived from a front: a paired bootstrap over the episodes that all targets have in common.

A hypervolume is no mean over episodes, so Student's interval does not apply to it. Instead the episodes are drawn again
with replacement, many times; each time the mean points and from them the indicators are computed anew. Fronts of as
many episodes meet the same draws: the noise that they share, as they were played on the same tapes, cancels in their
ratios and differences. Of several trainings an indicator is the mean of those of each.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.policies import Calibration
from mecsim.sweep.front import Front
from mecsim.sweep.indicators import expected_utility, hypervolume, mean_cost

Array = NDArray[np.float64]

RESAMPLES = 1000
FEWEST_RESAMPLES = 100
WORK = 2e9  # multiplications per front; beyond it there are fewer resamples
DRAWS_AT_ONCE = 10_000_000


@dataclass(frozen=True, slots=True)
class Resampled:
    """Indicators of a front on episodes that were drawn again, (R,) each; NaN where there is a single episode.

    The r-th values of two fronts with as many episodes and preferences belong to the same episodes.
    """

    hypervolume: Array
    mean_cost: Array
    expected_utility: Array


def resample(front: Front, calibration: Calibration, resamples: int = RESAMPLES, seed: int = 0) -> Resampled:
    """The indicators on `resamples` draws of as many episodes as there are; very large grids get fewer draws."""
    if front.trainings:
        each = [resample(one, calibration, resamples, seed) for one in front.trainings]
        names = [field.name for field in dataclasses.fields(Resampled)]
        return Resampled(*(np.mean([getattr(one, name) for one in each], axis=0) for name in names))
    count = len(front.preferences)
    resamples = min(resamples, max(FEWEST_RESAMPLES, int(WORK / count**2)))
    if front.totals.shape[1] < 2:
        nothing = np.full(resamples, np.nan)
        return Resampled(nothing, nothing, nothing)
    found = [
        (
            hypervolume(points, calibration.reference),
            mean_cost(points, front.preferences, calibration.scale),
            expected_utility(points, front.preferences, calibration.scale),
        )
        for points in _resampled_means(front.totals, resamples, seed)
    ]
    return Resampled(*np.array(found).T)


def _resampled_means(totals: Array, resamples: int, seed: int) -> Iterator[Array]:
    """Mean points (K, objectives) of each resample of the episodes of `totals` (K, episodes, objectives)."""
    preferences, episodes, objectives = totals.shape
    rng = np.random.default_rng(seed)
    by_episode = totals.transpose(1, 0, 2).reshape(episodes, -1)
    at_once = max(1, DRAWS_AT_ONCE // max(episodes, by_episode.shape[1]))
    for first in range(0, resamples, at_once):
        here = min(at_once, resamples - first)
        times = np.stack([np.bincount(rng.integers(episodes, size=episodes), minlength=episodes) for _ in range(here)])
        means = times.astype(np.float64) @ by_episode / episodes
        yield from means.reshape(here, preferences, objectives)


def half_width_95_of(resampled: Array) -> float:
    """Half of the range that holds the central 95 % of resampled values; NaN where one of them is."""
    if np.isnan(resampled).any():
        return float("nan")
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(high - low) / 2.0


def ratio(numerator: Array, denominator: Array) -> Array:
    """Their ratio resample by resample, (R,); NaN where it is divided by 0."""
    nothing = np.full(len(numerator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=nothing, where=denominator != 0.0))
