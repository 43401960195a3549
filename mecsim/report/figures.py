"""Pictures of fronts."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, ScalarFormatter

from mecsim.engines.system import OBJECTIVE_UNITS
from mecsim.scenario import Scenario
from mecsim.sweep import Front, on_front

matplotlib.use("Agg")  # files only: a figure never needs a screen

# Okabe and Ito's colours, which people with any colour vision can tell apart; markers help in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")


def front_figure(fronts: Sequence[Front], scenario: Scenario) -> Figure:
    """Mean points with 95 % intervals for the first two objectives, each front's undominated points joined."""
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.add_subplot()
    names = scenario.objectives
    for index, front in enumerate(fronts):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        mean, ci95 = front.mean, np.nan_to_num(front.ci95)
        if len(names) == 1:
            axes.errorbar([index], mean[:1, 0], ci95[:1, 0], color=colour, marker=marker, label=front.label)
            continue
        axes.errorbar(
            mean[:, 0], mean[:, 1], yerr=ci95[:, 1], xerr=ci95[:, 0],
            fmt=marker, color=colour, markersize=4, elinewidth=0.6, alpha=0.55,
        )  # fmt: skip
        best = mean[on_front(mean)]
        best = best[np.argsort(best[:, 0])]
        axes.plot(best[:, 0], best[:, 1], color=colour, linewidth=1.6, marker=marker, markersize=4, label=front.label)
    axes.set_xlabel(_axis(names[0]))
    axes.set_ylabel(_axis(names[-1]))
    widest = max(float(front.mean[:, 0].max() / max(front.mean[:, 0].min(), 1e-12)) for front in fronts)
    if len(names) > 1 and widest > 5.0:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(LogLocator(subs=(2.0, 3.0, 5.0, 7.0)))
    axes.set_title(scenario.description or "Pareto front")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(title="lower left is better")
    return figure


def save_front(fronts: Sequence[Front], scenario: Scenario, folder: Path) -> Path:
    """Write front.png and front.svg; returns the path of the former."""
    figure = front_figure(fronts, scenario)
    # Without dates and random ids the same front gives the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "mecsim"}):
        figure.savefig(folder / "front.svg", metadata={"Date": None})
    figure.savefig(folder / "front.png", dpi=150)
    return folder / "front.png"


def _axis(objective: str) -> str:
    return f"{objective} per episode ({OBJECTIVE_UNITS[objective]})"
