"""Training the runs of `mecsim train --multi-policy` or `--seeds`, one after another or several at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from mecsim.cli.learning import ProgressMonitor, learn
from mecsim.cli.terminal import error_console
from mecsim.errors import InputError, MecsimError

if TYPE_CHECKING:
    from rich.console import Console

    from mecsim.training import MultiRun, Run

_POLL_S = 0.5


def learn_in_turn(multi: "MultiRun", device: str, resume: bool) -> None:
    """Train the runs in this process; those that are finished are left alone.

    Raises:
        RunError: what there is to resume is damaged.
    """
    from mecsim.sweep import training_evaluation

    with ProgressMonitor(len(multi.runs), "training" if multi.repeated else "policy") as progress:
        for index, run in enumerate(multi.runs):
            progress.index = index
            if not run.finished:
                learn(run, training_evaluation(run), progress, device, resume)


def learn_side_by_side(runs: "Sequence[Run]", device: str, workers: int, threads: int) -> None:
    """Train the runs that are not finished, in at most `workers` processes of `threads` threads each.

    Each process goes on with an ordinary run. What stops one stops all; what each has saved stays.

    Raises:
        MecsimError: a training failed; it says which.
    """
    from mecsim.sweep.distribute import Workers, run_jobs

    console = error_console()
    waiting = [run.folder.absolute() for run in runs if not run.finished]
    done = len(runs) - len(waiting)
    with _bar(runs, console):
        train_one = partial(_learn_one, device)
        for name in run_jobs(train_one, waiting, Workers(workers, workers * threads), ordered=False):
            done += 1
            if not console.is_terminal:
                console.print(f"{name} is trained, {done} of {len(runs)}", highlight=False)


def _learn_one(device: str, folder: Path) -> str:
    """Train a run to its end, and return its name. Errors begin with it."""
    from mecsim.sweep import training_evaluation
    from mecsim.training import Run

    try:
        run = Run.open(folder)
        learn(run, training_evaluation(run), None, device, resume=True)
    except (MecsimError, OSError) as error:
        kind = InputError if isinstance(error, InputError) else MecsimError
        raise kind(f"{folder.name}: {error}") from None
    return folder.name


@contextmanager
def _bar(runs: "Sequence[Run]", console: "Console") -> Iterator[None]:
    """A bar of the epochs that are in the runs' files, where there is a terminal to show it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    if not console.is_terminal:
        yield
        return
    columns = (BarColumn(), TextColumn("{task.percentage:3.0f}%"), TimeElapsedColumn(), TimeRemainingColumn())
    over = Event()
    with Progress(TextColumn("training"), *columns, console=console) as progress:
        task = progress.add_task("", total=sum(run.epochs for run in runs))

        def follow() -> None:
            while not over.wait(_POLL_S):
                with suppress(MecsimError):  # a damaged file is told by who trains
                    done = sum(len(run.read_metrics(run.epochs)) for run in runs)
                    progress.update(task, completed=done)

        follower = Thread(target=follow)
        follower.start()
        try:
            yield
        finally:
            over.set()
            follower.join()
