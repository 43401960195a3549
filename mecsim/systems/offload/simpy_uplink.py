"""The uploads to a server of the SimPy engine.

As with its processor (`simpy_processor`), time goes on as those say who use them.
"""

from bisect import bisect_right
from copy import copy

import numpy as np

from mecsim.physics.channel.cqi import rate_bit_per_s
from mecsim.physics.channel.link import Adaptation
from mecsim.systems.offload.simpy_processor import INFINITY, Task


class Uplink:
    """Uploads that do not disturb each other, in the order in which they end."""

    def __init__(self) -> None:
        self.next_s = INFINITY  # when the next upload ends, if none begins before
        self.tasks: list[Task] = []
        self._ends_s: list[float] = []  # in the same order

    def copy(self) -> "Uplink":
        """The same uploads."""
        copied = Uplink()
        copied.next_s, copied.tasks, copied._ends_s = self.next_s, self.tasks[:], self._ends_s[:]
        return copied

    def add(self, task: Task, upload_s: float, snr: float, now_s: float) -> None:
        """An upload begins, which takes `upload_s` however well it is received."""
        at = bisect_right(self._ends_s, now_s + upload_s)
        self._ends_s.insert(at, now_s + upload_s)
        self.tasks.insert(at, task)
        self.next_s = self._ends_s[0]

    def complete(self) -> tuple[Task, float]:
        """The next upload ends, at its time."""
        task, end_s = self.tasks.pop(0), self._ends_s.pop(0)
        self.next_s = self._ends_s[0] if self._ends_s else INFINITY
        return task, end_s


class InterferingUplink:
    """Uploads whose rates depend on who else sends: SINR_i = SNR_i/(1 + Σ_{j≠i} SNR_j).

    Each that begins or ends changes the rates of all others, so they are kept in arrays: many may be on their way. One
    that has ended stays in its place, sends nothing and has no end, until another begins.
    """

    def __init__(self, bandwidth_hz: float, cqi: bool) -> None:
        self.next_s = INFINITY  # when the next upload ends, if none begins before
        self.tasks: list[Task] = []
        self._bandwidth_hz = bandwidth_hz
        self._adaptation: Adaptation = "cqi" if cqi else "shannon"
        self._now_s = 0.0  # up to when `_left_bit` is true
        self._places: list[Task] = []  # of the uploads in the arrays, in the order in which they began
        self._left_bit = self._snr = self._rate_bit_per_s = np.empty(0)
        self._first = 0  # the place of the upload that ends next

    def copy(self) -> "InterferingUplink":
        """The same uploads at the same point."""
        copied = copy(self)
        copied.tasks, copied._left_bit, copied._snr = self.tasks[:], self._left_bit.copy(), self._snr.copy()
        return copied

    def add(self, task: Task, upload_s: float, snr: float, now_s: float) -> None:
        """An upload begins, which would take `upload_s` alone: from now on all rates are others."""
        self._send(now_s)
        going_on = self._snr > 0.0
        self.tasks.append(task)
        self._places = self.tasks[:]
        self._left_bit = np.append(self._left_bit[going_on], task.size_bit)
        self._snr = np.append(self._snr[going_on], snr)
        self._plan()

    def complete(self) -> tuple[Task, float]:
        """The next upload ends, at its time: from then on all rates are others."""
        task, end_s = self._places[self._first], self.next_s
        self._send(end_s)
        self._left_bit[self._first], self._snr[self._first] = INFINITY, 0.0
        self.tasks.remove(task)
        self._plan()
        return task, end_s

    def _send(self, now_s: float) -> None:
        self._left_bit -= (now_s - self._now_s) * self._rate_bit_per_s
        self._now_s = now_s

    def _plan(self) -> None:
        """Rates, and the next end. An SNR is left out of a sum, not taken off it: it may be far above all others."""
        self.next_s = INFINITY
        if not self.tasks:
            return
        others = np.zeros(len(self._snr))
        others[1:] = self._snr[:-1].cumsum()
        others[:-1] += self._snr[:0:-1].cumsum()[::-1]
        self._rate_bit_per_s = rate_bit_per_s(self._snr / (1.0 + others), self._bandwidth_hz, self._adaptation)
        left_s = self._left_bit / self._rate_bit_per_s
        self._first = int(left_s.argmin())
        self.next_s = self._now_s + max(0.0, float(left_s[self._first]))
