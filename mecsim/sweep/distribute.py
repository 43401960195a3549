"""Runs independent jobs, here or on several processes, with the results in the order of the jobs."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple, TypeVar

from mecsim.errors import InputError

Job = TypeVar("Job")
Result = TypeVar("Result")


class Workers(NamedTuple):
    """Processes that work side by side, and share threads; each gets its part, at least one."""

    processes: int = 1
    threads: int = 1


ALONE = Workers()


def run_jobs(function: Callable[[Job], Result], jobs: Sequence[Job], workers: Workers = ALONE) -> Iterator[Result]:
    """Yield `function(job)` for each job, in order. With several workers, function and jobs must be importable.

    When the caller is interrupted or loses interest they are ended at once, whatever they are at.
    """
    if workers.processes < 1:
        raise InputError(f"at least one worker is needed, got {workers.processes}")
    if workers.processes == 1:
        yield from map(function, jobs)
        return
    context = multiprocessing.get_context("spawn")  # forking a process with running threads is not safe
    share = (max(1, workers.threads // workers.processes),)
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers.processes, mp_context=context, initializer=_prepare, initargs=share) as pool:
        waiting = deque(pool.submit(function, job) for job in jobs)
        try:
            while waiting:
                yield waiting.popleft().result()
        except (KeyboardInterrupt, GeneratorExit):
            # Nothing is cancelled before: a pool whose processes end trips over what was cancelled.
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _prepare(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the parent answers, and ends us
    import torch

    from mecsim.core.compiled import set_threads

    set_threads(threads)
    torch.set_num_threads(threads)
