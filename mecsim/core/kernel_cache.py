"""Where compiled kernels are kept, and how it is known that one still is what its source says.

A kernel is kept under a digest of its own code, of all helpers that it calls, and of the constants that they name. So
an edit makes anew what it changes and nothing else, dates of files do not matter, and no old kernel is ever taken.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, cast

import numpy as np
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _Cache, _CacheLocator

from mecsim.version import __version__

FOLDER_VARIABLE = "MECSIM_CACHE_DIR"
PACKAGE = Path(__file__).parents[1]

_watchers: list[Callable[[str], None]] = []


@contextmanager
def watched(on_compile: Callable[[str], None]) -> Iterator[None]:
    """Inside of the block, tell of every kernel that has to be compiled, by its name, before that begins."""
    _watchers.append(on_compile)
    try:
        yield
    finally:
        _watchers.remove(on_compile)


@cache
def kernel_folder() -> Path:
    """The first of these that can be written: what MECSIM_CACHE_DIR names, the package's own folder, the user's cache.

    If none can be, that is a folder for temporary files, of this user alone. Folders that several installations may
    share have one for each.
    """
    installation = f"mecsim-{__version__}-{hashlib.sha256(str(PACKAGE).encode()).hexdigest()[:12]}"
    candidates = [PACKAGE / "__pycache__" / "kernels"]
    if named := os.environ.get(FOLDER_VARIABLE):
        candidates.insert(0, Path(named) / installation)
    with suppress(RuntimeError):  # no home directory
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        candidates.append(Path(caches) / "mecsim" / installation)
    for folder in candidates:
        if _usable(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix=f"{installation}-"))


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


class KernelCache(_Cache):
    """Numba's cache of a kernel, under its digest; made when first asked, as helpers may follow in the file."""

    def __init__(self, function: Callable[..., object], options: Mapping[str, object]) -> None:
        self._function, self._options = function, options

    @cached_property
    def _kept(self) -> Any:
        function, digest = self._function, digest_of(self._function, self._options)

        class Locator(_CacheLocator):
            """Numba's way to ask for folder and stamp."""

            @classmethod
            def from_function(cls, function: object, file: str) -> "Locator":
                return cls()

            def get_cache_path(self) -> str:
                return str(kernel_folder())

            def get_source_stamp(self) -> str:
                return digest

            def get_disambiguator(self) -> str:
                return function.__module__

        class Impl(CompileResultCacheImpl):
            _locator_classes: list[Any] = [Locator]  # noqa: RUF012

        class Kept(FunctionCache):
            _impl_class = Impl

        return cast(Any, Kept)(function)

    @property
    def cache_path(self) -> str:
        """The folder."""
        return str(kernel_folder())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The kernel for a signature; None if there is none yet."""
        found = self._kept.load_overload(sig, target_context)
        if found is None:
            for tell in _watchers:
                tell(self._function.__qualname__)
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a kernel; a full disk costs the time of compiling next time, and nothing else."""
        with suppress(OSError):
            self._kept.save_overload(sig, data)

    def enable(self) -> None:
        """Keep kernels from now on."""
        self._kept.enable()

    def disable(self) -> None:
        """Keep none."""
        self._kept.disable()

    def flush(self) -> None:
        """Forget what is kept."""
        self._kept.flush()


def digest_of(function: Callable[..., object], options: Mapping[str, object]) -> str:
    """Of everything that decides what a function is compiled to, apart from the types of its arguments."""
    digest = hashlib.sha256(repr(sorted(options.items())).encode())
    seen: set[int] = set()
    waiting: list[Any] = [function]
    while waiting:
        found = waiting.pop()
        if isinstance(found, FunctionType) and id(found) not in seen:
            seen.add(id(found))
            digest.update(f"{found.__module__}.{found.__qualname__}".encode())
            for code in _codes(found.__code__):
                digest.update(code.co_code + repr((code.co_names, code.co_varnames, _constants(code))).encode())
                for name in code.co_names:
                    if name in found.__globals__:
                        digest.update(name.encode())
                        waiting.append(found.__globals__[name])
            cells = [cell.cell_contents for cell in found.__closure__ or ()]
            waiting += [*cells, *getattr(found, "helpers", {}).values()]
        elif hasattr(found, "py_func"):
            digest.update(repr(sorted(getattr(found, "targetoptions", {}).items())).encode())
            waiting.append(found.py_func)
        elif isinstance(found, bool | int | float | str | bytes | np.dtype | np.generic | tuple):
            digest.update(repr(found).encode())
        elif isinstance(found, type) and hasattr(found, "_fields"):
            digest.update(f"{found.__qualname__}{found._fields}".encode())
    return digest.hexdigest()


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _constants(code: CodeType) -> tuple[object, ...]:
    return tuple(constant for constant in code.co_consts if not isinstance(constant, CodeType))
