"""Training a run from the command line: who is told of its progress."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from mecsim.cli.terminal import error_console
from mecsim.core.stopping import never

if TYPE_CHECKING:
    from rich.progress import TaskID

    from mecsim.training import EpochReport, Evaluate, Run


def learn(
    run: "Run", evaluate: "Evaluate", progress: "ProgressMonitor | None", device: str, resume: bool,
    stop: Callable[[], bool] = never, log: Sequence[str] = (),
) -> None:  # fmt: skip
    """Train a run to its end or until `stop` says so, or go on with it; nothing is shown without `progress`.

    Events of TensorBoard are always written; `log` names who else is told.

    Raises:
        InputError: one of `log` cannot be used; RunError: what there is to resume is damaged.
    """
    from mecsim.policies import named_policy
    from mecsim.report.monitors import find_monitor
    from mecsim.report.tensorboard import TensorBoardMonitor
    from mecsim.training import Monitor, Watched, train

    makers = [TensorBoardMonitor, *map(find_monitor, log)]
    resumed_at: int | None = None
    if resume:
        resumed_at = run.latest_env_steps() if run.has_checkpoint() else 0
    watched = Watched(run, evaluate(named_policy("greedy", run.scenario)(run.seed)), resumed_at)
    with ExitStack() as stack:
        monitors: list[Monitor] = []
        for make in makers:
            monitor = make(watched)
            monitors.append(stack.enter_context(monitor) if isinstance(monitor, AbstractContextManager) else monitor)
        train(run, evaluate, monitors if progress is None else [*monitors, progress], device, resume, stop)


class ProgressMonitor:
    """A progress bar with the time left and the latest evaluation; plain lines where output is no terminal.

    Of several runs that are trained one after another, set `index` to that of the present one.
    """

    def __init__(self, runs: int = 1, noun: str = "policy") -> None:
        """`noun`: what one of several runs is called."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.index = 0
        self._runs, self._noun = runs, noun
        self._console = error_console()
        columns = (BarColumn(), TextColumn("{task.percentage:3.0f}%"), TimeElapsedColumn(), TimeRemainingColumn())
        self._progress: Progress = Progress(
            TextColumn("training"), *columns, TextColumn("{task.description}"), console=self._console,
            disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None

    def on_epoch(self, report: "EpochReport") -> None:
        """Move the bar; say what an evaluation found."""
        done, total = self.index * report.epochs + report.epoch, self._runs * report.epochs
        which = f"{self._noun} {self.index + 1} of {self._runs}: " if self._runs > 1 else ""
        if self._task is None:
            self._task = self._progress.add_task(f"{which}no evaluation yet", total=total, completed=done - 1)
        found = report.evaluation
        if found is None:
            self._progress.update(self._task, completed=done)
            return
        told = f"{which}hypervolume {found.hypervolume:.5g}, mean cost {found.mean_cost:.5g}"
        self._progress.update(self._task, completed=done, description=told)
        if not self._console.is_terminal:
            self._console.print(f"{done / total:4.0%}  {report.env_steps:,} steps  {told}", highlight=False)

    def __enter__(self) -> "ProgressMonitor":
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave it as it is."""
        self._progress.stop()
