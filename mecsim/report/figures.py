"""The pictures of fronts, by the number of objectives: a plane, or pairs of objectives and parallel coordinates."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from mecsim.core.scenario import Scenario
from mecsim.report.front_pairs import pairs_figure
from mecsim.report.front_parallel import parallel_figure
from mecsim.report.front_plane import plane_figure
from mecsim.report.picture_files import figure_files
from mecsim.report.style import SCREEN, Look, save_figure
from mecsim.sweep import Front

FRONT_FILES = figure_files(("front", "parallel"))
"""What `save_front` may write."""


def front_figure(fronts: Sequence[Front], scenario: Scenario, look: Look = SCREEN) -> Figure:
    """Mean points with 95 % intervals: a plane of two objectives, or every pair of three and more."""
    return (plane_figure if len(scenario.objectives) <= 2 else pairs_figure)(fronts, scenario, look)


def front_figures(fronts: Sequence[Front], scenario: Scenario) -> dict[str, Figure]:
    """All pictures of fronts by name: `front`, and from three objectives on `parallel`, their parallel coordinates."""
    figures = {"front": front_figure(fronts, scenario)}
    if len(scenario.objectives) > 2:
        figures["parallel"] = parallel_figure(fronts, scenario)
    return figures


def save_front(fronts: Sequence[Front], scenario: Scenario, folder: Path) -> list[Path]:
    """Write front.png and front.svg, and the same of other pictures; returns the paths of the PNG files."""
    return [save_figure(figure, folder, name) for name, figure in front_figures(fronts, scenario).items()]
