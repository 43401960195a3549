"""What a process that works for another one does first: it comes to end with that one, however that one ends.

Light, as until then nobody would end it: what it works with is imported afterwards.
"""

import ctypes
import importlib
import os
import signal
import sys
import time
from threading import Thread

from mecsim.core.stopping import SIGNALS

PR_SET_PDEATHSIG = 1  # prctl(2)
_POLL_S = 0.2


def begin_work(parent: int, threads: int, learned: bool) -> None:
    """Get ready to work for the process `parent` on so many threads, and with PyTorch if something is `learned`."""
    die_with(parent)
    for number in SIGNALS:  # they reach all processes of a terminal or of a batch system's job:
        signal.signal(number, signal.SIG_IGN)  # the parent answers, and ends us
    from mecsim.core.threads import use_threads

    if learned:  # what is imported later follows variables that joblib has set
        importlib.import_module("torch")
    use_threads(threads)


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
