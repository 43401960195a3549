"""The uploads to a server of the SimPy engine.

As with its processor (`simpy_processor`), time goes on as those say who use them.
"""

from bisect import bisect_right
from itertools import accumulate

from mecsim.physics.channel.cqi import link_rate_bit_per_s
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
    """Uploads whose rates depend on who else sends: SINR_i = SNR_i/(1 + Σ_{j≠i} SNR_j)."""

    def __init__(self, bandwidth_hz: float, cqi: bool) -> None:
        self.next_s = INFINITY  # when the next upload ends, if none begins before
        self.tasks: list[Task] = []  # in the order in which they began
        self._bandwidth_hz = bandwidth_hz
        self._cqi = cqi
        self._now_s = 0.0  # up to when `_left_bit` is true
        self._first = 0  # which upload ends next
        self._left_bit: list[float] = []  # of each upload
        self._snr: list[float] = []
        self._rate_bit_per_s: list[float] = []

    def copy(self) -> "InterferingUplink":
        """The same uploads at the same point."""
        copied = InterferingUplink(self._bandwidth_hz, self._cqi)
        copied.next_s, copied._now_s, copied._first = self.next_s, self._now_s, self._first
        copied.tasks, copied._left_bit = self.tasks[:], self._left_bit[:]
        copied._snr, copied._rate_bit_per_s = self._snr[:], self._rate_bit_per_s[:]
        return copied

    def add(self, task: Task, upload_s: float, snr: float, now_s: float) -> None:
        """An upload begins, which would take `upload_s` alone: from now on all rates are others."""
        self._send(now_s)
        self.tasks.append(task)
        self._left_bit.append(task.size_bit)
        self._snr.append(snr)
        self._plan()

    def complete(self) -> tuple[Task, float]:
        """The next upload ends, at its time: from then on all rates are others."""
        end_s, first = self.next_s, self._first
        self._send(end_s)
        del self._left_bit[first], self._snr[first]
        task = self.tasks.pop(first)
        self._plan()
        return task, end_s

    def _send(self, now_s: float) -> None:
        passed_s, self._now_s = now_s - self._now_s, now_s
        pairs = zip(self._left_bit, self._rate_bit_per_s, strict=True)
        self._left_bit = [left_bit - passed_s * rate for left_bit, rate in pairs]

    def _plan(self) -> None:
        """Rates, and the next end. An SNR is left out of a sum, not taken off it: it may be far above all others."""
        before = accumulate(self._snr, initial=0.0)
        after = reversed([*accumulate(reversed(self._snr[1:]), initial=0.0)])
        self._rate_bit_per_s = [
            link_rate_bit_per_s(snr / (1.0 + (earlier + later)), self._bandwidth_hz, self._cqi)
            for snr, earlier, later in zip(self._snr, before, after, strict=False)
        ]
        self.next_s = INFINITY
        if self.tasks:
            left_s = [left_bit / rate for left_bit, rate in zip(self._left_bit, self._rate_bit_per_s, strict=True)]
            self._first = left_s.index(min(left_s))
            self.next_s = self._now_s + max(0.0, left_s[self._first])
