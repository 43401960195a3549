"""The numbers that an experiment tells of a front, with their 95 % intervals, as columns of a table."""

from pathlib import Path

import numpy as np

from mecsim.policies import Calibration
from mecsim.sweep.bootstrap import half_width_95_of, ratio, resample
from mecsim.sweep.front import Front
from mecsim.sweep.indicators import expected_utility, hypervolume, mean_cost

MEASURES = ("hypervolume", "mean_cost", "expected_utility")
"""Names of the indicators, as fields of `Quality`."""


def measured(front: Front, calibration: Calibration) -> dict[str, float]:
    """Each of `MEASURES`, and with `_ci95` the half width of its interval; NaN where a single episode leaves none."""
    resampled = resample(front, calibration)
    told = {}
    for name, value in measures(front, calibration).items():
        told[name] = value
        told[f"{name}_ci95"] = half_width_95_of(getattr(resampled, name))
    return told


def compared(front: Front, other: Front, calibration: Calibration, name: str) -> dict[str, float]:
    """The ratio of each measure to that of another front, as `hypervolume_to_NAME`, with its interval.

    Both must have the same preferences and episodes, so that the interval is that of paired episodes. NaN where the
    other's value is 0.
    """
    values, others = measures(front, calibration), measures(other, calibration)
    resampled, resampled_other = resample(front, calibration), resample(other, calibration)
    told = {}
    for measure in MEASURES:
        key = f"{measure}_to_{name}"
        told[key] = values[measure] / others[measure] if others[measure] else float("nan")
        told[f"{key}_ci95"] = half_width_95_of(ratio(getattr(resampled, measure), getattr(resampled_other, measure)))
    return told


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
    points = np.asarray(front.mean)
    return {
        "hypervolume": hypervolume(points, calibration.reference),
        "mean_cost": mean_cost(points, front.preferences, calibration.scale),
        "expected_utility": expected_utility(points, front.preferences, calibration.scale),
    }
