"""A GPU as a target: the helpers and kernels of the processor, compiled by numba-cuda, with a thread per row.

There is no second source. A kernel is taken with all helpers that it names; each is compiled from the same Python
function, and those that `compiled_by_type` chooses among are chosen by the class of the kernel's first argument.

Arrays of records are numba-cuda's, as PyTorch has none; what is handed out are PyTorch's tensors, which kernels write
to without a copy. Without a GPU, but with NUMBA_ENABLE_CUDASIM=1, everything runs in numba-cuda's simulator, in Python
and on NumPy's memory: slow, and for tests.
"""

import dis
import importlib
from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError

cuda: Any = importlib.import_module("numba.cuda")  # the simulator looks for it by this name

THREADS = 64
"""Of a block: few, as each has much to remember, and episodes are many."""


def why_not() -> str:
    """What is missing here to use a GPU; empty if nothing is."""
    return "" if cuda.is_available() else "needs a GPU of NVIDIA and numba-cuda (pip install 'mecsim[cuda]')"


class Cuda:
    """The current CUDA device, see `Target`.

    Raises:
        InputError: there is none, or it cannot be used.
    """

    def __init__(self) -> None:
        if missing := why_not():
            raise InputError(f"the engine cuda {missing}")

    @property
    def xp(self) -> Any:
        """What an engine and its environment need of PyTorch, on this device."""
        import torch

        return _tensors("cpu" if simulated() else f"cuda:{torch.cuda.current_device()}")

    def over_rows(self, kernel: Callable[..., None], rows: int, *arguments: object, cost: int = 1) -> None:
        """Call `kernel(*arguments, row, row + 1)` for every row, each in a thread of its own.

        It is put into PyTorch's current stream; nobody waits for it.
        """
        launch = _launcher(kernel, cast(Any, type(arguments[0])))
        if simulated():
            with np.errstate(all="ignore"):  # as compiled code has it
                launch[1, rows](rows, _in_numpy(arguments))
            return
        import torch

        stream = cuda.external_stream(torch.cuda.current_stream().cuda_stream)
        launch[-(-rows // THREADS), THREADS, stream](rows, arguments)

    def place(self, array: NDArray[Any]) -> NDArray[Any]:
        """See `Target`."""
        if simulated():  # in Python, only these let attributes stand for the fields of a record
            return array.view(np.recarray) if array.dtype.names else array
        return cast(NDArray[Any], cuda.to_device(array))

    def on_host(self, array: NDArray[Any]) -> NDArray[Any]:
        """See `Target`."""
        return np.asarray(array) if simulated() else cast(NDArray[Any], cast(Any, array).copy_to_host())

    def copy(self, array: NDArray[Any]) -> NDArray[Any]:
        """See `Target`."""
        if simulated():
            return array.copy()
        copied = cuda.device_array_like(array)
        if array.size:
            copied.copy_to_device(array)
        return cast(NDArray[Any], copied)


def device_kernel(kernel: Callable[..., None], chosen: type) -> Callable[..., None]:
    """What each thread of a device does to call a kernel for its row: a function of rows and arguments.

    `chosen`: the class by which `compiled_by_type` chooses helpers.
    """
    function = _on_device(kernel, chosen)

    def one_row(rows: int, arguments: tuple[Any, ...]) -> None:
        row = cuda.grid(1)
        if row < rows:
            function(*arguments, row, row + 1)

    return one_row


@cache
def _on_device(function: Any, chosen: type) -> Any:
    """A helper or kernel as code of the device, with all helpers that it names, of its module or of another one."""
    if hasattr(function, "helpers"):
        return _on_device(function.helpers[chosen], chosen)
    source: FunctionType = function.py_func
    scope = dict(source.__globals__)
    for name in {step.argval for step in dis.get_instructions(source) if step.opname == "LOAD_GLOBAL"}:
        found = scope.get(name)
        if _is_helper(found):
            scope[name] = _on_device(found, chosen)
        elif isinstance(found, ModuleType):
            scope[name] = _module_on_device(found, chosen)
    return cuda.jit(device=True)(FunctionType(source.__code__, scope, source.__name__))


@cache
def _module_on_device(module: ModuleType, chosen: type) -> ModuleType:
    helpers = {name: found for name, found in vars(module).items() if _is_helper(found)}
    if not helpers:
        return module
    converted = ModuleType(module.__name__)
    vars(converted).update(vars(module) | {name: _on_device(found, chosen) for name, found in helpers.items()})
    return converted


def _is_helper(found: object) -> bool:
    return hasattr(found, "py_func") or hasattr(found, "helpers")


@cache
def _launcher(kernel: Callable[..., None], chosen: type) -> Any:
    return cuda.jit(device_kernel(kernel, chosen))


@cache
def _tensors(device: str) -> Any:
    import torch

    def asarray(values: object, dtype: torch.dtype | None = None, copy: bool | None = None) -> torch.Tensor:
        return torch.asarray(values, dtype=dtype, device=device, copy=copy)

    def empty(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device=device)

    names = ("float32", "float64", "int8", "int64", "minimum")
    same = {name: getattr(torch, name) for name in names}
    return SimpleNamespace(asarray=asarray, empty=empty, take_along_axis=torch.take_along_dim, **same)


def simulated() -> bool:
    """Whether numba-cuda simulates a device."""
    from numba.core import config

    return bool(vars(config)["ENABLE_CUDASIM"])


def _in_numpy(value: Any) -> Any:
    """The same memory with tensors as NumPy's arrays, in named tuples too."""
    if hasattr(value, "numpy"):
        return value.numpy()
    if isinstance(value, tuple):
        seen = map(_in_numpy, value)
        return cast(Any, type(value))(*seen) if hasattr(value, "_fields") else tuple(seen)
    return value
