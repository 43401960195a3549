"""How what episodes come to is spread."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mecsim.report.style import COLOURS

WIDTH_INCH, HEIGHT_INCH = 3.6, 2.8


def histogram_figure(values: Mapping[str, NDArray[np.float64]], title: str) -> Figure:
    """A panel per quantity, named by its label, with the share of episodes (N,) in each bin and their mean."""
    figure = Figure(figsize=(WIDTH_INCH * len(values), HEIGHT_INCH), layout="constrained")
    for place, (label, found) in enumerate(values.items()):
        axes = figure.add_subplot(1, len(values), place + 1)
        known = found[np.isfinite(found)]
        if len(known):
            bins = 1 + int(np.ceil(np.log2(len(known))))  # Sturges 1926
            axes.hist(known, bins, weights=np.full(len(known), 1.0 / len(known)), color=COLOURS[0], alpha=0.7)
            axes.axvline(float(known.mean()), color=COLOURS[1], linewidth=1.4)
        axes.set_xlabel(label)
        axes.set_ylabel("share of episodes" if place == 0 else "")
    figure.suptitle(title)
    return figure
