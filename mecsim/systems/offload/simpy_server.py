"""A server of the SimPy engine: uploads on their way to it, tasks that share its processor, and its outlook.

An upload is a transmission that ends and hands its task to the server. The processor is a process that waits for the
next completion among the tasks it serves, and plans anew whenever a task arrives. Where uploads interfere, one process
per server does the same for the uploads: it waits for the next end, and plans anew whenever another begins.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from mecsim.physics.channel.cqi import link_rate_bit_per_s
from mecsim.systems.offload.layout import OffloadSpec

Events = Generator[simpy.Event, Any, None]
INFINITY = float("inf")


class Task:
    """A task on its way through the system. Sizes in bit, absolute times in s."""

    __slots__ = (
        "arrival_s", "deadline_s", "dispatch_s", "execution_j", "finish_s", "index", "link", "priority",
        "radio_j", "reward_delay_s", "server", "size_bit", "upload_end_s", "user",
    )  # fmt: skip

    def __init__(
        self, index: int, user: int, link: int, size_bit: float, priority: int, arrival_s: float, deadline_s: float
    ) -> None:
        self.index = index
        self.user = user
        self.link = link
        self.size_bit = size_bit
        self.priority = priority
        self.arrival_s = arrival_s
        self.deadline_s = deadline_s  # absolute
        self.server = -1
        self.dispatch_s = self.upload_end_s = self.finish_s = float("nan")
        self.radio_j = self.execution_j = self.reward_delay_s = 0.0


@dataclass
class Upload:
    """A task on its way. Without interference its end is known; with it, what is left and how well it is received."""

    task: Task
    end_s: float
    left_bit: float
    snr: float


@dataclass
class Outlook:
    """What becomes of all tasks of a server if nothing else ever came."""

    system_s: float = 0.0  # time in the system, summed over tasks
    upload_s: float = 0.0  # of which on the way
    busy: list[tuple[float, float]] = field(default_factory=list)  # when the processor works, from and to, from now on
    finished: list[tuple[Task, float]] = field(default_factory=list)  # every task, and when it is done


class Server:
    """A processor of speed_bit_per_s and the uploads to it."""

    def __init__(self, env: simpy.Environment, spec: OffloadSpec, speed_bit_per_s: float) -> None:
        self.env = env
        self.spec = spec
        self.speed_bit_per_s = speed_bit_per_s
        self._uploads: list[Upload] = []
        self._sent_until_s = 0.0  # up to when the uploads' left_bit is true
        self._present: list[tuple[float, Task]] = []  # (residual bit when last served, task), smallest residual first
        self._served_until_s = 0.0
        self._service = env.process(self._serve())
        self._reception = env.process(self._receive()) if spec.interference else None

    def uploading(self) -> int:
        """The number of tasks on their way here."""
        return len(self._uploads)

    def executing(self) -> int:
        """The number of tasks that share the server, waiting for more urgent ones or not."""
        return len(self._present)

    def residuals_bit(self) -> list[float]:
        """What is left of each task present now."""
        return [residual_bit for residual_bit, _ in self._residuals()]

    def work_bit(self) -> float:
        """All that is left to execute, tasks on their way included."""
        return sum(self.residuals_bit()) + sum(upload.task.size_bit for upload in self._uploads)

    # Uploads

    def send(self, task: Task, upload_s: float, snr: float) -> None:
        """A task starts on its way here. It takes `upload_s` if nothing interferes, and none at all if that is zero."""
        if upload_s == 0.0:
            task.upload_end_s = self.env.now
            self._accept(task)
            return
        upload = Upload(task, self.env.now + upload_s, task.size_bit, snr)
        if self._reception is None:
            self._uploads.append(upload)
            self.env.process(self._transmit(upload))
        else:
            self._account_uploads()
            self._uploads.append(upload)
            self._reception.interrupt()

    def _transmit(self, upload: Upload) -> Events:
        """An upload that nothing disturbs."""
        yield self.env.timeout(upload.end_s - self.env.now)
        self._arrive(upload, upload.end_s)

    def _receive(self) -> Events:
        """Complete the uploads one after the other, at the rates that they leave each other."""
        while True:
            try:
                if not self._uploads:
                    yield self.env.event()  # nothing to do until an upload begins
                seconds = _upload_times_s(self.spec, self._uploads)
                first = min(range(len(seconds)), key=seconds.__getitem__)
                yield self.env.timeout(max(0.0, seconds[first]))
            except simpy.Interrupt:
                continue  # another upload has begun: plan anew
            self._account_uploads()
            self._arrive(self._uploads[first], self.env.now)

    def _account_uploads(self) -> None:
        """Take what has been sent off what is left."""
        passed_s = self.env.now - self._sent_until_s
        self._uploads = _after_sending(self.spec, self._uploads, passed_s)
        self._sent_until_s = self.env.now

    def _arrive(self, upload: Upload, end_s: float) -> None:
        self._uploads.remove(upload)
        upload.task.upload_end_s = end_s
        self._accept(upload.task)

    # Processor

    def _accept(self, task: Task) -> None:
        """A task starts to execute; the server plans its next completion anew."""
        self._present = self._residuals()
        self._served_until_s = self.env.now
        _insert(self._present, task.size_bit, task)
        self._service.interrupt()

    def _residuals(self) -> list[tuple[float, Task]]:
        """The tasks present, with what is left of them now."""
        return _after_service(self.spec, self._present, self.env.now - self._served_until_s, self.speed_bit_per_s)

    def _serve(self) -> Events:
        """Complete the task with the smallest residual of those served, unless another arrives before, for ever."""
        while True:
            try:
                if not self._present:
                    yield self.env.event()  # nothing to do until a task arrives
                served = _served(self.spec, self._present)
                residual_bit, task = served[0]
                yield self.env.timeout(max(0.0, residual_bit) * len(served) / self.speed_bit_per_s)
            except simpy.Interrupt:
                continue  # a task has arrived: plan anew
            self._present = [entry for entry in self._residuals() if entry[1] is not task]
            self._served_until_s = self.env.now
            task.finish_s = self.env.now

    # Looking ahead

    def outlook(self, extra: Task | None = None, upload_s: float = 0.0, snr: float = 0.0) -> Outlook:
        """Play the future of this server out, event by event; with `extra`, as if that task were sent here now."""
        spec, now_s = self.spec, self.env.now
        uploads = _after_sending(spec, self._uploads, now_s - self._sent_until_s)
        present = self._residuals()
        if extra is not None and upload_s == 0.0:
            _insert(present, extra.size_bit, extra)
        elif extra is not None:
            uploads.append(Upload(extra, now_s + upload_s, extra.size_bit, snr))
        outlook = Outlook()
        while uploads or present:
            served = _served(spec, present)
            completion_s = now_s + served[0][0] * len(served) / self.speed_bit_per_s if served else INFINITY
            if spec.interference:
                ends_s = [now_s + seconds for seconds in _upload_times_s(spec, uploads)]
            else:
                ends_s = [upload.end_s for upload in uploads]
            arrival_s = min(ends_s, default=INFINITY)
            event_s = min(completion_s, arrival_s)
            passing_s = event_s - now_s
            outlook.system_s += passing_s * (len(uploads) + len(present))
            outlook.upload_s += passing_s * len(uploads)
            if present:
                outlook.busy.append((now_s - self.env.now, event_s - self.env.now))
            uploads = _after_sending(spec, uploads, passing_s)
            present = _after_service(spec, present, passing_s, self.speed_bit_per_s)
            if completion_s <= arrival_s:
                leaving = served[0][1]
                present = [entry for entry in present if entry[1] is not leaving]
                outlook.finished.append((leaving, event_s))
            else:
                arrived = uploads.pop(ends_s.index(arrival_s)).task
                _insert(present, arrived.size_bit, arrived)
            now_s = event_s
        return outlook


def _insert(present: list[tuple[float, Task]], residual_bit: float, task: Task) -> None:
    """Keep the list in the order of residuals; of equal ones the earlier task comes first."""
    at = len(present)
    while at > 0 and present[at - 1][0] > residual_bit:
        at -= 1
    present.insert(at, (residual_bit, task))


def _served(spec: OffloadSpec, present: list[tuple[float, Task]]) -> list[tuple[float, Task]]:
    """Those of the tasks present that share the processor: all, or the most urgent class."""
    if not spec.preemptive or not present:
        return present
    urgent = min(task.priority for _, task in present)
    return [(residual_bit, task) for residual_bit, task in present if task.priority == urgent]


def _after_service(
    spec: OffloadSpec, present: list[tuple[float, Task]], passed_s: float, speed_bit_per_s: float
) -> list[tuple[float, Task]]:
    """The tasks present, and what is left of each after `passed_s`; smallest residual first."""
    if not present:
        return []
    if not spec.preemptive:  # all are served, and their order stays
        share_bit = passed_s * speed_bit_per_s / len(present)
        return [(residual_bit - share_bit, task) for residual_bit, task in present]
    served = {id(task) for _, task in _served(spec, present)}
    share_bit = passed_s * speed_bit_per_s / len(served)
    after = [(residual - share_bit if id(task) in served else residual, task) for residual, task in present]
    return sorted(after, key=lambda entry: entry[0])


def _rates_bit_per_s(spec: OffloadSpec, uploads: list[Upload]) -> list[float]:
    """What each upload sends while all of them go on: SINR_i = SNR_i/(1 + Σ_{j≠i} SNR_j)."""
    rates = []
    for upload in uploads:
        others = sum(other.snr for other in uploads if other is not upload)
        rates.append(link_rate_bit_per_s(upload.snr / (1.0 + others), spec.bandwidth_hz, spec.cqi))
    return rates


def _upload_times_s(spec: OffloadSpec, uploads: list[Upload]) -> list[float]:
    """How long each upload still takes at the rates of this moment, where uploads interfere."""
    rates = _rates_bit_per_s(spec, uploads)
    return [upload.left_bit / rate for upload, rate in zip(uploads, rates, strict=True)]


def _after_sending(spec: OffloadSpec, uploads: list[Upload], passed_s: float) -> list[Upload]:
    """The uploads after `passed_s`; ends that are known stay what they are."""
    if not spec.interference:
        return list(uploads)
    rates = _rates_bit_per_s(spec, uploads)
    return [
        Upload(upload.task, upload.end_s, upload.left_bit - passed_s * rate, upload.snr)
        for upload, rate in zip(uploads, rates, strict=True)
    ]


def above_idle_j(spec: OffloadSpec, outlook: Outlook, curve_w: list[float]) -> float:
    """Energy beyond that of the idle server: each step at the power of its utilisation, a step starting now."""
    step_s = spec.step_s
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
    power_w = np.interp(np.array(list(busy_s.values())) / step_s, np.linspace(0.0, 1.0, len(curve_w)), curve_w)
    return float((power_w - curve_w[0]).sum() + whole * (curve_w[-1] - curve_w[0])) * step_s
