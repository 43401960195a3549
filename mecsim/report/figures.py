"""Pictures of fronts."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, ScalarFormatter

from mecsim.scenario import AnyScenario, shown_objectives, values_shown
from mecsim.sweep import Front, on_front

matplotlib.use("Agg")  # files only: a figure never needs a screen

# Okabe and Ito's colours, which people with any colour vision can tell apart; markers help in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")


def front_figure(fronts: Sequence[Front], scenario: AnyScenario) -> Figure:
    """Mean points with 95 % intervals for the first two objectives, each front's undominated points joined."""
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.add_subplot()
    shown = shown_objectives(scenario)
    for index, front in enumerate(fronts):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        mean = values_shown(front.mean, scenario)
        ci95 = np.nan_to_num(front.ci95)
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
    axes.set_xlabel(shown[0].label)
    axes.set_ylabel(shown[-1].label)
    widest = max(float(front.mean[:, 0].max() / max(front.mean[:, 0].min(), 1e-12)) for front in fronts)
    if len(shown) > 1 and widest > 5.0 and not shown[0].higher_is_better:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(LogLocator(subs=(2.0, 3.0, 5.0, 7.0)))
    axes.set_title(scenario.description or "Pareto front")
    axes.grid(visible=True, alpha=0.3)
    better = {one.higher_is_better for one in shown}
    axes.legend(
        title={frozenset({True}): "upper right is better", frozenset({False}): "lower left is better"}.get(
            frozenset(better)
        )
    )
    return figure


def save_front(fronts: Sequence[Front], scenario: AnyScenario, folder: Path) -> Path:
    """Write front.png and front.svg; returns the path of the former."""
    figure = front_figure(fronts, scenario)
    # Without dates and random ids the same front gives the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "mecsim"}):
        figure.savefig(folder / "front.svg", metadata={"Date": None})
    figure.savefig(folder / "front.png", dpi=150)
    return folder / "front.png"
