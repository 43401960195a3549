"""The numbers that an experiment tells of a front, with their 95 % intervals, as columns of a table."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy

from mecsim.policies import Calibration
from mecsim.sweep.bootstrap import Array, estimates
from mecsim.sweep.front import Front, half_width_95
from mecsim.sweep.indicators import INDICATORS

MEASURES = tuple(INDICATORS)
"""Names of the indicators that have intervals, as fields of `Quality`."""


@dataclass(frozen=True)
class Difference:
    """How two targets differ in a number, the first minus the second, with half widths of 95 % intervals."""

    difference: float
    ci95: float  # over episodes; NaN of single ones
    trainings_ci95: float  # over trainings; NaN where there are not several


def measured(front: Front, calibration: Calibration) -> dict[str, float]:
    """Each of `MEASURES`, and with `_ci95` the half width of its interval; NaN where a single episode leaves none."""
    told = {}
    for name, found in estimates(front, calibration).items():
        told[name] = found.value
        told[f"{name}_ci95"] = found.ci95
    return told


def compared(front: Front, other: Front, calibration: Calibration, name: str) -> dict[str, float]:
    """The ratio of each measure to that of another front, as `hypervolume_to_NAME`, with its interval.

    Both must have the same preferences and episodes, so that the interval is that of paired episodes. NaN where the
    other's value is 0.
    """
    found, others = estimates(front, calibration), estimates(other, calibration)
    told = {}
    for measure in MEASURES:
        ratio = found[measure] / others[measure]
        told[f"{measure}_to_{name}"] = ratio.value
        told[f"{measure}_to_{name}_ci95"] = ratio.ci95
    return told


def differences(front: Front, other: Front, calibration: Calibration, paired: bool = True) -> dict[str, Difference]:
    """How a front differs from another in each of `MEASURES`.

    Where both met the same preferences and episodes they are `paired`, and the noise that they share cancels. Over
    trainings the interval is Student's of those of one target, and Welch's where both have several.
    """
    found, others = estimates(front, calibration), estimates(other, calibration, seed=0 if paired else 1)
    return {
        name: Difference(
            found[name].value - others[name].value,
            (found[name] - others[name]).ci95 if paired else found[name].ci95_of_difference(others[name]),
            _over_trainings(front, other, calibration, name),
        )
        for name in MEASURES
    }


def _over_trainings(one: Front, other: Front, calibration: Calibration, name: str) -> float:
    each = [np.array([measures(run, calibration)[name] for run in front.trainings]) for front in (one, other)]
    several = [values for values in each if len(values)]
    if len(several) > 1:
        return float(welch_95(several[0], several[1]))
    return float(half_width_95(several[0])) if several else float("nan")


def welch_95(one: Array, other: Array, axis: int = 0) -> Array:
    """Half width of Welch's 95 % interval of the difference of two means; NaN of single values."""
    if min(one.shape[axis], other.shape[axis]) < 2:
        return np.full(np.delete(one.shape, axis), np.nan)
    each = [values.var(axis=axis, ddof=1) / values.shape[axis] for values in (one, other)]
    total = each[0] + each[1]
    spread = each[0] ** 2 / (one.shape[axis] - 1) + each[1] ** 2 / (other.shape[axis] - 1)
    freedom = np.divide(total**2, spread, out=np.full(total.shape, 1.0), where=spread > 0.0)
    return np.asarray(scipy.special.stdtrit(np.maximum(freedom, 1.0), 0.975) * np.sqrt(total))


def by_training(front: Front, greedy: Front, calibration: Calibration) -> dict[str, dict[str, float]]:
    """What each of several trainings came to, by the name of its run: `MEASURES`, and the mean cost relative to greedy.

    Greedy was played on the same episodes. NaN where its cost is 0.
    """
    cost = measures(greedy, calibration)["mean_cost"]
    told = {}
    for one in front.trainings:
        found = measures(one, calibration)
        to_greedy = found["mean_cost"] / cost if cost else float("nan")
        told[Path(one.target).name] = {**found, "mean_cost_ratio_to_greedy": to_greedy}
    return told


def measures(front: Front, calibration: Calibration) -> dict[str, float]:
    """Each of `MEASURES`; of several trainings the mean of what each came to, not what their mean points would."""
    if front.trainings:
        each = [measures(one, calibration) for one in front.trainings]
        return {name: float(np.mean([one[name] for one in each])) for name in MEASURES}
    return {name: float(of(front.mean[None], front.preferences, calibration)[0]) for name, of in INDICATORS.items()}
