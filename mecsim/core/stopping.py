"""Stopping where nothing is lost, when a signal or the clock asks for it."""

import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

NOTE = b"\nstopping at the end of this epoch, to save it; once more stops at once\n"


SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""With which somebody asks a process to end: Ctrl-C; batch systems and containers; a terminal that is closed."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end by a signal other than that of Ctrl-C, which is its only argument."""


def interruption(number: int) -> KeyboardInterrupt:
    """What a signal raises where it ends something."""
    return KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)


def exit_code(interruption: BaseException) -> int:
    """The code that a shell gives a process that was so interrupted."""
    number = interruption.args[0] if isinstance(interruption, Terminated) else signal.SIGINT
    return 128 + int(number)


@contextmanager
def terminating() -> Iterator[None]:
    """Meanwhile SIGTERM and SIGHUP end what is done as Ctrl-C does, unless somebody else handles them."""

    def terminate(number: int, frame: FrameType | None) -> None:
        _leave_terminal(number)
        raise interruption(number)

    before = _listen(terminate, [one for one in SIGNALS if signal.getsignal(one) is signal.SIG_DFL])
    try:
        yield
    finally:
        _leave(before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Meanwhile signals wait, so that what is written here together is there together; they are answered afterwards."""
    heard: list[int] = []
    before = _listen(lambda number, frame: heard.append(number), SIGNALS)
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
    """Answers whether work should stop at the next place where it can be gone on with: after Ctrl-C, SIGTERM or SIGHUP.

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
        self._before = _listen(self._hear, SIGNALS)
        return self

    def __exit__(self, *error: object) -> None:
        """Leave signals to whoever had them."""
        _leave(self._before)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        _leave_terminal(number)
        again, self.signal = self.signal is not None, number
        if again or not self._holding:
            raise interruption(number)
        with suppress(OSError):  # print may be in the middle of a line; nobody may read it any more
            os.write(2, NOTE)
        self._heard()


def _listen(handler: Callable[[int, FrameType | None], object], numbers: Sequence[int]) -> dict[int, Any]:
    """Who had each signal before; nobody listens to those that the process was started to ignore, nor beside the main
    thread."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    heard = [one for one in numbers if signal.getsignal(one) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


def _leave(before: dict[int, Any]) -> None:
    """Leave signals to whoever had them."""
    for number, handler in before.items():
        signal.signal(number, handler)
    before.clear()


def _leave_terminal(number: int) -> None:
    """Write to nowhere from now on, if that was the end of the terminal: writing there would be an error."""
    if number == getattr(signal, "SIGHUP", None):
        for descriptor in (1, 2):
            with suppress(OSError):
                if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
