"""A server of the SimPy engine: the process that lets its uploads and executions end, and its outlook.

An upload that ends hands its task to the processor. What goes on depends on what is there alone, so the process waits
for whatever ends next, an upload or an execution, and plans anew when another task is sent.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from mecsim.systems.offload.layout import OffloadSpec
from mecsim.systems.offload.simpy_processor import INFINITY, Finished, Processor, Task
from mecsim.systems.offload.simpy_uplink import InterferingUplink, Uplink


@dataclass
class Outlook:
    """What becomes of all tasks of a server if nothing else ever came."""

    now_s: float
    upload_s: float = 0.0  # time on the way, summed over tasks
    finished: Finished = field(default_factory=list)  # every task
    busy: list[tuple[float, float]] = field(default_factory=list)  # when the processor works, from and to, from now on

    @property
    def system_s(self) -> float:
        """Time in the system, summed over tasks."""
        return sum([finish_s - self.now_s for _, finish_s in self.finished])


class Server:
    """A processor of speed_bit_per_s and the uploads to it."""

    def __init__(self, env: simpy.Environment, spec: OffloadSpec, speed_bit_per_s: float) -> None:
        self.env = env
        self.speed_bit_per_s = speed_bit_per_s
        self._uplink = InterferingUplink(spec.bandwidth_hz, spec.cqi) if spec.interference else Uplink()
        self._processor = Processor(speed_bit_per_s, spec.preemptive)
        self._process = env.process(self._work())

    def uploading(self) -> int:
        """The number of tasks on their way here."""
        return len(self._uplink.tasks)

    def executing(self) -> int:
        """The number of tasks that share the server, waiting for more urgent ones or not."""
        return self._processor.executing()

    def residuals_bit(self) -> list[float]:
        """What is left of each task present now."""
        return self._processor.residuals_bit(self.env.now)

    def work_bit(self) -> float:
        """All that is left to execute, tasks on their way included."""
        return sum(self.residuals_bit()) + sum(task.work_bit for task in self._uplink.tasks)

    def send(self, task: Task, upload_s: float, snr: float) -> None:
        """A task starts on its way here. It takes `upload_s` if nothing interferes, and none at all if that is zero."""
        if upload_s == 0.0:
            task.upload_end_s = self.env.now
            self._processor.add(task, self.env.now)
        else:
            self._uplink.add(task, upload_s, snr, self.env.now)
        self._process.interrupt()

    def _work(self) -> Generator[simpy.Event, Any, None]:
        """Let uploads and executions end when it is time, for ever; of those that end at once executions first."""
        while True:
            next_s = min(self._processor.next_s, self._uplink.next_s)
            try:
                if next_s == INFINITY:
                    yield self.env.event()  # nothing to do until a task is sent
                yield self.env.timeout(max(0.0, next_s - self.env.now))  # rounding may have it just behind
            except simpy.Interrupt:
                continue  # a task has been sent: plan anew
            if self._processor.next_s <= self._uplink.next_s:
                task, end_s = self._processor.complete()
                task.finish_s = end_s
            else:
                task, end_s = self._uplink.complete()
                task.upload_end_s = end_s
                self._processor.add(task, end_s)

    # Looking ahead

    def outlook(self, extra: Task | None = None, upload_s: float = 0.0, snr: float = 0.0) -> Outlook:
        """Play the future of this server out, event by event; with `extra`, as if that task were sent here now."""
        now_s, processor = self.env.now, self._processor.copy()
        if extra is not None and upload_s == 0.0:
            processor.add(extra, now_s)
            extra = None  # not on its way
        outlook, busy_from_s = Outlook(now_s), now_s
        finished = outlook.finished
        for task, end_s in self._upload_ends(extra, upload_s, snr):
            outlook.upload_s += end_s - now_s
            finished += processor.run(end_s)
            if not processor.executing():  # it has paused
                if finished:
                    outlook.busy.append((busy_from_s - now_s, finished[-1][1] - now_s))
                busy_from_s = end_s
            processor.add(task, end_s)
        finished += processor.run(INFINITY)
        if finished:
            outlook.busy.append((busy_from_s - now_s, finished[-1][1] - now_s))
        return outlook

    def _upload_ends(self, extra: Task | None, upload_s: float, snr: float) -> Finished:
        """When each upload ends, in this order: the processor has no influence on that."""
        if extra is not None and not self._uplink.tasks:
            return [(extra, self.env.now + upload_s)]  # it is alone
        uplink = self._uplink.copy()
        if extra is not None:
            uplink.add(extra, upload_s, snr, self.env.now)
        return [uplink.complete() for _ in range(len(uplink.tasks))]

    def added_delay_s(self, extra: Task, upload_s: float) -> float:
        """By how much a task that is sent here now raises the time in the system of all tasks, its own included.

        For processors that serve all of their tasks together. That is what it makes of the outlook: any two tasks hold
        each other up by what the smaller one has left, so that it is T_off + (L + 2·Σ_j min(r_j, L))/v, where r_j is
        left of task j when the upload ends. Unless others are on their way, who may come in before.
        """
        if self._uplink.tasks:
            return self.outlook(extra, upload_s).system_s - self.outlook().system_s
        work_bit, residuals_bit = extra.work_bit, self._processor.residuals_bit(self.env.now + upload_s)
        shared_bit = sum([min(residual_bit, work_bit) for residual_bit in residuals_bit])
        return upload_s + (work_bit + 2.0 * shared_bit) / self.speed_bit_per_s


def above_idle_j(outlook: Outlook, curve_w: list[float], step_s: float) -> float:
    """Energy beyond that of the idle server: each step at the power of its utilisation, a step starting now."""
    busy_s: dict[int, float] = {}  # of steps that are not busy as a whole in one piece
    whole = 0  # the others: a long future should not be walked through
    for from_s, until_s in outlook.busy:
        first, last = int(from_s // step_s), int(until_s // step_s)
        if first == last:
            busy_s[first] = busy_s.get(first, 0.0) + until_s - from_s
            continue
        busy_s[first] = busy_s.get(first, 0.0) + (first + 1) * step_s - from_s
        busy_s[last] = busy_s.get(last, 0.0) + until_s - last * step_s
        whole += last - first - 1
    idle_w, full_w = curve_w[0], curve_w[-1]
    partly_w = sum([_power_w(curve_w, seconds / step_s) - idle_w for seconds in busy_s.values()])
    return (partly_w + whole * (full_w - idle_w)) * step_s


def _power_w(curve_w: list[float], utilisation: float) -> float:
    """Between the points of a curve, which stand at equal distances from 0 to 1 of utilisation."""
    position = utilisation * (len(curve_w) - 1)
    at = min(int(position), len(curve_w) - 2)
    return curve_w[at] + (position - at) * (curve_w[at + 1] - curve_w[at])
