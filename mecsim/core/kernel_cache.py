"""Where compiled kernels are kept, and how it is known that one still is what its source says.

A kernel is kept under a digest of its own code, of all helpers that it calls, and of the constants that they name. So
an edit makes anew what it changes and nothing else, dates of files do not matter, and no old kernel is ever taken.
"""

import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

import numpy as np
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _Cache, _CacheLocator

from mecsim.core.sources import code_bytes, codes
from mecsim.core.watch import tell
from mecsim.errors import InputError
from mecsim.version import __version__

FOLDER_VARIABLE = "MECSIM_CACHE_DIR"
PACKAGE = Path(__file__).parents[1]


@cache
def kernel_folder() -> Path:
    """The folder that MECSIM_CACHE_DIR names, or the first that can be written: the package's, the user's, a temporary.

    Folders that several installations may share have one for each.

    Raises:
        InputError: the folder that MECSIM_CACHE_DIR names cannot be written.
    """
    installation = f"mecsim-{__version__}-{hashlib.sha256(str(PACKAGE).encode()).hexdigest()[:12]}"
    if named := os.environ.get(FOLDER_VARIABLE):
        folder = Path(named) / installation
        if not _usable(folder):
            raise InputError(f"{FOLDER_VARIABLE}={named}: cannot be written; name a folder for compiled kernels")
        return folder
    candidates = [PACKAGE / "__pycache__" / "kernels"]
    with suppress(RuntimeError):  # no home directory
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        candidates.append(Path(caches) / "mecsim" / installation)
    found = next(filter(_usable, candidates), None)
    if found is None:
        found = _temporary(installation)
        told = "compiled kernels are kept in %s, as no better folder can be written; %s names one"
        logging.getLogger(__name__).warning(told, found, FOLDER_VARIABLE)
    return found


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _temporary(installation: str) -> Path:
    """A folder that is there next time, too, and that nobody else can have put kernels into."""
    own = Path(tempfile.gettempdir()) / f"{installation}-{os.getuid() if hasattr(os, 'getuid') else 'kernels'}"
    with suppress(OSError):
        own.mkdir(mode=0o700, exist_ok=True)
        about = own.lstat()
        if not hasattr(os, "getuid") or (about.st_uid == os.getuid() and stat.S_IMODE(about.st_mode) == 0o700):
            return own
    return Path(tempfile.mkdtemp(prefix=f"{installation}-"))


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
        try:
            found = self._kept.load_overload(sig, target_context)
        except (AttributeError, ImportError):  # what is kept names types that another version had
            self.flush()
            found = None
        if found is None:
            tell(self._function.__qualname__, False)
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a kernel; a full disk costs the time of compiling next time, and nothing else."""
        tell(self._function.__qualname__, True)
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
            for code in codes(found.__code__):
                digest.update(code_bytes(code))
                for name, value in _named(code, found.__globals__):
                    digest.update(name.encode())
                    waiting.append(value)
            cells = [cell.cell_contents for cell in found.__closure__ or ()]
            waiting += [*cells, *getattr(found, "helpers", {}).values()]
        elif hasattr(found, "py_func"):
            digest.update(repr(sorted(getattr(found, "targetoptions", {}).items())).encode())
            waiting.append(found.py_func)
        elif isinstance(found, bool | int | float | str | bytes | np.dtype | np.generic | tuple):
            digest.update(repr(found).encode())
        elif isinstance(found, np.ndarray):
            digest.update(f"{found.dtype}{found.shape}".encode() + found.tobytes())
        elif isinstance(found, type) and hasattr(found, "_fields"):
            digest.update(f"{found.__qualname__}{found._fields}".encode())
    return digest.hexdigest()


def _named(code: CodeType, scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a code names: values of its module, and of other modules that it names."""
    for name in code.co_names:
        if isinstance(module := scope.get(name), ModuleType):
            yield from ((part, vars(module)[part]) for part in code.co_names if part in vars(module))
        elif name in scope:
            yield name, scope[name]
