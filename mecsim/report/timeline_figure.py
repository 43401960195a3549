"""The picture of an episode: what its system says there is to see, one below the other."""

from functools import singledispatch

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mecsim.core.timeline import Bars, Dots, Lines, Timeline
from mecsim.report.style import COLOURS, figure_title

WIDTH_INCH = 7.16  # of two columns
PART_INCH = 2.2
ROW_INCH = 0.07  # of bars
KIND_COLOURS = ("#E69F00", "#0072B2", "#009E73")  # of bars: light before dark
FIRST_MARKER, MARKER = "s", "o"  # of points on a map, and elsewhere


def timeline_figure(timeline: Timeline, title: str) -> Figure:
    """All parts of an episode; those over time share their axis."""
    heights = [_height_inch(part) for part in timeline.parts]
    figure = Figure(figsize=(WIDTH_INCH, sum(heights) + 0.5), layout="constrained")
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    for row, part in enumerate(timeline.parts):
        axes = figure.add_subplot(grid[row])
        axes.set_title(part.title, fontsize="small", loc="left")
        axes.tick_params(labelsize="x-small")
        _draw(part, axes)
    figure.suptitle(figure_title(title, WIDTH_INCH), fontsize="medium")
    return figure


def _height_inch(part: Bars | Lines | Dots) -> float:
    if isinstance(part, Bars):
        return max(PART_INCH, ROW_INCH * sum(_row_counts(part)) + 0.9)
    return 2.0 * PART_INCH if isinstance(part, Dots) and part.map else PART_INCH


def _row_counts(part: Bars) -> list[int]:
    """How many rows each lane has."""
    rows = part.rows
    return [int(rows[part.lane == lane].max(initial=0)) + 1 for lane in range(len(part.lanes))]


@singledispatch
def _draw(part: object, axes: Axes) -> None:
    raise TypeError(f"no picture of a {type(part).__name__}")


@_draw.register
def _(part: Bars, axes: Axes) -> None:
    counts = np.array(_row_counts(part))
    first = np.concatenate([[0], np.cumsum(counts + 1)])[:-1]  # a row between lanes stays free
    bottom = first[part.lane] + part.rows
    for kind, name in enumerate(part.kinds):
        own = part.kind == kind
        axes.barh(
            bottom[own], (part.end_s - part.start_s)[own], left=part.start_s[own], height=0.9, align="edge",
            color=KIND_COLOURS[kind % len(KIND_COLOURS)], linewidth=0.0, label=name,
        )  # fmt: skip
    axes.set_yticks(first + counts / 2.0, part.lanes)
    axes.set_ylim(float((counts + 1).sum()), -0.5)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("time (s)", fontsize="small")
    axes.legend(fontsize="x-small", ncols=len(part.kinds), loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False)


@_draw.register
def _(part: Lines, axes: Axes) -> None:
    for index, (name, values) in enumerate(zip(part.names, part.values, strict=True)):
        axes.stairs(values, part.edges_s, color=COLOURS[index % len(COLOURS)], linewidth=0.9, label=name)
    if part.limit is not None:
        axes.axhline(part.limit, color="0.4", linestyle="--", linewidth=0.8)
    axes.set_xlim(part.edges_s[0], part.edges_s[-1])
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("time (s)", fontsize="small")
    axes.set_ylabel(part.unit, fontsize="small")
    if part.names:
        axes.legend(fontsize="x-small", ncols=min(4, len(part.names)))


@_draw.register
def _(part: Dots, axes: Axes) -> None:
    for index, group in enumerate(part.groups):
        colour = COLOURS[index % len(COLOURS)]
        if group.joined:
            axes.plot(group.x, group.y, color=colour, linewidth=0.6, alpha=0.6, zorder=1.0, label=group.name)
            continue
        named = part.map and index == 0
        marker, size = (FIRST_MARKER, 6.0) if named else (MARKER, 2.5)
        axes.plot(group.x, group.y, marker, color=colour, markersize=size, label=group.name)
        for x, y, word in zip(group.x, group.y, group.words if named else (), strict=named):
            axes.annotate(word, (x, y), xytext=(4, 4), textcoords="offset points", fontsize="x-small")
    if part.map:
        axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(part.x_label, fontsize="small")
    axes.set_ylabel(part.y_label, fontsize="small")
    axes.legend(fontsize="x-small")
