"""Runs independent jobs, here, on several processes of joblib or on a Ray cluster, with the results in their order."""

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import NamedTuple, TypeVar

from mecsim.core.machine import cores, memory_byte
from mecsim.core.stopping import SIGNALS
from mecsim.core.worker import begin_work
from mecsim.errors import InputError, MecsimError
from mecsim.sweep.cluster import Cluster, run_on_ray

Job = TypeVar("Job")
Result = TypeVar("Result")


class Workers(NamedTuple):
    """Processes that work side by side, and share threads; each gets its part, at least one."""

    processes: int = 1
    threads: int = 1


ALONE = Workers()

Place = Workers | Cluster
"""Where jobs run."""

DECISIONS_PER_WORKER = 2_000_000
"""Below which a further process is not worth its start, of some seconds."""

PROCESS_BYTE = 500e6
"""Of an interpreter with all libraries."""

TAPES_FACTOR = 3.0
"""How much larger tapes, the state of their episodes and observations are than the tapes."""


def worthwhile_workers(decisions: int, tapes_byte: float, threads: int | None = None) -> int:
    """How many processes to spread so many decisions over: at most one per thread, of which there is one per core.

    Args:
        decisions: of all jobs.
        tapes_byte: size of the tapes that each process plays side by side.
        threads: that may be used; one per core if not given.
    """
    fitting = memory_byte() / 2 / process_byte(tapes_byte)
    return max(1, int(min(threads or cores(), decisions // DECISIONS_PER_WORKER, fitting)))


def process_byte(tapes_byte: float) -> float:
    """About how much memory a process takes that plays tapes of this size side by side."""
    return PROCESS_BYTE + TAPES_FACTOR * tapes_byte


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: Place = ALONE,
    ordered: bool = True,
) -> Generator[Result]:
    """Yield `function(job)` for each job, in order, or as they are done. With several workers, both must be picklable.

    When the caller is interrupted, loses interest or is killed they are ended at once, whatever they are at. What a job
    raises is raised here.

    Raises:
        InputError: there is to be no worker.
        MecsimError: a process was ended from outside, or as `run_on_ray`.
    """
    if isinstance(workers, Cluster):
        yield from run_on_ray(function, jobs, workers, ordered)
        return
    if workers.processes < 1:
        raise InputError(f"at least one worker is needed, got {workers.processes}")
    if workers.processes == 1:
        yield from map(function, jobs)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor, process_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    if hasattr(signal, "SIGKILL"):
        process_executor.kill_process_tree = _kill

    parallel = Parallel(
        n_jobs=max(2, min(workers.processes, len(jobs))),
        backend="loky",
        return_as="generator" if ordered else "generator_unordered",
        batch_size=1,
        max_nbytes=None,  # arrays are sent, not mapped into memory from a file
        initializer=begin_work,
        initargs=(os.getpid(), max(1, workers.threads // workers.processes), "torch" in sys.modules),
    )
    try:
        with _started_deaf():
            results = parallel(delayed(function)(job) for job in jobs)
        for result in results:  # noqa: UP028  (`yield from` would close them first)
            yield result
    except GeneratorExit:
        with suppress(KeyboardInterrupt):
            results.throw(KeyboardInterrupt)  # joblib would warn of lost work if it were closed
        raise
    except TerminatedWorkerError:
        raise MecsimError("a worker was ended from outside, perhaps for want of memory; use fewer workers") from None
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)  # joblib would keep idle ones for later


def _kill(process: BaseProcess) -> None:
    """End a worker, which has no processes of its own.

    joblib asks pgrep for these; where there is none, or Ctrl-C ends it too, a traceback is all that comes of it.
    """
    if process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.join()


@contextmanager
def _started_deaf() -> Iterator[None]:
    """Processes that are started meanwhile hear no signal that asks to end: the parent answers, and ends them.

    So it is from their first moment; and for the processes that count what is shared, which joblib starts.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        resource_tracker.ensure_running()  # Python 3.11 hears again when it has started that one
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
