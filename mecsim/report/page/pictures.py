"""The pictures of the page as files, each as SVG and PDF."""

import re
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from mecsim.report.figures import front_figures
from mecsim.report.over_weight import objectives_figure, options_figure
from mecsim.report.page.content import Episodes
from mecsim.report.page.learning import Curve
from mecsim.report.style import colour_and_marker, save_picture
from mecsim.report.sweeps import named_fronts
from mecsim.report.timeline_figure import timeline_figure
from mecsim.sweep import Front, SweepResult

ENDINGS = (".svg", ".pdf")
COLUMNS = 2


def save_pictures(
    sweeps: Sequence[SweepResult],
    curves: Sequence[Sequence[Curve]],
    episodes: Sequence[Episodes | str],
    folder: Path,
) -> list[Path]:
    """Write what `page_content` takes as pictures into a folder that is there; returns the paths.

    Of each target's episodes the middle one is shown.
    """
    return [
        save_picture(figure, folder / f"{name}{ending}")
        for name, figure in _figures(sweeps, curves, episodes)
        for ending in ENDINGS
    ]


def _figures(
    sweeps: Sequence[SweepResult], curves: Sequence[Sequence[Curve]], episodes: Sequence[Episodes | str]
) -> list[tuple[str, Figure]]:
    scenario, fronts = sweeps[0].scenario, named_fronts(sweeps)
    figures = list(front_figures(fronts, scenario).items())
    if len(scenario.objectives) > 1:
        figures.append(("over-weight", objectives_figure(fronts, scenario)))
    if any(curves):
        figures.append(("learning", learning_figure(fronts, curves)))
    played_in = [sweep.scenario for sweep in sweeps for _ in sweep.fronts]
    for number, (front, own, found) in enumerate(zip(fronts, played_in, episodes, strict=True)):
        label = f"{number + 1:02d}-{re.sub(r'[^A-Za-z0-9.-]+', '-', front.label).strip('-.')}"
        if "share" in front.options:
            figures.append((f"options-{label}", options_figure(front.preferences, front.options["share"], own)))
        if not isinstance(found, str):
            index = sorted(found)[len(found) // 2]
            weights = zip(own.objectives, front.preferences[index], strict=True)
            told = ", ".join(f"{name.replace('_', ' ')} {weight:.2g}" for name, weight in weights)
            figures.append((f"episode-{label}", timeline_figure(found[index], f"{front.label}, weights: {told}")))
    return figures


def learning_figure(fronts: Sequence[Front], curves: Sequence[Sequence[Curve]]) -> Figure:
    """A panel per metric over the steps of the trainings, a line per training; `curves` are those of each front."""
    labels = {curve.metric: curve.label for of_front in curves for curve in of_front}
    rows = -(-len(labels) // COLUMNS)
    figure = Figure(figsize=(7.16, 2.2 * rows + 0.4), layout="constrained")
    for place, (metric, about) in enumerate(labels.items()):
        axes = figure.add_subplot(rows, COLUMNS, place + 1)
        for index, (front, of_front) in enumerate(zip(fronts, curves, strict=True)):
            own = [curve for curve in of_front if curve.metric == metric]
            for curve in own:
                label = front.label if curve is own[0] else None
                axes.plot(curve.env_steps, curve.values, color=colour_and_marker(index)[0], linewidth=0.9, label=label)
        axes.set_title(about, fontsize="small")
        axes.set_xlabel("environment steps", fontsize="small")
        axes.tick_params(labelsize="x-small")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize="x-small")
    return figure
