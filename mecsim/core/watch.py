"""Who is told when a kernel is compiled, and how far long work is. Apart from who does it: watching stays light."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[str, bool], None]
"""Is told a kernel's name, and whether it is ready: False before it is compiled, True afterwards."""

Listener = Callable[[str, int, int], None]
"""Is told of some work what it is, how much of it is done, and how much there is."""

_watchers: list[Watcher] = []
_listeners: list[Listener] = []


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


@contextmanager
def followed(listener: Listener) -> Iterator[None]:
    """Inside of the block, tell how far each work of this process is that says so."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell_progress(what: str, done: int, total: int) -> None:
    """Tell all who listen; the work is over when all is done."""
    for listener in _listeners:
        listener(what, done, total)
