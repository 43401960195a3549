"""Plain charts of experiments: lines with intervals, and bars. Small PNG files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mecsim.core.files import atomic_write
from mecsim.core.scenario import Scenario
from mecsim.report.figures import front_figure
from mecsim.report.style import COLOURS, colour_and_marker
from mecsim.sweep import Front

DPI = 100


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over some quantity; `half_width` is that of a 95 % interval."""

    label: str
    x: ArrayLike
    y: ArrayLike
    half_width: ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands in one pair of axes; `log` makes both of them logarithmic."""

    x_label: str
    y_label: str
    curves: Sequence[Curve]
    log: bool = False


def save_lines(path: Path, title: str, panels: Sequence[Panel], marked: bool = True) -> Path:
    """Panels side by side, each with a line per curve; `marked` shows every point. Returns the path."""
    figure = Figure(figsize=(4.8 * len(panels) + 0.6, 3.8), layout="constrained")
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), index + 1)
        for number, curve in enumerate(panel.curves):
            colour, marker = colour_and_marker(number)
            half = None if curve.half_width is None else np.nan_to_num(np.asarray(curve.half_width, np.float64))
            axes.errorbar(
                np.asarray(curve.x), np.asarray(curve.y), yerr=half,
                color=colour, marker=marker if marked else "", markersize=3, linewidth=1.2, elinewidth=0.6,
                label=curve.label,
            )  # fmt: skip
        axes.set_xlabel(panel.x_label)
        axes.set_ylabel(panel.y_label)
        if panel.log:
            axes.set_xscale("log")
            axes.set_yscale("log")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize="small")
    figure.suptitle(title)
    return _save(figure, path)


def save_bars(
    path: Path, title: str, y_label: str, labels: Sequence[str], values: Sequence[float], half_widths: Sequence[float]
) -> Path:
    """A bar with its 95 % interval for each label; values that are NaN have none. Returns the path."""
    figure = Figure(figsize=(max(4.8, 0.75 * len(labels) + 1.5), 3.8), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(labels))
    axes.bar(places, np.nan_to_num(values), yerr=np.nan_to_num(half_widths), color=COLOURS[0], capsize=2)
    axes.set_xticks(places, labels, rotation=30, ha="right", fontsize="small")
    axes.set_ylabel(y_label)
    axes.grid(visible=True, axis="y", alpha=0.3)
    axes.set_title(title)
    return _save(figure, path)


def save_fronts(path: Path, fronts: Sequence[Front], scenario: Scenario) -> Path:
    """The fronts' mean points with intervals as one PNG. Returns the path."""
    return _save(front_figure(fronts, scenario), path)


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        figure.savefig(partial, dpi=DPI)
    return path
