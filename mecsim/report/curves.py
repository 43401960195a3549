"""Learning curves of trainings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from mecsim.report.style import colour_and_marker

if TYPE_CHECKING:
    import polars as pl

MEASURES = {"hypervolume": "hypervolume (higher is better)", "mean_cost": "mean cost (lower is better)"}


def training_figure(evaluated: Sequence[tuple[str, "pl.DataFrame"]]) -> Figure:
    """Hypervolume and mean cost over environment steps; of each training its name and the columns of these."""
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    for place, (measure, label) in enumerate(MEASURES.items()):
        axes = figure.add_subplot(1, len(MEASURES), place + 1)
        for index, (name, frame) in enumerate(evaluated):
            colour, marker = colour_and_marker(index)
            axes.plot(
                frame["env_steps"].to_numpy(), frame[measure].to_numpy(), color=colour, marker=marker, markersize=4,
                linewidth=1.2, label=name,
            )  # fmt: skip
        axes.set_xlabel("environment steps")
        axes.set_ylabel(label)
        axes.grid(visible=True, alpha=0.3)
        if len(evaluated) > 1:
            axes.legend(fontsize="small")
    return figure
