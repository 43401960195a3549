"""How many threads kernels and PyTorch use, each counted for the thread that calls them, and how rows are spread."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache

from mecsim.core.machine import cores

LEAST_ROWS = 256
"""That are worth a thread, each being the work of a microsecond: waking another one costs some ten."""

_own = threading.local()


def kernel_threads() -> int:
    """How many threads the kernels use that this thread calls: one, unless it was told otherwise."""
    return int(getattr(_own, "count", 1))


def use_threads(count: int | None = None) -> int:
    """Let kernels and PyTorch use this many threads from now on (all cores by default), and return the number.

    PyTorch is not imported for it, which takes a second or two: if it comes later, it finds the number in the variable
    OMP_NUM_THREADS.
    """
    threads = count or cores()
    _own.count = threads
    torch = sys.modules.get("torch")
    if torch is None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    else:
        torch.set_num_threads(threads)
    return threads


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Let both use this many threads for as long as the context lasts."""
    import torch

    before = torch.get_num_threads(), kernel_threads()
    use_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        _own.count = before[1]


def over_rows(kernel: Callable[..., None], rows: int, *arguments: object, cost: int = 1) -> None:
    """Call `kernel(*arguments, first, last)` for all rows, in as many parts as there are threads and work for them.

    Rows have to be independent. No thread waits in a loop, and one that is late leaves its part to the others.

    Args:
        cost: of a row, in microseconds or so.
    """
    parts = min(kernel_threads(), max(1, rows * cost // LEAST_ROWS))
    if parts == 1:
        kernel(*arguments, 0, rows)
        return
    pieces = min(rows, 2 * parts)  # so that a thread that the machine has no core for does not hold up all
    bounds = iter([(rows * piece // pieces, rows * (piece + 1) // pieces) for piece in range(pieces)])

    def work() -> None:
        for first, last in bounds:
            kernel(*arguments, first, last)

    others = [_pool(os.getpid(), parts - 1).submit(work) for _ in range(parts - 1)]
    try:
        work()
    finally:
        for other in others:
            if not other.cancel():
                other.result()


@lru_cache(maxsize=2)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Of a process: one that was forked has none of its parent's threads."""
    return ThreadPoolExecutor(threads, thread_name_prefix="kernel")
