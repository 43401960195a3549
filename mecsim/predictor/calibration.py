"""From mean reports to median ones. Reports end at 0 and 5, so noise moves their mean, but not their median, away from
what people feel."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled
from mecsim.core.rating import TOP_RATING

Array = NDArray[np.float64]

CALIBRATED = 101  # points from 0 to 5 at which the calibration is known
UNCALIBRATED = np.linspace(0.0, TOP_RATING, CALIBRATED)
BIN_REPORTS, MAX_BINS = 50, 200
MAX_STEPS = 101  # a scale of more steps is taken for one without


def fitted_calibration(expected: Array, reported: Array) -> Array:
    """The median report where the mean report is that of UNCALIBRATED, never falling, (CALIBRATED,).

    Args:
        expected: mean reports, (R,). reported: what came, (R,).
    """
    bins = int(np.clip(len(expected) // BIN_REPORTS, 1, MAX_BINS))
    parts = np.array_split(np.argsort(expected, kind="stable"), bins)
    mean = np.array([expected[part].mean() for part in parts])
    steps = np.unique(reported)
    step = float(np.diff(steps).min()) if 1 < len(steps) <= MAX_STEPS else 0.0
    median = np.maximum.accumulate(np.array([grouped_median(reported[part], step) for part in parts]))
    moved = UNCALIBRATED + np.interp(UNCALIBRATED, mean, median - mean)
    return np.maximum.accumulate(np.clip(moved, 0.0, TOP_RATING))


def grouped_median(reported: Array, step: float) -> float:
    """The median of reports on a scale of steps, each of which stands for all that lies nearest to it.

    Reports are taken as even over their step, so that the median of a scale of stars is no staircase.
    """
    middle = float(np.median(reported))
    if not step:
        return middle
    below, here = (reported < middle - 0.5 * step).mean(), (np.abs(reported - middle) <= 0.5 * step).mean()
    return middle + step * float((0.5 - below) / here - 0.5)


@compiled
def calibrate(curve: Array, calibration: Array) -> None:
    """Turn mean reports into median ones, in place."""
    for cell in range(len(curve)):
        at = min(max(curve[cell] * ((CALIBRATED - 1) / TOP_RATING), 0.0), CALIBRATED - 1.000001)
        low = int(at)
        part = (at - low) * (calibration[low + 1] - calibration[low])
        curve[cell] = min(calibration[low] + part, calibration[low + 1])
