"""Who is told when a kernel is compiled. Apart from the cache, so that watching does not import the compiler."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[str, bool], None]
"""Is told a kernel's name, and whether it is ready: False before it is compiled, True afterwards."""

_watchers: list[Watcher] = []


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Inside of the block, tell of every kernel that has to be compiled."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def tell(kernel: str, ready: bool) -> None:
    """Tell all who watch."""
    for watcher in _watchers:
        watcher(kernel, ready)
