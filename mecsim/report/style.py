"""What all pictures share: colours, markers, and files that are the same bytes for the same numbers."""

from pathlib import Path
from textwrap import wrap

import matplotlib
from matplotlib.figure import Figure

matplotlib.use("Agg")  # files only: a figure never needs a screen

# Okabe and Ito's colours, which people with any colour vision can tell apart; markers help in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
LETTERS_PER_INCH = 10.5  # of a title


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
    # Without dates and random ids the same figure gives the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "mecsim"}):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    figure.savefig(folder / f"{name}.png", dpi=150, pil_kwargs={"optimize": True})
    return folder / f"{name}.png"
