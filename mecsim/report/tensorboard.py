"""TensorBoard: training as it goes."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import yaml
from mecsim_agents import LEARNERS

from mecsim.core.scenario import Scenario
from mecsim.report.events import Chart, EventFile, MarginChart
from mecsim.report.learning import Pictures, about_curve, greedy_curves, reading_card, report_curves
from mecsim.scenario import scenario_to_yaml
from mecsim.training import EpochReport, Run, Watched

HYPERVOLUME = MarginChart("front/hypervolume", "front/hypervolume_low", "front/hypervolume_high")


class TensorBoardMonitor:
    """Writes every epoch of a training into its folder; the step of all curves is the number of environment steps.

    The greedy policy is a run of its own, `greedy`: a level line in every chart in which it has a value.
    """

    def __init__(self, watched: Watched) -> None:
        run = watched.run
        self._scenario = run.scenario
        self._pictures = Pictures(watched)
        self._greedy = greedy_curves(watched.greedy, run.scenario)
        purge_step = None if watched.resumed_at is None else watched.resumed_at + 1
        folder = run.folder / "tensorboard"
        with ExitStack() as stack:
            self._file = stack.enter_context(EventFile(folder, purge_step))
            self._reference = stack.enter_context(EventFile(folder / "greedy", purge_step))
            self._file.layout(dashboard(run))
            for title, card in cards(run).items():
                self._file.text(title, card)
            self._files = stack.pop_all()

    def on_epoch(self, report: EpochReport) -> None:
        """Write the curves of an epoch, and the pictures if it was evaluated."""
        step = report.env_steps
        for name, value in report_curves(report, self._scenario).items():
            self._file.scalar(name, value, step, about_curve(name))
        for name, figure in self._pictures.of(report):
            self._file.figure(name, figure, step)
        if report.evaluation is not None:
            for name, value in self._greedy.items():
                self._reference.scalar(name, value, step)
        self._file.flush()
        self._reference.flush()

    def __enter__(self) -> Self:
        """Use as a context, so that the last events reach the disk."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the files."""
        self._files.close()


def dashboard(run: Run) -> Mapping[str, Mapping[str, Chart]]:
    """The custom scalars of a training: the curves by which to judge it, in three categories."""
    return {
        "Front": {"hypervolume, 95 % interval": HYPERVOLUME, "mean cost": ["^front/mean_cost$"]},
        "Objectives": _objectives(run.scenario),
        "Training health": {
            **{name.replace("_", " "): [f"^learning/{name}$"] for name in LEARNERS[run.config.algorithm].metrics},
            "options in use": ["^actions/options_in_use$"],
            "seconds of an epoch": ["^seconds/"],
        },
    }


def _objectives(scenario: Scenario) -> dict[str, Chart]:
    charts: dict[str, Chart] = {}
    for name in scenario.objectives:
        charts[f"{name.replace('_', ' ')}, by preference"] = [f"^objectives/{name}_at_"]
        charts[f"{name.replace('_', ' ')} while exploring"] = [f"^return/{name}$"]
    return charts


def cards(run: Run) -> dict[str, str]:
    """Texts in Markdown, by title."""
    command = run.folder / "command.txt"
    told = {"how_to_read": reading_card(), "scenario": _code(scenario_to_yaml(run.scenario))}
    told["settings"] = _code(yaml.safe_dump(run.config.to_mapping(), sort_keys=False))
    if command.is_file():
        told["command"] = _code(command.read_text(encoding="utf-8"))
    return told


def _code(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
