"""TensorBoard: training as it goes, and the trade-off curves of a sweep."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from mecsim.core.system import layout_of, objectives_of
from mecsim.report.figures import front_figures
from mecsim.scenario import Scenario
from mecsim.sweep import Front, Quality
from mecsim.training import EpochReport

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def _writer(folder: Path, purge_step: int | None = None) -> "SummaryWriter":
    with warnings.catch_warnings():  # some TensorBoard releases warn about their own dependencies
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(str(folder), purge_step=purge_step)


class TensorBoardMonitor:
    """Writes every epoch of a training; the step of all curves is the number of environment steps."""

    def __init__(self, folder: Path, scenario: Scenario, resumed_at: int | None = None) -> None:
        """`resumed_at`: environment steps from which earlier events are void."""
        self._scenario = scenario
        self._options = layout_of(scenario).option_names
        self._writer = _writer(folder, None if resumed_at is None else resumed_at + 1)

    def on_epoch(self, report: EpochReport) -> None:
        """Write the curves of an epoch, and the front if it was evaluated."""
        step, write = report.env_steps, self._writer.add_scalar
        for objective, value in zip(self._scenario.objectives, report.returns, strict=True):
            write(f"return/{objective}", float(value), step)
        for metric, mean in report.metrics.items():
            write(f"learning/{metric}", mean, step)
        for option, share in zip(self._options, report.action_shares, strict=True):
            write(f"action_share/{option}", float(share), step)
        for section, spent_s in report.section_s.items():
            write(f"seconds/{section}", spent_s, step)
        write("learning/updates", report.updates, step)
        if report.evaluation is not None:
            evaluation = report.evaluation
            write("front/hypervolume", evaluation.hypervolume, step)
            write("front/mean_cost", evaluation.mean_cost, step)
            front = Front("policy", evaluation.preferences, evaluation.totals)
            for name, figure in front_figures([front], self._scenario).items():
                self._writer.add_figure(name, figure, step)
        self._writer.flush()

    def __enter__(self) -> Self:
        """Use as a context, so that the last events reach the disk."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self._writer.close()


def write_trade_offs(
    folder: Path, fronts: Sequence[Front], qualities: Mapping[str, Quality], scenario: Scenario
) -> None:
    """One run per target: a curve per objective over the preferences (step = index), the front, and hparams."""
    taken: set[str] = set()
    for front in fronts:
        name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in front.target).strip("._")
        while name in taken:  # targets may differ in what a folder's name cannot hold
            name += "_"
        taken.add(name)
        writer = _writer(folder / name)
        for step, (preference, mean) in enumerate(zip(front.preferences, front.mean, strict=True)):
            for objective, weight, cost in zip(objectives_of(scenario), preference, mean, strict=True):
                writer.add_scalar(f"trade_off/{objective.name}", float(objective.value(cost)), step)
                writer.add_scalar(f"preference/{objective.name}", float(weight), step)
        for picture, figure in front_figures([front], scenario).items():
            writer.add_figure(picture, figure, 0)
        found = qualities[front.target]
        measured = {
            "hparam/hypervolume": found.hypervolume,
            "hparam/mean_cost": found.mean_cost,
            "hparam/expected_utility": found.expected_utility,
        }
        best = {
            f"hparam/best_{one.name}": float(one.value(np.min(front.mean[:, i])))
            for i, one in enumerate(objectives_of(scenario))
        }
        writer.add_hparams(
            {"target": front.target, "preferences": len(front.preferences)}, measured | best, run_name="."
        )
        writer.close()
