"""Fronts of three and more objectives as the matrix of all pairs; of three also in space."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mecsim.core.system import values_shown
from mecsim.report.front_axes import (
    FEW_FROM,
    ObjectiveAxis,
    exponent_ticks,
    label_weights,
    objective_axes,
    plain_log_ticks,
    shown_ci95,
    shown_front,
)
from mecsim.report.style import SCREEN, Look, colour_and_marker, figure_title
from mecsim.scenario import Scenario
from mecsim.sweep import Front, on_front

PANEL_INCH = 2.7
SHORT_LABEL = 12  # characters, of which four fit side by side
VIEW = {"elev": 24.0, "azim": 40.0}  # from where the best corner is the nearest and upmost


def pairs_figure(fronts: Sequence[Front], scenario: Scenario, look: Look = SCREEN) -> Figure:
    """Every pair of objectives: undominated mean points with 95 % intervals, and faint what is dominated.

    All axes run towards the better: right and up. Whether a point is dominated is asked of all objectives, so what
    stands behind another one in a panel is better in an objective that the panel does not show. A line joins the points
    of a front that are undominated in the two objectives of the panel alone.
    """
    objectives = objective_axes(fronts, scenario)
    rows = len(objectives) - 1
    width_inch = look.width_inch or PANEL_INCH * rows + 0.6
    figure = Figure(figsize=(width_inch, width_inch + 0.1), layout="constrained")
    grid = figure.add_gridspec(rows, rows)
    for row in range(rows):
        for column in range(row + 1):
            axes = figure.add_subplot(grid[row, column])
            _pair(axes, fronts, scenario, (column, row + 1), look.marker_points)
            _set_axes(axes, objectives[column], objectives[row + 1], inner=(row < rows - 1, column > 0))
            for one, name in ((objectives[column], "x"), (objectives[row + 1], "y")):
                if one.shown.name in look.limits:
                    worse, better = look.limits[one.shown.name][:: 1 if one.shown.higher_is_better else -1]
                    axes.set(**{f"{name}lim": (worse, better)})
            for index, front in enumerate(fronts):
                label_weights(axes, front, scenario, (column, row + 1), index, look.weights_at)
    if rows == 2 and not look.narrow:
        _space(figure.add_subplot(grid[0, 1], projection="3d", computed_zorder=False), fronts, scenario, objectives)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if look.titled:
        title = scenario.description or "Pareto front"
        figure.suptitle(figure_title(title, figure.get_figwidth(), "right and up are better on all axes"))
    if rows == 2:
        columns = 4 if max(map(len, labels)) <= SHORT_LABEL else 2
        figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)))
    else:  # there is room beside the diagonal
        figure.legend(handles, labels, loc="upper right", bbox_to_anchor=(0.98, 0.92))
    return figure


def _pair(axes: Axes, fronts: Sequence[Front], scenario: Scenario, pair: tuple[int, int], marker_points: float) -> None:
    for index, front in enumerate(fronts):
        colour, marker = colour_and_marker(index)
        best = on_front(front.mean)
        (x, y), (dx, dy) = (values[:, pair].T for values in (values_shown(front.mean, scenario), shown_ci95(front)))
        if not best.all():
            axes.plot(x[~best], y[~best], marker, color=colour, markersize=2.5, alpha=0.25, markeredgewidth=0.0)
        axes.errorbar(
            x[best], y[best], xerr=dx[best], yerr=dy[best],
            fmt=marker, color=colour, markersize=0.85 * marker_points, elinewidth=0.5, alpha=0.6, markeredgewidth=0.0,
        )  # fmt: skip
        outer = np.flatnonzero(on_front(front.mean[:, pair]))
        outer = outer[np.argsort(x[outer], kind="stable")]
        axes.plot(
            x[outer], y[outer], color=colour, linewidth=1.3, marker=marker, markersize=marker_points, label=front.label
        )


def _set_axes(axes: Axes, across: ObjectiveAxis, upwards: ObjectiveAxis, inner: tuple[bool, bool]) -> None:
    """Scales, limits and labels; `inner`: whether those of x and y stand at another panel of the column or row."""
    for objective, name, hidden in zip((across, upwards), "xy", inner, strict=True):
        if objective.log:
            axes.set(**{f"{name}scale": "log"})
            axis = axes.xaxis if name == "x" else axes.yaxis
            plain_log_ticks(axis, few=objective.high > FEW_FROM * objective.low)
        axes.set(**{f"{name}lim": objective.limits})
        if not hidden:
            axes.set(**{f"{name}label": objective.shown.label})
    axes.tick_params(which="both", labelsize="small", labelbottom=not inner[0], labelleft=not inner[1])
    axes.grid(visible=True, alpha=0.3)


def _space(axes: Any, fronts: Sequence[Front], scenario: Scenario, objectives: Sequence[ObjectiveAxis]) -> None:
    """The undominated points of three objectives, each on a thin line from the floor; `axes` have three dimensions."""
    for index, front in enumerate(fronts):
        colour, marker = colour_and_marker(index)
        x, y, z = _placed(shown_front(front, scenario), objectives)
        floor = float(_placed(np.array([[one.limits[0] for one in objectives]]), objectives)[2, 0])
        for at in zip(x.tolist(), y.tolist(), z.tolist(), strict=True):
            axes.plot([at[0]] * 2, [at[1]] * 2, [floor, at[2]], color=colour, linewidth=0.4, alpha=0.35)
        axes.plot(x, y, z, marker, color=colour, markersize=3.5, markeredgewidth=0.0, alpha=0.9)
    for objective, name in zip(objectives, "xyz", strict=True):
        axis = getattr(axes, f"{name}axis")
        ends = objective.limits
        if objective.log:
            exponent_ticks(axis, min(ends), max(ends))
        axes.set(**{f"{name}lim": tuple(objective.placed(np.array(ends)).tolist())})
        label = objective.shown.label
        axes.set(**{f"{name}label": label if name == "z" else label.replace(" per ", "\nper ")})
        axis.label.set_size("x-small")
        axes.tick_params(name, labelsize="x-small", pad=-1)
    axes.view_init(**VIEW)
    axes.set_box_aspect(None, zoom=0.84)


def _placed(points: NDArray[np.float64], objectives: Sequence[ObjectiveAxis]) -> NDArray[np.float64]:
    """Coordinates of points (k, objectives) on plain axes, (objectives, k)."""
    return np.stack([one.placed(points[:, column]) for column, one in enumerate(objectives)])
