"""What a policy does and reaches over the weight that an objective is given."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.system import layout_of, objectives_of, values_shown
from mecsim.report.front_axes import shown_ci95
from mecsim.report.style import COLOURS, colour_and_marker
from mecsim.sweep import Front

Array = NDArray[np.float64]

LEVEL = 0.05
"""Weights of three and more objectives are told in such steps: many preferences share one."""

SHOWN_OPTIONS = 7
"""Options that are told apart, those with the largest shares; the others are one band."""


def over_weight(weights: Array, values: Array) -> tuple[Array, Array]:
    """The different weights (L,), growing, and the mean of the values (K, …) of all preferences that share one."""
    levels, which = np.unique(weights.round(9), return_inverse=True)
    return levels, np.stack([values[which == level].mean(axis=0) for level in range(len(levels))])


def told_weights(preferences: Array) -> Array:
    """Weights (K, objectives) as curves are drawn over them: exact for two objectives, else in steps of `LEVEL`."""
    return preferences if preferences.shape[1] <= 2 else np.asarray((preferences / LEVEL).round() * LEVEL)


def objectives_figure(fronts: Sequence[Front], scenario: Scenario) -> Figure:
    """A panel per objective: what each target reaches in it over its weight, with 95 % intervals.

    From three objectives on many preferences share a weight: the line is their mean, the points are all of them.
    """
    figure = Figure(figsize=(3.6 * len(scenario.objectives) + 0.4, 3.4), layout="constrained")
    for column, objective in enumerate(objectives_of(scenario)):
        axes = figure.add_subplot(1, len(scenario.objectives), column + 1)
        for index, front in enumerate(fronts):
            colour, marker = colour_and_marker(index)
            weights, values = told_weights(front.preferences)[:, column], values_shown(front.mean, scenario)[:, column]
            axes.errorbar(
                weights, values, shown_ci95(front)[:, column],
                fmt=marker, color=colour, markersize=3, elinewidth=0.6, alpha=0.7,
            )  # fmt: skip
            axes.plot(*over_weight(weights, values), color=colour, linewidth=1.3, label=front.label)
        axes.set_title(objective.label, fontsize="medium")
        _weight_axis(axes, objective.name)
    figure.axes[0].legend(fontsize="small")
    return figure


def options_figure(preferences: Array, shares: Array, scenario: Scenario) -> Figure:
    """Shares (K, A) of the options in the decisions, stacked over the weight of an objective.

    Of two objectives the first stands for both; of more each has a panel, in which preferences that share its weight
    are averaged.
    """
    names, shares = _most_used(layout_of(scenario).option_names, shares)
    panels = 1 if len(scenario.objectives) <= 2 else len(scenario.objectives)
    figure = Figure(figsize=(3.6 * panels + 2.2, 3.4), layout="constrained")
    for column in range(panels):
        axes = figure.add_subplot(1, panels, column + 1)
        levels, means = over_weight(told_weights(preferences)[:, column], shares)
        if len(levels) == 1:  # a band needs two ends
            levels, means = np.array([0.0, 1.0]), np.repeat(means, 2, axis=0)
        axes.stackplot(levels, means.T, labels=names, colors=COLOURS)
        axes.set_ylim(0.0, 1.0)
        axes.set_ylabel("share of the decisions" if column == 0 else "")
        _weight_axis(axes, scenario.objectives[column])
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", fontsize="small")
    return figure


def _most_used(names: Sequence[str], shares: Array) -> tuple[list[str], Array]:
    """The options that are told apart, in their own order, with their shares, and all others together."""
    if len(names) <= SHOWN_OPTIONS + 1:
        return list(names), shares
    most = np.sort(np.argsort(-shares.mean(axis=0), kind="stable")[:SHOWN_OPTIONS])
    rest = 1.0 - shares[:, most].sum(axis=1, keepdims=True)
    told = [*(names[option] for option in most), f"{len(names) - SHOWN_OPTIONS:,} others"]
    return told, np.concatenate([shares[:, most], rest], axis=1)


def _weight_axis(axes: Axes, objective: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel(f"weight of {objective.replace('_', ' ')}")
    axes.grid(visible=True, alpha=0.3)
