"""The one place that chooses how functions are compiled: kernels, which Python calls, and their helpers.

`error_model="numpy"` lets a division follow IEEE rules instead of raising, which keeps loops free of branches;
fast-math stays off, as both engines have to agree to 1e-9. What allocates nothing is compiled without Numba's runtime
(`_nrt=False`): otherwise every call counts references to its arrays with atomic operations, which was measured to halve
the speed on one thread and more on several.

Compiling takes seconds, so little is compiled, and once: helpers have no entry for Python, whose code for arguments
takes longer to compile than many a helper, and kernels are kept (`kernel_cache`). A kernel works on the rows from
`first` to before `last` of its arrays, on one thread; `threads.over_rows` spreads rows over several.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, cast

import numba
import numpy as np
from numba.core.registry import CPUDispatcher
from numba.extending import overload
from numpy.typing import NDArray

from mecsim.core.kernel_cache import KernelCache

Function = TypeVar("Function", bound=Callable[..., object])

_njit: Any = numba.njit
_overload: Any = overload
KERNEL: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
HELPER: dict[str, Any] = {**KERNEL, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
INLINE: dict[str, Any] = {**HELPER, "forceinline": True}
APART: dict[str, Any] = {**HELPER, "forceinline": False}  # else a helper is as its first caller


def kernel(function: Function) -> Function:
    """Compile a function that Python calls, and that may call helpers, but allocates nothing."""
    return cast(Function, _kept(_njit(**KERNEL, _nrt=False)(function)))


def allocating_kernel(function: Function) -> Function:
    """Compile a function that Python calls, and that makes arrays."""
    return cast(Function, _kept(_njit(**KERNEL)(function)))


def compiled(function: Function) -> Function:
    """Compile a helper of kernels, which allocates nothing. Python cannot call it, only kernels can."""
    return cast(Function, _helper(_njit(**HELPER)(function)))


def compiled_inline(function: Function) -> Function:
    """Like `compiled`, and always inlined: for small functions with many arguments, where calling costs more."""
    return cast(Function, _helper(_njit(**INLINE)(function)))


def compiled_apart(function: Function) -> Function:
    """Like `compiled`, and not inlined by force, nor what it calls: for branches that are rarely taken.

    Others are: Numba inherits that from callers. There such branches would only crowd registers and caches.
    """
    return cast(Function, _helper(_njit(**APART)(function)))


def compiled_by_type(helpers: Mapping[type, Callable[..., object]]) -> Callable[[Function], Function]:
    """Compile one of several helpers, by the class of the first argument, a named tuple: the others cost nothing.

    Decorates a function without a body, whose parameters are theirs; arguments are given by position.
    """

    def decorate(function: Function) -> Function:
        def chosen(*types: Any) -> Callable[..., object]:
            helper = helpers[types[0].instance_class]
            return lambda *arguments: helper(*arguments)

        _overload(function, jit_options=INLINE, strict=False)(chosen)
        function.helpers = helpers  # type: ignore[attr-defined]  # for the cache: what a kernel is made of
        return function

    return decorate


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same data, never to be written: drawn tapes are so, and kernels are compiled once for all tapes."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def _kept(dispatcher: Any) -> Any:
    dispatcher._cache = KernelCache(dispatcher.py_func, dispatcher.targetoptions)
    return dispatcher


class _Helper(CPUDispatcher):
    """Without an entry for Python: calling it there would end the process."""

    def __call__(self, *arguments: object) -> NoReturn:
        raise TypeError(f"{self.py_func.__qualname__} is a helper of kernels; Python cannot call it")


def _helper(dispatcher: Any) -> Any:
    dispatcher.__class__ = _Helper
    return dispatcher
