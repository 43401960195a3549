"""The axis of an objective in the pictures of fronts: its range, whether it is logarithmic, which end is better."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, ScalarFormatter
from numpy.typing import NDArray

from mecsim.core.objective import Objective
from mecsim.core.system import objectives_of, values_shown
from mecsim.report.style import colour_and_marker, plain_number
from mecsim.scenario import Scenario
from mecsim.sweep import Front, on_front

Array = NDArray[np.float64]

WIDE = 5.0  # from this ratio of largest to smallest on, costs are shown on a logarithmic axis
FEW_FROM = 8.0  # and from this one on they leave less room for numbers
MARGIN = 0.04  # of the range, beyond both of its ends


@dataclass(frozen=True, slots=True)
class ObjectiveAxis:
    """An objective over all points that are shown."""

    shown: Objective
    low: float
    high: float
    log: bool

    @property
    def limits(self) -> tuple[float, float]:
        """The two ends with a margin, the worse one first."""
        low, high = self.placed(np.array([self.low, self.high])).tolist()
        margin = MARGIN * (high - low) if high > low else 0.5
        low, high = low - margin, high + margin
        if self.log:
            low, high = 10.0**low, 10.0**high
        return (low, high) if self.shown.higher_is_better else (high, low)

    def placed(self, values: Array) -> Array:
        """Values of the objective where they lie on a plain axis: logarithms, if it is logarithmic."""
        return np.log10(values) if self.log else values

    def position(self, values: Array) -> Array:
        """How far from the worse end of the range to the better one, 0 to 1; 1 where there is no range."""
        low, high = self.placed(np.array([self.low, self.high])).tolist()
        if high <= low:
            return np.ones_like(values)
        share = (self.placed(values) - low) / (high - low)
        return np.asarray(share if self.shown.higher_is_better else 1.0 - share)

    def between(self, share: float) -> float:
        """The value at a `position`."""
        low, high = self.placed(np.array([self.low, self.high])).tolist()
        at = low + (high - low) * (share if self.shown.higher_is_better else 1.0 - share)
        return float(10.0**at if self.log else at)


def objective_axes(fronts: Sequence[Front], scenario: Scenario) -> list[ObjectiveAxis]:
    """The axes of the objectives of a scenario, over the points of all fronts that no other of their front dominates.

    Costs that differ much have a logarithmic one, if none is 0.
    """
    best = np.concatenate([shown_front(front, scenario) for front in fronts])
    ranges = zip(objectives_of(scenario), best.min(axis=0).tolist(), best.max(axis=0).tolist(), strict=True)
    return [
        ObjectiveAxis(shown, low, high, not shown.higher_is_better and low > 0.0 and high > WIDE * low)
        for shown, low, high in ranges
    ]


def shown_front(front: Front, scenario: Scenario) -> Array:
    """The undominated points of a front as they are shown, (k, objectives)."""
    return values_shown(front.mean[on_front(front.mean)], scenario)


def shown_ci95(front: Front) -> Array:
    """Half widths of the intervals in pictures: over trainings, if there are several, else over episodes; 0 if none."""
    return np.nan_to_num(front.trainings_ci95 if front.trainings else front.ci95)


def label_weights(axes: Axes, front: Front, scenario: Scenario, pair: tuple[int, int], index: int, count: int) -> None:
    """Write the preference beside at most `count` undominated points of a front in a panel of two objectives.

    The points are as far from each other as can be; `index` is the front's place in the picture.
    """
    best = np.flatnonzero(on_front(front.mean))
    ranges = [axis.position(values_shown(front.mean[best], scenario)[:, place]) for place, axis in
              enumerate(objective_axes([front], scenario))]  # fmt: skip
    for point in best[spread_out(np.stack(ranges, axis=1), count)] if count else ():
        x, y = values_shown(front.mean[[point]], scenario)[0, list(pair)].tolist()
        if _inside(axes, x, y):
            side = 1 if index % 2 else -1  # of two neighbours each has one side for itself
            axes.annotate(
                ":".join(f"{weight:.2g}" for weight in front.preferences[point]), (x, y),
                xytext=(4 * side, 4 * side), textcoords="offset points",
                ha="left" if side > 0 else "right", va="bottom" if side > 0 else "top",
                fontsize="x-small", color=colour_and_marker(index)[0], zorder=4.0,
                bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none", "alpha": 0.7},
            )  # fmt: skip


def _inside(axes: Axes, x: float, y: float) -> bool:
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    return bool(left <= x <= right and low <= y <= high)


def spread_out(points: Array, count: int) -> NDArray[np.int64]:
    """At most `count` of the points (k, objectives), from 0 to 1, that are far from each other; indices in order.

    The best in each objective come first, then always the one that is farthest from all that are taken.
    """
    if len(points) <= count:
        return np.arange(len(points))
    taken = list(dict.fromkeys(points.argmax(axis=0).tolist()))[:count]
    gap = np.linalg.norm(points[:, None] - points[taken], axis=2).min(axis=1)
    while len(taken) < count:
        taken.append(int(gap.argmax()))
        gap = np.minimum(gap, np.linalg.norm(points - points[taken[-1]], axis=1))
    return np.sort(np.array(taken, np.int64))


def plain_log_ticks(axis: Axis, few: bool = False) -> None:
    """Numbers instead of powers of ten on a logarithmic axis; `few` where there is room for three in a decade."""
    axis.set_major_formatter(ScalarFormatter())
    axis.set_minor_formatter(ScalarFormatter())
    axis.set_minor_locator(LogLocator(subs=(2.0, 5.0) if few else (2.0, 3.0, 5.0, 7.0)))


def exponent_ticks(axis: Axis, low: float, high: float) -> None:
    """Ticks of a plain axis that shows the decimal logarithms of values from `low` to `high`."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [factor * 10.0**decade for decade in decades for factor in (1.0, 2.0, 5.0)]
    axis.set_ticks([float(np.log10(tick)) for tick in ticks if low <= tick <= high])
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(10.0**value)))
