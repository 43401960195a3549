"""The pictures that a simulation can be asked for, by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mecsim.core.plugins import Reference
from mecsim.core.scenario import Scenario
from mecsim.errors import InputError
from mecsim.report.picture_files import figure_files
from mecsim.schema.words import nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw: TypeAlias = "Callable[[Scenario, Sequence[str], int], Figure]"

PLOTS: Mapping[str, Reference[Draw]] = {"satisfaction": Reference("mecsim.report.rating_figure:rating_figure")}
"""Each takes the scenario, what is to be shown (everything if nothing is named) and a seed."""

PLOT_FILES = figure_files(PLOTS)


def plot_figures(asked: Iterable[str], scenario: Scenario, seed: int) -> "dict[str, Figure]":
    """Figures by name for texts such as `satisfaction` or `satisfaction=voice,streaming`.

    Raises:
        InputError: there is no such plot, it is asked for twice, or the scenario does not have what it shows.
    """
    figures: dict[str, Figure] = {}
    for text in asked:
        name, equals, parts = text.partition("=")
        if name not in PLOTS:
            raise InputError(f"--plot {text}: unknown plot, {nearest(name, list(PLOTS))}")
        if name in figures:
            raise InputError(f"--plot {text}: {name} is asked for twice")
        try:
            figures[name] = PLOTS[name].load()(scenario, tuple(parts.split(",")) if equals else (), seed)
        except InputError as error:
            raise InputError(f"--plot {text}: {error}") from None
    return figures


def save_plots(figures: "Mapping[str, Figure]", folder: Path) -> list[str]:
    """Write each as NAME.png and NAME.svg; the names of the PNG files."""
    if not figures:
        return []
    from mecsim.report.style import save_figure

    return [save_figure(figure, folder, name).name for name, figure in figures.items()]
