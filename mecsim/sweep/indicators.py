"""Quality of a front. Costs are minimised; points are (K, objectives) means per episode in physical units.

The indicators themselves are pymoo's, but for the area of two objectives; this file says what they are applied to.
pymoo is imported where it is used, as most of what plays policies does without.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.policies import Calibration

Array = NDArray[np.float64]


def on_front(points: Array) -> NDArray[np.bool_]:
    """Which of the points are dominated by no other, (K,). Of equal points all count."""
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    mask = np.zeros(len(points), np.bool_)
    mask[NonDominatedSorting().do(points, only_non_dominated_front=True)] = True
    return mask


def hypervolume(points: Array, reference: Array) -> float:
    """Volume dominated by the points up to the reference point; 0 if none is better than it in all objectives."""
    return float(_hypervolumes(points[None], reference)[0])


def _hypervolumes(points: Array, reference: Array) -> Array:
    """Of each of B sets of points (B, K, objectives); two objectives at once, as intervals ask for thousands."""
    if points.shape[2] == 2:
        clipped = np.minimum(points, reference)
        order = np.argsort(clipped[..., 0], axis=1)
        first, second = (np.take_along_axis(clipped[..., objective], order, axis=1) for objective in (0, 1))
        widths = np.diff(first, axis=1, append=np.full((len(points), 1), reference[0]))
        return np.asarray((widths * (reference[1] - np.minimum.accumulate(second, axis=1))).sum(axis=1))
    from pymoo.indicators.hv import HV

    volume = HV(ref_point=reference)
    inside = (one[(one < reference).all(axis=1)] for one in points)
    return np.array([float(volume(one)) if len(one) else 0.0 for one in inside])


def mean_cost(points: Array, preferences: Array, scale: Array) -> float:
    """Mean over preferences of the scalarised cost Σ ω_i·c_i/scale_i at the point played for that preference."""
    return float(_mean_costs(points, preferences, scale))


def _mean_costs(points: Array, preferences: Array, scale: Array) -> Array:
    return np.asarray(np.einsum("...ko,ko->...k", points / scale, preferences).mean(axis=-1))


def expected_utility(points: Array, preferences: Array, scale: Array) -> float:
    """Mean over preferences of the scalarised cost at the best of all points: a user who picks from the front."""
    return float(_expected_utilities(points, preferences, scale))


def _expected_utilities(points: Array, preferences: Array, scale: Array) -> Array:
    return np.asarray((preferences @ np.swapaxes(points / scale, -1, -2)).min(axis=-1).mean(axis=-1))


def igd_plus(points: Array, best_known: Array) -> float:
    """IGD+ to the best-known front (Ishibuchi 2015), both normalised by the range of that front. 0 is best."""
    from pymoo.indicators.igd_plus import IGDPlus

    low = best_known.min(axis=0)
    span = best_known.max(axis=0) - low
    size = np.where(low != 0.0, np.abs(low), 1.0)
    span = np.where(span > 0.0, span, size)  # a single point, perhaps met twice, has no range to normalise by
    return float(IGDPlus((best_known - low) / span)((points - low) / span))


INDICATORS: Mapping[str, Callable[[Array, Array, Calibration], Array]] = {
    "hypervolume": lambda points, _, by: _hypervolumes(points, by.reference),
    "mean_cost": lambda points, preferences, by: _mean_costs(points, preferences, by.scale),
    "expected_utility": lambda points, preferences, by: _expected_utilities(points, preferences, by.scale),
}
"""Those that have intervals: of B sets of points (B, K, objectives), their preferences and what measures them."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The indicators of one front, undiscounted."""

    hypervolume: float  # product of the objectives' units; higher is better
    mean_cost: float  # at the asked preference, no unit; lower is better
    expected_utility: float  # as a cost at the best point of the front, no unit; lower is better
    igd_plus: float  # no unit; lower is better
    cardinality: int  # number of points on the front
