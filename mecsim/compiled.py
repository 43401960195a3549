"""The one place that chooses how kernels are compiled.

Numba has no type stubs, so `compiled` and `compiled_parallel` also keep the signature of what they decorate.
`error_model="numpy"` lets a division follow IEEE rules instead of raising, which keeps loops free of branches;
fast-math stays off, as both engines have to agree to 1e-9. Helpers of a kernel are compiled without Numba's runtime
(`_nrt=False`), as they allocate nothing: otherwise every call counts references to its arrays with atomic operations,
which was measured to halve the speed on one thread and more on several.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import numba

PARALLEL_FROM = 512  # items of a microsecond each

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function for one thread; calls to it from other compiled functions are inlined by LLVM."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function))


def compiled_inline(function: Function) -> Function:
    """Like `compiled`, and always inlined: for small functions with many arguments, where a call costs more than they.

    Not for rarely taken branches: they would only crowd the instruction cache.
    """
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True, _nrt=False)(function))


def compiled_parallel(function: Function) -> Function:
    """Compile a function whose `numba.prange` loops run on all of Numba's threads."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy", parallel=True)(function))


@contextmanager
def threads_for(items: int) -> Iterator[None]:
    """Run parallel kernels on one thread if they have few items: waking and joining threads would cost more.

    Much more where another library's threads (PyTorch's, say) spin on the same cores.
    """
    threads = numba.get_num_threads()
    if items >= PARALLEL_FROM or threads == 1:
        yield
        return
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)


def set_threads(count: int) -> None:
    """Let parallel kernels use `count` threads, or as many as Numba was started with if that is less."""
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
