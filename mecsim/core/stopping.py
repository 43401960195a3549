"""Stopping where nothing is lost, when a signal or the clock asks for it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

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
        self._before: dict[int, object] = {}

    def hold(self) -> None:
        """From now on there is something to lose."""
        self._holding = True

    def __call__(self) -> bool:
        """Whether to stop."""
        self.hold()
        return self.signal is not None or (self._ends_s is not None and time.monotonic() >= self._ends_s)

    def __enter__(self) -> "Stopping":
        """Listen to signals, but to those that the process was started to ignore, and not beside the main thread."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        """Leave signals to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        again, self.signal = self.signal is not None, number
        if again or not self._holding:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
        os.write(2, NOTE)  # print may be in the middle of a line
        self._heard()
