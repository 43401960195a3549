"""Drawings of a `Scene`: text, and a picture, for which alone matplotlib is imported."""

import math
import sys
import time
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scene import Bars, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RENDER_MODES = ("human", "rgb_array", "ansi")
RENDER_FPS = 10
SIZE_INCH, DPI = (8.0, 4.8), 100  # an even number of pixels each way, as videos want them
LETTERS = "#=-:.+*o"  # of the kinds of a bar
LINE = 80
WIDTH = 28  # of the longest bar, in letters
BEHIND = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}


def text_of(scene: Scene, title: str) -> str:
    """A scene in lines that fit a terminal."""
    lines = [*_wrapped(title), *_wrapped(scene.now)]
    for panel in scene.panels:
        kinds = ", ".join(f"{letter} {kind}" for letter, kind in zip(_letters(panel), panel.kinds, strict=True))
        lines += ["", *_wrapped(f"{panel.title} ({panel.unit}): {kinds}")]
        limit = _limit(panel)
        name_width = max(len(bar.name) for bar in panel.bars)
        for bar in panel.bars:
            ends = np.rint(np.cumsum(bar.amounts) / limit * WIDTH).astype(int).clip(max=WIDTH)
            lengths = np.diff(ends, prepend=0).tolist()
            drawn = "".join(letter * length for letter, length in zip(_letters(panel), lengths, strict=True))
            lines.append(f"{bar.name:<{name_width}} |{drawn:<{WIDTH}}| {bar.total:.3g}  {bar.note}".rstrip())
    return "\n".join(lines) + "\n"


def picture_of(scene: Scene, title: str) -> NDArray[np.uint8]:
    """A scene as pixels, (height, width, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCH, dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    columns = 2 if scene.spots else 1
    heights = [1.0 + len(panel.bars) for panel in scene.panels]
    # Fixed margins: a layout that looks at every text would take most of the time of a picture.
    grid = figure.add_gridspec(
        len(scene.panels), columns, height_ratios=heights, left=0.17, right=0.98, bottom=0.07, top=0.84, hspace=0.35,
        wspace=0.16, width_ratios=(1.3, 1.0)[:columns],
    )  # fmt: skip
    for place, panel in enumerate(scene.panels):
        _draw_bars(figure.add_subplot(grid[place, 0]), panel)
    if scene.spots:
        _draw_map(figure.add_subplot(grid[:, 1]), scene)
    figure.suptitle(f"{title}\n{scene.now}", fontsize="medium")
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def show(text: str, paused_s: float) -> None:
    """Put a text in the place of the one before: in a terminal or below the cell of a notebook; then wait."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from IPython.display import clear_output

        clear_output(wait=True)
        print(text)
    else:
        print(f"\x1b[H\x1b[J{text}" if sys.stdout.isatty() else text, flush=True)
    time.sleep(paused_s if sys.stdout.isatty() else 0.0)


def _wrapped(text: str) -> list[str]:
    return wrap(text, LINE, subsequent_indent="  ")


def _letters(panel: Bars) -> str:
    return "".join(LETTERS[place % len(LETTERS)] for place in range(len(panel.kinds)))


def _limit(panel: Bars) -> float:
    """The end of an axis: that of the panel, or the next of 1, 2, 5, 10, 20, …, so that it seldom changes."""
    if panel.limit is not None:
        return panel.limit
    longest = max((bar.total for bar in panel.bars if math.isfinite(bar.total)), default=0.0)
    if longest <= 1.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(longest))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if longest <= factor * power)


def _draw_bars(axes: "Axes", panel: Bars) -> None:
    limit = _limit(panel)
    rows = np.arange(len(panel.bars))
    left = np.zeros(len(rows))
    for place, kind in enumerate(panel.kinds):
        amounts = np.array([bar.amounts[place] for bar in panel.bars])
        hatch = "///" if place % 2 else None
        axes.barh(rows, amounts, left=left, color=f"C{place}", hatch=hatch, edgecolor="white", label=kind)
        left += amounts
    for row, bar in enumerate(panel.bars):
        axes.text(0.99 * limit, row, bar.note, ha="right", va="center", fontsize="x-small", bbox=BEHIND)
    axes.set_yticks(rows, [bar.name for bar in panel.bars], fontsize="small")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0.0, limit)
    axes.tick_params(axis="x", labelsize="small")
    axes.set_title(f"{panel.title} ({panel.unit})", fontsize="small", loc="left")
    axes.legend(fontsize="x-small", ncols=4, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, borderpad=0.1)


def _draw_map(axes: "Axes", scene: Scene) -> None:
    west, east, south, north = scene.corners_m
    margin = 0.05 * max(east - west, north - south, 1.0)
    styles: list[dict[str, Any]] = [{"marker": "s", "s": 45}, {"marker": "o", "s": 12}, {"marker": "o", "s": 60}]
    for place, spots in enumerate(scene.spots):
        axes.scatter(*spots.place_m.T, color=f"C{place}", label=spots.name, **styles[place % len(styles)])
        for (x_m, y_m), word in zip(spots.place_m, spots.words, strict=False):
            axes.annotate(word, (x_m, y_m), (3, 3), textcoords="offset points", fontsize="x-small")
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - margin, north + margin)
    axes.set_aspect("equal")
    axes.tick_params(labelsize="small")
    axes.set_xlabel("m", fontsize="small")
    axes.legend(fontsize="x-small", loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False)
