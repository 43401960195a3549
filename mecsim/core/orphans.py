"""Processes that end with the one that started them, however that one ends."""

import ctypes
import os
import signal
import sys
import time
from threading import Thread

PR_SET_PDEATHSIG = 1  # prctl(2)
_POLL_S = 0.2


def die_with(parent: int) -> None:
    """From now on this process is killed when its parent, whose id that is, is no more.

    Linux kills it in the same moment (strictly, when the thread that started it ends); elsewhere a thread looks after
    the parent a few times per second. Windows has no parents to look after.
    """
    if sys.platform == "win32":
        return
    if sys.platform != "linux" or ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before it was looked after
        _end()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    _end()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)  # at once, whatever else this process is at
