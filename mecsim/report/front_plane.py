"""Fronts of two objectives as a plane, and of a single one."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mecsim.core.system import objectives_of, values_shown
from mecsim.report.front_axes import WIDE, plain_log_ticks, shown_ci95
from mecsim.report.style import colour_and_marker
from mecsim.scenario import Scenario
from mecsim.sweep import Front, on_front


def plane_figure(fronts: Sequence[Front], scenario: Scenario) -> Figure:
    """Mean points with 95 % intervals, each front's undominated points joined."""
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.add_subplot()
    shown = objectives_of(scenario)
    for index, front in enumerate(fronts):
        colour, marker = colour_and_marker(index)
        mean = values_shown(front.mean, scenario)
        ci95 = shown_ci95(front)
        if len(shown) == 1:
            axes.errorbar([index], mean[:1, 0], ci95[:1, 0], color=colour, marker=marker, label=front.label)
            continue
        axes.errorbar(
            mean[:, 0], mean[:, 1], yerr=ci95[:, 1], xerr=ci95[:, 0],
            fmt=marker, color=colour, markersize=4, elinewidth=0.6, alpha=0.55,
        )  # fmt: skip
        best = mean[on_front(front.mean)]
        best = best[np.argsort(best[:, 0])]
        axes.plot(best[:, 0], best[:, 1], color=colour, linewidth=1.6, marker=marker, markersize=4, label=front.label)
    axes.set_ylabel(shown[-1].label)
    if len(shown) == 1:
        axes.set_xticks([])  # side by side, in the order of the targets
    else:
        axes.set_xlabel(shown[0].label)
    widest = max(float(front.mean[:, 0].max() / max(front.mean[:, 0].min(), 1e-12)) for front in fronts)
    if len(shown) > 1 and widest > WIDE and not shown[0].higher_is_better:
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
    axes.set_title(scenario.description or "Pareto front")
    axes.grid(visible=True, alpha=0.3)
    height = "upper" if shown[-1].higher_is_better else "lower"
    side = "" if len(shown) == 1 else " right" if shown[0].higher_is_better else " left"
    axes.legend(title=f"{height}{side} is better")
    return figure
