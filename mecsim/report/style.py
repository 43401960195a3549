"""What all pictures share: colours, markers, and files that are the same bytes for the same numbers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from mecsim.core.files import atomic_write
from mecsim.errors import MecsimError

# Okabe and Ito's colours, which people with any colour vision can tell apart; markers help in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
LETTERS_PER_INCH = 10.5  # of a title

NARROW_INCH = 5.0
PICTURE_ENDINGS = (".svg", ".pdf", ".png")
PAPER: dict[Any, Any] = {  # 8 points, thin lines, and fonts that embed (TrueType: journals refuse Type 3)
    "font.size": 8.0, "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4, "ytick.minor.width": 0.4, "pdf.fonttype": 42, "legend.fontsize": "small",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """What can be chosen of a picture of fronts."""

    width_inch: float | None = None  # that of the picture's own kind if not given
    titled: bool = True
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # of axes, by objective
    weights_at: int = 0  # how many points of each front are labelled with their preference

    @property
    def narrow(self) -> bool:
        """Whether there is room for little."""
        return self.width_inch is not None and self.width_inch < NARROW_INCH

    @property
    def marker_points(self) -> float:
        """Size of a marker."""
        return 2.5 if self.narrow else 4.0


SCREEN = Look()


def colour_and_marker(index: int) -> tuple[str, str]:
    """Those of the policy, persona, … at a place in a list."""
    return COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]


def plain_number(value: float) -> str:
    """Three significant digits, without an exponent below a million."""
    return f"{float(f'{value:.3g}'):g}"


def figure_title(text: str, width_inch: float, note: str = "") -> str:
    """What stands above a figure of some width, in lines that fit, and below it a note."""
    lines = wrap(text, max(20, int(LETTERS_PER_INCH * width_inch)))
    return "\n".join([*lines, *([note] if note else [])])


def save_figure(figure: Figure, folder: Path, name: str) -> Path:
    """Write NAME.png and NAME.svg; returns the path of the former."""
    return [save_picture(figure, folder / f"{name}{ending}") for ending in (".svg", ".png")][-1]


def save_picture(figure: Figure, path: Path) -> Path:
    """Write a figure in the format of the path's ending, one of `PICTURE_ENDINGS`; returns the path."""
    # Without dates and random ids the same figure gives the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "mecsim", "pdf.fonttype": PAPER["pdf.fonttype"]}), with_latex():
        told: dict[str, Any] = {"metadata": {"Date" if path.suffix == ".svg" else "CreationDate": None}}
        if path.suffix == ".png":
            told = {"dpi": 150, "pil_kwargs": {"optimize": True}}
        with atomic_write(path) as partial:
            figure.savefig(partial, **told)
    return path


@contextmanager
def with_latex() -> Iterator[None]:
    """Meanwhile whoever asks for LaTeX in settings of Matplotlib, and has none, is told so."""
    try:
        yield
    except (RuntimeError, FileNotFoundError) as error:
        if not matplotlib.rcParams["text.usetex"]:
            raise
        where = matplotlib.matplotlib_fname()
        raise MecsimError(f"{where}: text.usetex asks for LaTeX, which cannot be used: leave it out") from error
