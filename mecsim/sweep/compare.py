"""How two targets differ, over all preferences and in each, with 95 % intervals."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.system import objectives_of
from mecsim.errors import InputError
from mecsim.policies import Calibration
from mecsim.sweep.front import Front, half_width_95
from mecsim.sweep.measures import MEASURES, differences, measures, welch_95
from mecsim.sweep.results import SweepResult

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """One of what is compared."""

    front: Front
    scenario: Scenario
    calibration: Calibration
    seed: int

    @staticmethod
    def of(found: SweepResult, target: str | None = None) -> "Side":
        """A target of a finished sweep, its first one by default.

        Raises:
            InputError: it has no such target.
        """
        front = found.fronts[0] if target is None else found.front(target)
        return Side(front, found.scenario, found.calibration, found.seed)


@dataclass(frozen=True)
class Measure:
    """A number of both sides and their difference, the first minus the second."""

    one: float
    other: float
    difference: float
    ci95: float  # half width, over episodes; NaN of single ones
    trainings_ci95: float  # the same over trainings; NaN where neither side has several


@dataclass(frozen=True)
class Comparison:
    """Two sides on the preferences that they have in common."""

    one: Side
    other: Side
    paired: bool  # whether both met the same episodes, so that what these have in common cancels
    episodes: tuple[int, int]
    preferences: Array  # (K, objectives)
    calibration: Calibration  # by which both are measured
    measures: Mapping[str, Measure]
    difference: Array  # (K, objectives) of means as they are shown
    ci95: Array  # (K, objectives)
    better: Array  # (K, objectives) −1, 0 or 1: the first is worse, undecided, or better


def compare(one: Side, other: Side) -> Comparison:
    """Compare two sides; intervals are of pairs where both were played on the same episodes.

    One reference point serves both, the farther one of each objective, and the scales are those of the first.

    Raises:
        InputError: they have other objectives, or no preference in common.
    """
    names = one.scenario.objectives
    if names != other.scenario.objectives:
        raise InputError(
            f"{one.front.label} trades {', '.join(names)}, {other.front.label} "
            f"{', '.join(other.scenario.objectives)}: only equal objectives can be compared"
        )
    common = _common(one.front.preferences, other.front.preferences)
    if not len(common):
        raise InputError(f"{one.front.label} and {other.front.label}: have no preference in common; sweep both again")
    # Episode n of a seed is drawn alike for every target, and in another scenario from the same numbers.
    paired = one.seed == other.seed
    counts = one.front.totals.shape[1], other.front.totals.shape[1]
    if paired:
        counts = (min(counts), min(counts))
    fronts = [side.front.restricted(common, count) for side, count in zip((one, other), counts, strict=True)]
    reference = np.maximum(one.calibration.reference, other.calibration.reference)
    calibration = Calibration(one.calibration.scale, reference, "the farther one of both")
    costs = [front.totals for front in fronts]
    ci95 = _ci95(costs[0], costs[1], paired)
    apart = fronts[0].mean - fronts[1].mean
    signs = np.array([-1.0 if objective.higher_is_better else 1.0 for objective in objectives_of(one.scenario)])
    return Comparison(
        one,
        other,
        paired,
        counts,
        common,
        calibration,
        _measures(fronts[0], fronts[1], calibration, paired),
        apart * signs,
        ci95,
        np.where(np.abs(apart) > ci95, -np.sign(apart), 0.0),
    )


def _common(one: Array, other: Array) -> Array:
    there = np.abs(one[:, None] - other[None]).max(axis=2).min(axis=1) < 1e-9
    return np.asarray(one[there])


def _ci95(one: Array, other: Array, paired: bool) -> Array:
    """Half widths of the interval of a difference of means over episodes, axis 1; Welch's where there are no pairs."""
    return half_width_95(one - other, axis=1) if paired else welch_95(one, other, axis=1)


def _measures(one: Front, other: Front, calibration: Calibration, paired: bool) -> dict[str, Measure]:
    values, others = measures(one, calibration), measures(other, calibration)
    apart = differences(one, other, calibration, paired)
    return {name: Measure(values[name], others[name], *dataclasses.astuple(apart[name])) for name in MEASURES}
