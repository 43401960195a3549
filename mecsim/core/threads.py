"""How many threads Numba's kernels and PyTorch use: both count them for each thread that calls them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def use_threads(count: int | None = None) -> int:
    """Let both libraries use this many threads from now on (all cores by default), and return the number."""
    import torch

    from mecsim.core.compiled import set_threads

    threads = count or _cores()
    set_threads(threads)
    torch.set_num_threads(threads)
    return threads


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Let both libraries use this many threads for as long as the context lasts."""
    import numba
    import torch

    from mecsim.core.compiled import set_threads

    before = torch.get_num_threads(), numba.get_num_threads()
    use_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        set_threads(before[1])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
