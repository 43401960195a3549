"""The picture of what satisfies whom: ratings over rates or delays."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator
from numpy.typing import NDArray

from mecsim.core.rating import ADEQUATE_RATING, DESIRED_RATING, TOP_RATING, RatingCurve
from mecsim.core.scenario import Scenario
from mecsim.core.system import system_of
from mecsim.errors import InputError
from mecsim.report.style import COLOURS, figure_title, plain_number

MAX_COLUMNS = 6
MAX_PANELS = 64
ZONE_COLOUR = "0.87"
INCH = 2.1, 1.65  # of a panel


def rating_figure(scenario: Scenario, uses: Sequence[str], seed: int) -> Figure:
    """A panel for each persona and application: the typical person, how people differ, the zone of tolerance.

    Raises:
        InputError: nothing is rated, what is named is not there, or there would be too many panels.
    """
    curves_of = system_of(scenario).rating_curves
    if curves_of is None:
        raise InputError(f"nothing is rated in scenarios of kind {scenario.kind}")
    curves = curves_of.load()(scenario, uses, seed)
    if len(curves) > MAX_PANELS:
        raise InputError(f"{len(curves)} panels, expected at most {MAX_PANELS}: name some of the applications")
    kinds = list(dict.fromkeys(curve.people for curve in curves))
    columns = min(len(kinds), MAX_COLUMNS)
    rows_each = -(-len(kinds) // columns)
    rows = rows_each * (len(curves) // len(kinds))
    size = (max(INCH[0] * columns + 0.4, 4.6), max(INCH[1] * rows + 1.0, 3.4))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(rows, columns)
    for index, curve in enumerate(curves):
        use, kind = divmod(index, len(kinds))
        row, column = use * rows_each + kind // columns, kind % columns
        axes = figure.add_subplot(grid[row, column])
        _panel(axes, curve)
        if row == 0 or rows_each > 1:
            axes.set_title(curve.people, fontsize="small")
        if column == 0:
            axes.set_ylabel(f"{curve.use.replace('_', ' ')}\nrating" if curve.use else "rating", fontsize="small")
        else:
            axes.tick_params(labelleft=False)
    figure.suptitle(figure_title(scenario.description or "Satisfaction", size[0]), fontsize="medium")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(2 * columns, len(labels)), fontsize="small")
    return figure


def _panel(axes: Axes, curve: RatingCurve) -> None:
    values, (p10, p25, p75, p90) = curve.values, curve.quantiles
    zone = zone_of(curve)
    if zone is not None:
        axes.axvspan(*zone, color=ZONE_COLOUR, linewidth=0.0, zorder=0.5, label="zone of tolerance, typical person")
    for rating in (ADEQUATE_RATING, DESIRED_RATING):
        axes.axhline(rating, color="0.4", linewidth=0.6, linestyle=":")
    axes.fill_between(values, p10, p90, color=COLOURS[0], alpha=0.15, linewidth=0.0, label="80 % of the people")
    axes.fill_between(values, p25, p75, color=COLOURS[0], alpha=0.25, linewidth=0.0, label="half of the people")
    axes.plot(values, curve.typical, color=COLOURS[0], linewidth=1.5, label="typical person")
    axes.set_xscale("log")
    axes.set_xlim(values[0], values[-1])
    axes.set_ylim(0.0, TOP_RATING)
    axes.set_yticks(np.arange(TOP_RATING + 1.0))
    ticks = np.geomspace(values[0], values[-1], 3).tolist()
    axes.set_xticks(ticks, [plain_number(tick) for tick in ticks])
    first, _, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")  # so that neighbouring panels do not meet
    last.set_horizontalalignment("right")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize="x-small")
    axes.set_xlabel(curve.quality, fontsize="x-small", labelpad=1.0)


def zone_of(curve: RatingCurve) -> tuple[float, float] | None:
    """Between which values the typical person rates from the adequate level to the desired one, if that is shown."""
    inside: NDArray[np.bool_] = (curve.typical >= ADEQUATE_RATING) & (curve.typical <= DESIRED_RATING)
    ends = sorted(_value_at(curve, rating) for rating in (ADEQUATE_RATING, DESIRED_RATING))
    return (ends[0], ends[1]) if inside.any() else None


def _value_at(curve: RatingCurve, rating: float) -> float:
    """The value that the typical person rates so, or the end of what is shown that comes nearest to it."""
    rises = curve.typical[-1] >= curve.typical[0]
    ratings, logarithm = (array if rises else array[::-1] for array in (curve.typical, np.log(curve.values)))
    return float(np.exp(np.interp(rating, ratings, logarithm)))
