"""Stopping where nothing is lost, when a signal or the clock asks for it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

NOTE = b"\nstopping at the end of this epoch, to save it; once more stops at once\n"


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM, as batch systems and containers do."""


def exit_code(interruption: BaseException) -> int:
    """The code that a shell gives a process that was so interrupted."""
    return 128 + (signal.SIGTERM if isinstance(interruption, Terminated) else signal.SIGINT)


@contextmanager
def terminating() -> Iterator[None]:
    """Meanwhile SIGTERM ends what is done as Ctrl-C does, unless somebody else handles it."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Meanwhile signals wait, so that what is written here together is there together; they are answered afterwards."""
    heard: list[int] = []
    before = _listen(lambda number, frame: heard.append(number))
    try:
        yield
    finally:
        _leave(before)
        if heard:
            signal.raise_signal(heard[0])


def never() -> bool:
    """Nobody asks to stop."""
    return False


class Stopping:
    """Answers whether work should stop at the next place where it can be gone on with: after Ctrl-C or SIGTERM.

    A context manager. Until it is first asked there is nothing to lose, and a signal raises KeyboardInterrupt at once.
    From then on the first signal is noted, and a second one raises.
    """

    def __init__(self, minutes: float | None = None, heard: Callable[[], object] = never) -> None:
        """`minutes` after which it asks to stop by itself; `heard` is called when a signal is noted."""
        self.signal: int | None = None
        """The signal that was received."""
        self._ends_s = None if minutes is None else time.monotonic() + 60.0 * minutes
        self._heard = heard
        self._holding = False
        self._before: dict[int, Any] = {}

    def hold(self) -> None:
        """From now on there is something to lose."""
        self._holding = True

    def __call__(self) -> bool:
        """Whether to stop."""
        self.hold()
        return self.signal is not None or (self._ends_s is not None and time.monotonic() >= self._ends_s)

    def __enter__(self) -> "Stopping":
        """Listen to signals."""
        self._before = _listen(self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        """Leave signals to whoever had them."""
        _leave(self._before)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        again, self.signal = self.signal is not None, number
        if again or not self._holding:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
        os.write(2, NOTE)  # print may be in the middle of a line
        self._heard()


def _listen(handler: Callable[[int, FrameType | None], object]) -> dict[int, Any]:
    """Who had each signal before; nobody listens to those that the process was started to ignore, nor beside the main
    thread."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    heard = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


def _leave(before: dict[int, Any]) -> None:
    """Leave signals to whoever had them."""
    for number, handler in before.items():
        signal.signal(number, handler)
    before.clear()
