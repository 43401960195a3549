"""The one place that chooses how kernels are compiled, cached and run on threads.

`error_model="numpy"` lets a division follow IEEE rules instead of raising, which keeps loops free of branches;
fast-math stays off, as both engines have to agree to 1e-9. Helpers of a kernel are compiled without Numba's runtime
(`_nrt=False`), as they allocate nothing: otherwise every call counts references to its arrays with atomic operations,
which was measured to halve the speed on one thread and more on several.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

PARALLEL_FROM = 512  # items of less than a microsecond each

Function = TypeVar("Function", bound=Callable[..., object])

_KERNEL: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_HELPER: dict[str, Any] = {**_KERNEL, "_nrt": False}


def compiled(function: Function) -> Function:
    """Compile a helper that allocates nothing, for one thread."""
    return cast(Function, numba.njit(**_HELPER)(function))


def compiled_inline(function: Function) -> Function:
    """Like `compiled`, and always inlined: for small functions with many arguments, where a call costs more than they.

    Not for rarely taken branches: they would only crowd the instruction cache.
    """
    return cast(Function, numba.njit(**_HELPER, forceinline=True)(function))


def compiled_parallel(function: Function) -> Function:
    """Compile a function whose `numba.prange` loops run on all of Numba's threads."""
    return cast(Function, numba.njit(**_KERNEL, parallel=True)(function))


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same data, never to be written: drawn tapes are so, and kernels are compiled once for all tapes."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


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


_COMPILED = ("core", "physics", "predictor", "systems")  # packages that hold kernels


def _drop_stale_kernels(package: Path) -> None:
    """Remove cached kernels that are older than any source they may be made of.

    Numba compares a cached kernel with the file it is in, but not with the files of the helpers it calls.
    """
    folders = [package / name for name in _COMPILED]
    newest_s = max(source.stat().st_mtime for folder in folders for source in folder.rglob("*.py"))
    for folder in folders:
        for kernel in folder.rglob("*.nb[ic]"):
            with suppress(OSError):  # another process was faster, or the installation is read-only
                if kernel.stat().st_mtime < newest_s:
                    kernel.unlink()


_drop_stale_kernels(Path(__file__).parents[1])
