"""What every kind of tape shares: arrays of many episodes in one frozen dataclass, selected, stored and checked."""

import zipfile
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import atomic_write
from mecsim.errors import InputError


@dataclass(frozen=True, slots=True)
class Tapes(ABC):
    """Base of a dataclass of arrays whose first dimension counts episodes."""

    FORMAT: ClassVar[int]  # of the archive that `save` writes

    @abstractmethod
    def __len__(self) -> int:
        """The number of episodes."""

    @abstractmethod
    def _check(self) -> None:
        """Raise ValueError unless the arrays belong together: compiled code trusts them."""

    def select(self, episodes: slice | NDArray[np.int64]) -> Self:
        """Some of the episodes."""
        return type(self)(*(getattr(self, field.name)[episodes] for field in fields(self)))

    def save(self, path: Path) -> None:
        """Write all episodes to a NumPy archive."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        with atomic_write(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, format=np.int64(self.FORMAT), **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: the file is not a tape of this kind, or of another format.
        """
        names = [field.name for field in fields(cls)]
        try:  # NumPy lets whatever its zip reader and header parser raise pass through
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                missing = {"format", *names} - set(archive.files)
                if missing:
                    raise InputError(f"{path}: not a tape: it lacks {', '.join(sorted(missing))}")
                if int(archive["format"]) != cls.FORMAT:
                    raise InputError(f"{path}: tape format {int(archive['format'])}, this version reads {cls.FORMAT}")
                tapes = cls(*(archive[name] for name in names))
                tapes._check()
                return tapes
        except (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path}: not a tape: {error}") from error

    def _check_arrays(self, expected: dict[str, tuple[type[np.generic], tuple[int, ...]]]) -> None:
        """Raise ValueError unless each array has its type and shape."""
        for name, (dtype, shape) in expected.items():
            array: NDArray[Any] = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}")
