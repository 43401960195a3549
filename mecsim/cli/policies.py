"""Training the policies of `mecsim train --multi-policy`, one after another or several at once."""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from mecsim.cli.learning import ProgressMonitor, learn
from mecsim.errors import InputError, MecsimError

if TYPE_CHECKING:
    from mecsim.training import MultiRun, Run

_POLL_S = 0.5


def learn_in_turn(multi: "MultiRun", device: str, resume: bool) -> None:
    """Train the policies in this process; those that are finished are left alone.

    Raises:
        RunError: what there is to resume is damaged.
    """
    from mecsim.sweep import training_evaluation

    with ProgressMonitor(len(multi.runs)) as progress:
        for index, run in enumerate(multi.runs):
            progress.policy = index
            if not run.finished:
                learn(run, training_evaluation(run), progress, device, resume)


@dataclass(frozen=True, slots=True)
class _Worker:
    run: "Run"
    process: subprocess.Popen[bytes]
    errors: IO[bytes]


def learn_side_by_side(multi: "MultiRun", device: str, workers: int, threads: int) -> None:
    """Train the policies that are not finished, in at most `workers` processes of `threads` threads each.

    Each process is the command that goes on with an ordinary run. What stops one stops all; what each has saved stays.

    Raises:
        MecsimError: a process failed, with what it said.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.percentage:3.0f}%"), TimeElapsedColumn(), TimeRemainingColumn())
    waiting = [run for run in multi.runs if not run.finished]
    active: list[_Worker] = []
    done = len(multi.runs) - len(waiting)
    epochs = sum(run.epochs for run in multi.runs)
    with ExitStack() as stack:
        progress = stack.enter_context(
            Progress(TextColumn("training"), *columns, console=console, disable=not console.is_terminal)
        )
        task = progress.add_task("", total=epochs, completed=_epochs_done(multi))
        stack.callback(_stop, active)
        while waiting or active:
            while waiting and len(active) < workers:
                active.append(_start(waiting.pop(0), device, threads, stack))
            time.sleep(_POLL_S)
            for worker in [worker for worker in active if worker.process.poll() is not None]:
                active.remove(worker)
                _check(worker)
                done += 1
                if not console.is_terminal:
                    console.print(f"{worker.run.folder.name} is trained, {done} of {len(multi.runs)}", highlight=False)
            if console.is_terminal:
                progress.update(task, completed=_epochs_done(multi))


def _start(run: "Run", device: str, threads: int, stack: ExitStack) -> _Worker:
    errors = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
    options = ("--out", str(run.folder.absolute()), "--device", device, "--num-threads", str(threads))
    # -P: a folder called mecsim in the working directory is not the package.
    command = [sys.executable, "-P", "-m", "mecsim", "train", "--resume", *options]
    return _Worker(run, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors), errors)


def _check(worker: _Worker) -> None:
    """Raise what a process that has ended failed with."""
    code = worker.process.returncode
    if code == 0:
        return
    worker.errors.seek(0)
    lines = worker.errors.read().decode(errors="replace").strip().splitlines()
    told = lines[-1].removeprefix("mecsim: ") if lines else f"its process ended with code {code}"
    kind = InputError if code == 2 else MecsimError
    raise kind(f"{worker.run.folder.name}: {told}")


def _stop(active: list[_Worker]) -> None:
    for worker in active:
        worker.process.terminate()
    for worker in active:
        worker.process.wait()


def _epochs_done(multi: "MultiRun") -> int:
    return sum(len(run.read_metrics(run.epochs)) for run in multi.runs)
