"""Parallel coordinates of fronts: an axis per objective, a line per point."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.report.front_axes import ObjectiveAxis, objective_axes, shown_front, spread_out
from mecsim.report.style import colour_and_marker, figure_title, plain_number
from mecsim.sweep import Front

MAX_LINES = 9  # strong ones of a front; more cannot be followed by eye
COLUMNS = 3
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def parallel_figure(fronts: Sequence[Front], scenario: Scenario) -> Figure:
    """A panel per front: its undominated points, up to 9 of them in strong lines, and all other fronts in grey.

    The better end of each axis is above; its ends are the worst and the best of all undominated points.
    """
    objectives = objective_axes(fronts, scenario)
    positions = [_positions(front, scenario, objectives) for front in fronts]
    rows = -(-len(fronts) // COLUMNS)
    columns = -(-len(fronts) // rows)
    width = (0.95 * len(objectives) + 0.6) * columns
    figure = Figure(figsize=(max(width, 4.5), 3.0 * rows + 0.8), layout="constrained")
    for index, (front, own) in enumerate(zip(fronts, positions, strict=True)):
        axes = figure.add_subplot(rows, columns, index + 1)
        for other in positions:
            axes.plot(other.T, color="0.75", linewidth=0.5, alpha=0.35)
        colour, marker = colour_and_marker(index)
        strong = spread_out(own, MAX_LINES)
        axes.plot(own.T, color=colour, linewidth=0.6, alpha=0.25)
        axes.plot(own[strong].T, color=colour, linewidth=1.3, alpha=0.8, marker=marker, markersize=3.5)
        _set_axes(axes, objectives)
        axes.set_title(f"{front.label}: {len(own)} point{'s' if len(own) > 1 else ''}", fontsize="medium")
    title = scenario.description or "Pareto front"
    figure.suptitle(figure_title(title, figure.get_figwidth(), "above is better on all axes"))
    return figure


def _positions(front: Front, scenario: Scenario, objectives: Sequence[ObjectiveAxis]) -> NDArray[np.float64]:
    """Where the different undominated points of a front lie on each axis, (k, objectives), 1 being the best."""
    best = np.unique(shown_front(front, scenario), axis=0)  # a policy may do the same for many preferences
    return np.stack([one.position(best[:, column]) for column, one in enumerate(objectives)], axis=1)


def _set_axes(axes: Axes, objectives: Sequence[ObjectiveAxis]) -> None:
    places = range(len(objectives))
    axes.vlines(places, 0.0, 1.0, color="0.2", linewidth=0.8)
    for place, objective in zip(places, objectives, strict=True):
        for share in TICKS:
            axes.plot([place - 0.03, place], [share, share], color="0.2", linewidth=0.8)
            axes.annotate(
                plain_number(objective.between(share)), (place, share), xytext=(-4, 0), textcoords="offset points",
                ha="right", va="center", fontsize="x-small", zorder=4.0,
                bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.7},
            )  # fmt: skip
    axes.set_xlim(-0.45, len(objectives) - 0.85)
    axes.set_ylim(-0.04, 1.04)
    labels = [one.shown.label.replace(" per ", "\nper ").replace(" (", "\n(") for one in objectives]
    axes.set_xticks(list(places), labels, fontsize="small")
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0)
    axes.spines[:].set_visible(False)
