"""Runs independent jobs, here or on several processes, with the results in the order of the jobs."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from mecsim.errors import InputError

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_jobs(
    function: Callable[[Job], Result], jobs: Sequence[Job], workers: int = 1, threads: int = 1
) -> Iterator[Result]:
    """Yield `function(job)` for each job, in order. With several workers, function and jobs must be importable.

    The processes share `threads`; each gets its part, at least one.
    """
    if workers < 1:
        raise InputError(f"at least one worker is needed, got {workers}")
    if workers == 1:
        yield from map(function, jobs)
        return
    context = multiprocessing.get_context("spawn")  # forking a process with running threads is not safe
    share = (max(1, threads // workers),)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_use_threads, initargs=share) as pool:
        yield from pool.map(function, jobs)


def _use_threads(threads: int) -> None:
    import torch

    from mecsim.compiled import set_threads

    set_threads(threads)
    torch.set_num_threads(threads)
