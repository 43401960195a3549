"""The progress of a training on the command line."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from mecsim.cli.terminal import Bar, error_console

if TYPE_CHECKING:
    from mecsim.training import EpochReport, Evaluation


class ProgressMonitor:
    """A progress bar with the time left and the latest evaluation; plain lines where output is no terminal.

    Of several runs that are trained one after another, set `index` to that of the present one.
    """

    def __init__(self, runs: int = 1, noun: str = "policy") -> None:
        """`noun`: what one of several runs is called."""
        self.index = 0
        self.found: Evaluation | None = None
        """What the latest evaluation came to."""
        self._runs, self._noun = runs, noun
        self._bar: Bar | None = None
        self._open = ExitStack()

    def on_epoch(self, report: "EpochReport") -> None:
        """Move the bar; say what an evaluation found."""
        done, total = self.index * report.epochs + report.epoch, self._runs * report.epochs
        if self._bar is None:
            self._bar = self._open.enter_context(Bar("training", total, stays=True, quick=False))
            self._bar.begin(done - 1)
        which = f"{self._noun} {self.index + 1} of {self._runs}: " if self._runs > 1 else ""
        found = report.evaluation
        if found is None:
            self._bar.at(done)
            return
        self.found = found
        told = f"hypervolume {found.hypervolume:.6g}, cost {found.mean_cost:.4g}"
        self._bar.at(done, told)
        if not error_console().is_terminal:
            line = f"{done / total:4.0%}  {report.env_steps:,} steps  {which}{told}"
            error_console().print(line, highlight=False, soft_wrap=True)

    def __enter__(self) -> "ProgressMonitor":
        """Nothing is shown before the first epoch is over."""
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the bar as it is."""
        self._open.close()
