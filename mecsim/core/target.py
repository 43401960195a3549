"""Where kernels run, and what they work on lives: this processor here; `cuda` has a GPU with the same interface."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from mecsim.core.threads import over_rows

ArraysT = TypeVar("ArraysT", bound="tuple[Any, ...] | NDArray[Any]")


class Target(Protocol):
    """Runs kernels and holds arrays. An engine that keeps to it plays on whatever target it is given."""

    @property
    def xp(self) -> Any:
        """The namespace of the arrays that are handed out; it makes them where kernels can write to them."""

    def over_rows(self, kernel: Callable[..., None], rows: int, *arguments: object, cost: int = 1) -> None:
        """Call `kernel(*arguments, first, last)` until all rows are done; see `threads.over_rows`."""

    def place(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array of this target with what a NumPy array holds; that array itself where it can be."""

    def on_host(self, array: NDArray[Any]) -> NDArray[Any]:
        """The other way."""

    def copy(self, array: NDArray[Any]) -> NDArray[Any]:
        """A copy of a placed array, which is placed, too."""


class Host:
    """This processor: arrays are NumPy's, and need not be moved."""

    xp: Any = np
    over_rows = staticmethod(over_rows)

    def place(self, array: NDArray[Any]) -> NDArray[Any]:
        """See `Target`."""
        return array

    def on_host(self, array: NDArray[Any]) -> NDArray[Any]:
        """See `Target`."""
        return array

    def copy(self, array: NDArray[Any]) -> NDArray[Any]:
        """See `Target`."""
        return array.copy()


def in_numpy(array: Any) -> NDArray[Any]:
    """What an engine handed out as a NumPy array, wherever it is; without a copy where it is here."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)


def each(change: Callable[[NDArray[Any]], NDArray[Any]], arrays: ArraysT) -> ArraysT:
    """A named tuple of arrays, and of such tuples, with every array changed; or a single array."""
    if isinstance(arrays, tuple):
        return cast(ArraysT, cast(Any, type(arrays))(*(each(change, part) for part in arrays)))
    return cast(ArraysT, change(cast(NDArray[Any], arrays)))
