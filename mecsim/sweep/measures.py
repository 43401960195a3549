"""The numbers that an experiment tells of a front, with their 95 % intervals, as columns of a table."""

import numpy as np

from mecsim.policies import Calibration
from mecsim.sweep.bootstrap import half_width_95_of, ratio, resample
from mecsim.sweep.evaluate import Front
from mecsim.sweep.indicators import expected_utility, hypervolume, mean_cost

MEASURES = ("hypervolume", "mean_cost", "expected_utility")


def measured(front: Front, calibration: Calibration) -> dict[str, float]:
    """Each of `MEASURES`, and with `_ci95` the half width of its interval; NaN where a single episode leaves none."""
    resampled = resample(front, calibration)
    told = {}
    for name, value in _values(front, calibration).items():
        told[name] = value
        told[f"{name}_ci95"] = half_width_95_of(getattr(resampled, name))
    return told


def compared(front: Front, other: Front, calibration: Calibration, name: str) -> dict[str, float]:
    """The ratio of each measure to that of another front, as `hypervolume_to_NAME`, with its interval.

    Both must have the same preferences and episodes, so that the interval is that of paired episodes. NaN where the
    other's value is 0.
    """
    values, others = _values(front, calibration), _values(other, calibration)
    resampled, resampled_other = resample(front, calibration), resample(other, calibration)
    told = {}
    for measure in MEASURES:
        key = f"{measure}_to_{name}"
        told[key] = values[measure] / others[measure] if others[measure] else float("nan")
        told[f"{key}_ci95"] = half_width_95_of(ratio(getattr(resampled, measure), getattr(resampled_other, measure)))
    return told


def _values(front: Front, calibration: Calibration) -> dict[str, float]:
    points = np.asarray(front.mean)
    return {
        "hypervolume": hypervolume(points, calibration.reference),
        "mean_cost": mean_cost(points, front.preferences, calibration.scale),
        "expected_utility": expected_utility(points, front.preferences, calibration.scale),
    }
