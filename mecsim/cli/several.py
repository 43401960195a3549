"""Training the runs of `mecsim train --multi-policy` or `--seeds`, one after another or several at once."""

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TYPE_CHECKING

from mecsim.cli.learning import ProgressMonitor
from mecsim.cli.terminal import Bar, error_console
from mecsim.core.stopping import Stopping
from mecsim.errors import InputError, MecsimError

if TYPE_CHECKING:
    from mecsim.sweep.distribute import Place
    from mecsim.training import MultiRun, Run

_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class _Told:
    """Whether a process that trains should stop: its parent says so by a file, is no more, or the time is over."""

    mark: Path
    parent: int | None  # None on a cluster, which ends what works for a parent that is no more
    ends_s: float  # since the epoch of the machine's clock

    def __call__(self) -> bool:
        return self.mark.exists() or self.parent not in (None, os.getppid()) or time.time() >= self.ends_s


def learn_in_turn(
    multi: "MultiRun", device: str, resume: bool, stop: Callable[[], bool], log: Sequence[str] = ()
) -> None:
    """Train the runs in this process until `stop` says so; those that are finished are left alone.

    Raises:
        RunError: what there is to resume is damaged.
    """
    from mecsim.report.watching import learn
    from mecsim.sweep import training_evaluation

    with ProgressMonitor(len(multi.runs), "training" if multi.repeated else "policy") as progress:
        for index, run in enumerate(multi.runs):
            progress.index = index
            if not run.finished:
                learn(run, training_evaluation(run), progress, device, resume, stop, log)
                if not run.finished:
                    return


def learn_side_by_side(
    runs: "Sequence[Run]", device: str, place: "Place", minutes: float | None = None, log: Sequence[str] = (),
) -> int | None:  # fmt: skip
    """Train the runs that are not finished, each in a process of its own; on a cluster all nodes need their folder.

    Each process goes on with an ordinary run. What stops one stops all; what each has saved stays. Returns the signal
    upon which all were saved before their end, if there was one.

    Raises:
        MecsimError: a training failed; it says which.
    """
    from mecsim.sweep import Cluster
    from mecsim.sweep.distribute import run_jobs

    console = error_console()
    waiting = [run.folder.absolute() for run in runs if not run.finished]
    done = len(runs) - len(waiting)
    ends_s = time.time() + 60.0 * minutes if minutes else float("inf")
    elsewhere = isinstance(place, Cluster)
    shared = runs[0].folder.absolute().parent if elsewhere else None  # where all nodes hear of a signal
    with TemporaryDirectory(prefix=".mecsim-", dir=shared) as folder, _bar(runs):
        told = _Told(Path(folder) / "stop", None if elsewhere else os.getpid(), ends_s)
        train_one = partial(_learn_one, device, told, log)
        with Stopping(heard=told.mark.touch) as stopping:
            stopping.hold()
            for name in run_jobs(train_one, waiting, place, ordered=False):
                done += name is not None
                if name and not console.is_terminal:
                    console.print(f"{name} is trained, {done} of {len(runs)}", highlight=False)
        return stopping.signal


def _learn_one(device: str, stop: _Told, log: Sequence[str], folder: Path) -> str | None:
    """Train a run, and return its name if it was trained to its end. Errors begin with it."""
    from mecsim.report.watching import learn
    from mecsim.sweep import training_evaluation
    from mecsim.training import Run

    if stop.parent is None and not stop.mark.parent.is_dir():
        raise InputError(f"{folder}: is not on {platform.node()}; trainings need a folder that all nodes share")
    try:
        run = Run.open(folder)
        if not stop():
            learn(run, training_evaluation(run), None, device, True, stop, log)
        return folder.name if run.finished else None
    except (MecsimError, OSError) as error:
        kind = InputError if isinstance(error, InputError) else MecsimError
        raise kind(f"{folder.name}: {error}") from None


@contextmanager
def _bar(runs: "Sequence[Run]") -> Iterator[None]:
    """A bar of the epochs that are in the runs' files, where there is a terminal to show it."""
    if not error_console().is_terminal:
        yield
        return
    over = Event()
    with Bar("training", sum(run.epochs for run in runs), stays=True, quick=False) as bar:
        before = _epochs_done(runs)
        bar.begin(before)

        def follow() -> None:
            done = before
            while not over.wait(_POLL_S):
                now = _epochs_done(runs)
                if now != done:
                    done = now
                    bar.at(done)

        follower = Thread(target=follow)
        follower.start()
        try:
            yield
        finally:
            over.set()
            follower.join()


def _epochs_done(runs: "Sequence[Run]") -> int:
    done = 0
    for run in runs:
        with suppress(MecsimError):  # a damaged file is told by who trains
            done += len(run.read_metrics(run.epochs))
    return done
