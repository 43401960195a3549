"""Fronts of two objectives as a plane, and of a single one."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mecsim.core.system import objectives_of, values_shown
from mecsim.report.front_axes import WIDE, label_weights, plain_log_ticks, shown_ci95
from mecsim.report.style import SCREEN, Look, colour_and_marker
from mecsim.scenario import Scenario
from mecsim.sweep import Front, on_front

WIDTH_INCH = 7.0
HEIGHT = 0.66  # of the width, but at least 2.5 inch


def plane_figure(fronts: Sequence[Front], scenario: Scenario, look: Look = SCREEN) -> Figure:
    """Mean points with 95 % intervals, each front's undominated points joined."""
    width_inch = look.width_inch or WIDTH_INCH
    figure = Figure(figsize=(width_inch, max(2.5, HEIGHT * width_inch)), layout="constrained")
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
            fmt=marker, color=colour, markersize=look.marker_points, elinewidth=0.6, alpha=0.55,
        )  # fmt: skip
        best = mean[on_front(front.mean)]
        best = best[np.argsort(best[:, 0])]
        axes.plot(
            best[:, 0], best[:, 1], color=colour, linewidth=0.4 * look.marker_points,
            marker=marker, markersize=look.marker_points, label=front.label,
        )  # fmt: skip
    axes.set_ylabel(shown[-1].label)
    if len(shown) == 1:
        axes.set_xticks([])  # side by side, in the order of the targets
    else:
        axes.set_xlabel(shown[0].label)
    widest = max(float(front.mean[:, 0].max() / max(front.mean[:, 0].min(), 1e-12)) for front in fronts)
    if len(shown) > 1 and widest > WIDE and not shown[0].higher_is_better:
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
    if look.titled:
        axes.set_title(scenario.description or "Pareto front")
    for one, name in zip(shown, "y" if len(shown) == 1 else "xy", strict=True):
        if one.name in look.limits:
            axes.set(**{f"{name}lim": look.limits[one.name]})
    if len(shown) > 1:
        for index, front in enumerate(fronts):
            label_weights(axes, front, scenario, (0, 1), index, look.weights_at)
    axes.grid(visible=True, alpha=0.3)
    height = "upper" if shown[-1].higher_is_better else "lower"
    side = "" if len(shown) == 1 else " right" if shown[0].higher_is_better else " left"
    axes.legend(title=f"{height}{side} is better")
    return figure
