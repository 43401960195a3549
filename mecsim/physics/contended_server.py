"""A server whose tasks contend for more than its processor (uploads that interfere, classes that preempt) or are rated.

Where none of this is the case, `processor_sharing` gives the same times at a fraction of the work. Here a server is
moved from event to event: the end of an upload, or the completion of a task. Between two events all rates are constant.

Interference (arXiv 2509.10474, eq. 3-4, without the user's own signal): the uploads to one server at one time disturb
each other, SINR_i = SNR_i/(1 + Σ_{j≠i} SNR_j), so rates change whenever an upload begins or ends.
Preemptive-resume priority: the tasks of the most urgent class that is present share the processor equally; the others
wait, and go on where they were.

State lives in arrays of records of N episodes, see `Station`. The live jobs of a server form a linked list in the order
of their dispatch, which starts at `first_to_finish`.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled
from mecsim.physics.channel.cqi import link_rate_bit_per_s
from mecsim.physics.delay_rating import shortfall_of
from mecsim.physics.energy import above_idle_w
from mecsim.physics.records import NONE, Records

JOB = np.dtype(
    [
        ("left_bit", np.float64),  # of the upload; means something only where uploads interfere
        ("residual_bit", np.float64),  # of the execution
        ("snr", np.float64),
        ("rate_bit_per_s", np.float64),
        ("upload_end_s", np.float64),  # known at once where uploads do not interfere
        ("finish_s", np.float64),
        ("since_s", np.float64),  # from when on the user waits for it; means something only where delays are rated
        ("first", np.float64),  # what rates the delay, see `delay_rating`
        ("second", np.float64),
        ("deadline_s", np.float64),  # means something only where late tasks are counted
        ("priority", np.int32),
        ("uploading", np.int32),  # 1 on the way, 0 when executing
        ("slot", np.int32),  # of a working copy: the job it is a copy of, or NONE
        ("following", np.int32),
    ],
    align=True,
)


LAST_CLASS = 2**30  # less urgent than any
UNMETERED = -1  # the row of power curves of a server whose energy is not added up
WHOLE = 2.0**53  # from here on every double is a whole number


class Rules(NamedTuple):
    """How tasks contend; a tuple, so that compiled code can take it."""

    interference: bool
    cqi: bool
    bandwidth_hz: float
    preemptive: bool
    power_curve: bool
    step_s: float
    rated: bool
    logistic: bool
    slope_below: float
    slope_above: float
    missed: bool  # whether late tasks are counted


class Station(NamedTuple):
    """The servers of N episodes with what is on them."""

    servers: Records  # (N, S) of `processor_sharing.SERVER`
    jobs: Records  # (N, M) of JOB
    work: Records  # (N, M + 1) of JOB: room for a copy of a server's jobs
    power_w: NDArray[np.float64]  # (rows, P) power curves, see `energy`
    power_points: NDArray[np.int64]  # (rows,)


class Patience(NamedTuple):
    """How the delay of a task is rated, where it is: from when on, and by which two numbers (see `delay_rating`)."""

    since_s: float
    first: float
    second: float


class NewJob(NamedTuple):
    """What is sent to a server."""

    size_bit: float  # of the upload
    work_bit: float  # of the execution
    snr: float
    upload_end_s: float  # if nothing interferes
    priority: int
    patience: Patience
    deadline_s: float  # by when it should be finished; infinite for never


class Outlook(NamedTuple):
    """What playing a server out comes to."""

    system_s: float  # time in the system, summed over tasks
    upload_s: float  # of which on the way
    above_idle_j: float  # energy beyond what the idle server takes, by its power curve
    shortfall: float  # 5 − rating, summed over tasks; 0 where delays are not rated
    late: float  # tasks that are finished after their deadlines; 0 where these are not counted


def unsent_jobs(episodes: int, jobs: int) -> Records:
    """Room for M jobs in each of N episodes."""
    room = np.zeros((episodes, jobs), JOB)
    room["finish_s"] = np.nan
    room["following"] = NONE
    return room


@compiled
def prepare(job: Any, new: NewJob, now_s: float) -> None:
    """Make `job` (a record) one that is sent now; without an upload if that ends now."""
    job.left_bit, job.residual_bit = new.size_bit, new.work_bit
    job.snr = new.snr
    job.upload_end_s = new.upload_end_s
    job.priority = new.priority
    job.uploading = 1 if new.upload_end_s > now_s else 0
    job.since_s, job.first, job.second = new.patience.since_s, new.patience.first, new.patience.second
    job.deadline_s = new.deadline_s
    job.slot = NONE


@compiled
def send_job(station: Station, n: int, e: int, slot: int) -> None:
    """Put the prepared job at the end of server `e`'s list."""
    server, jobs = station.servers[n, e], station.jobs
    if jobs[n, slot].uploading:
        server.uploading += 1
    else:
        server.executing += 1
    jobs[n, slot].following = NONE
    at = server.first_to_finish
    if at == NONE:
        server.first_to_finish = slot
        return
    while jobs[n, at].following != NONE:
        at = jobs[n, at].following
    jobs[n, at].following = slot


@compiled
def _copy(target: Any, source: Any) -> None:
    target.left_bit = source.left_bit
    target.residual_bit = source.residual_bit
    target.snr = source.snr
    target.rate_bit_per_s = source.rate_bit_per_s
    target.upload_end_s = source.upload_end_s
    target.finish_s = source.finish_s
    target.since_s = source.since_s
    target.first = source.first
    target.second = source.second
    target.deadline_s = source.deadline_s
    target.priority = source.priority
    target.uploading = source.uploading


@compiled
def _load(station: Station, n: int, e: int, real: bool) -> int:
    """Copy the live jobs of a server to the working row; their number. `real` copies know their slots."""
    jobs, work, count = station.jobs, station.work, 0
    at = station.servers[n, e].first_to_finish
    while at != NONE:
        _copy(work[n, count], jobs[n, at])
        work[n, count].slot = at if real else NONE
        count += 1
        at = jobs[n, at].following
    return count


@compiled
def _set_rates(rules: Rules, work: Records, n: int, count: int, now_s: float) -> None:
    """Rates and ends of the uploads, as long as no other begins or ends."""
    for i in range(count):
        if not work[n, i].uploading:
            continue
        others = 0.0
        for j in range(count):
            if j != i and work[n, j].uploading:
                others += work[n, j].snr
        rate = link_rate_bit_per_s(work[n, i].snr / (1.0 + others), rules.bandwidth_hz, rules.cqi)
        work[n, i].rate_bit_per_s = rate
        work[n, i].upload_end_s = now_s + work[n, i].left_bit / rate


class _Uploads(NamedTuple):
    """The uploads to a server."""

    sending: int
    first: int  # place of the one that ends first; NONE without any
    end_s: float  # when; infinite without any


@compiled
def _uploads(work: Records, n: int, count: int) -> _Uploads:
    sending, first, end_s = 0, NONE, math.inf
    for i in range(count):
        if work[n, i].uploading:
            sending += 1
            if work[n, i].upload_end_s < end_s:
                first, end_s = i, work[n, i].upload_end_s
    return _Uploads(sending, first, end_s)


class _Service(NamedTuple):
    """The tasks that share a processor."""

    served: int
    urgent: int  # their class
    first: int  # place of the one that is done first; NONE without any
    end_s: float  # when; infinite without any


@compiled
def _service(rules: Rules, work: Records, n: int, count: int, now_s: float, speed_bit_per_s: float) -> _Service:
    served, urgent, first, least_bit = 0, LAST_CLASS, NONE, math.inf
    for i in range(count):
        job = work[n, i]
        if job.uploading:
            continue
        level = job.priority if rules.preemptive else 0
        if level < urgent:
            served, urgent, least_bit = 0, level, math.inf
        if level == urgent:
            served += 1
            if job.residual_bit < least_bit:
                first, least_bit = i, job.residual_bit
    end_s = now_s + least_bit * served / speed_bit_per_s if served > 0 else math.inf
    return _Service(served, urgent, first, end_s)


@compiled
def _pass(rules: Rules, work: Records, n: int, count: int, passing_s: float, urgent: int, service_bit: float) -> None:
    """Take off the jobs what they send or receive in a time during which all rates are constant."""
    for i in range(count):
        job = work[n, i]
        if job.uploading:
            job.left_bit -= passing_s * job.rate_bit_per_s
        elif not rules.preemptive or job.priority == urgent:
            job.residual_bit = max(0.0, job.residual_bit - service_bit)


class _Meter(NamedTuple):
    """How much of the current step has passed, how much of that the processor was busy, and what all before took."""

    passed_s: float
    busy_s: float
    above_idle_j: float  # beyond what the idle server takes


@compiled
def _above_idle_w(station: Station, row: int, utilisation: float) -> float:
    return above_idle_w(station.power_w, row, station.power_points[row], utilisation)


@compiled
def _metered(rules: Rules, station: Station, row: int, busy: bool, passing_s: float, meter: _Meter) -> _Meter:
    """The meter after a time in which the processor was busy or not."""
    passed_s, busy_s, above_idle_j = meter.passed_s, meter.busy_s, meter.above_idle_j
    while passing_s > 0.0:
        if passed_s == 0.0 and passing_s >= rules.step_s:  # a long wait should not be walked through step by step
            steps = passing_s / rules.step_s
            whole_s = (math.floor(steps) if steps < WHOLE else steps) * rules.step_s
            if busy:
                above_idle_j += whole_s * _above_idle_w(station, row, 1.0)
            passing_s -= whole_s
            continue
        part_s = min(passing_s, rules.step_s - passed_s)
        passed_s += part_s
        if busy:
            busy_s += part_s
        passing_s -= part_s
        if passed_s >= rules.step_s:
            above_idle_j += rules.step_s * _above_idle_w(station, row, busy_s / rules.step_s)
            passed_s = busy_s = 0.0
    return _Meter(passed_s, busy_s, above_idle_j)


@compiled
def _play(
    rules: Rules, station: Station, n: int, e: int, count: int, now_s: float, until_s: float, row: int
) -> tuple[int, Outlook]:
    """Move the `count` working copies of server `e`'s jobs from `now_s`, the start of a step, to `until_s`.

    How many are left is returned with what it came to. Times of upload ends and completions are noted in `jobs[n]`
    where a working copy has a slot. The energy is added up by row `row` of the power curves, unless it is UNMETERED.
    Only copies without a slot are rated, or counted if they are late: what is real is when the episode is over.
    """
    work, speed_bit_per_s = station.work, station.servers[n, e].speed_bit_per_s
    system_s = upload_s = shortfall = late = 0.0
    meter = _Meter(0.0, 0.0, 0.0)
    if rules.interference:
        _set_rates(rules, work, n, count, now_s)
    while count > 0:
        uploads = _uploads(work, n, count)
        service = _service(rules, work, n, count, now_s, speed_bit_per_s)
        event_s = min(uploads.end_s, service.end_s)
        stops = event_s > until_s
        passing_s = (until_s if stops else event_s) - now_s
        system_s += passing_s * count
        upload_s += passing_s * uploads.sending
        if row != UNMETERED:
            meter = _metered(rules, station, row, service.served > 0, passing_s, meter)
        _pass(rules, work, n, count, passing_s, service.urgent, passing_s * speed_bit_per_s / max(1, service.served))
        if stops:
            break
        now_s = event_s
        if service.end_s <= uploads.end_s:
            if rules.missed and work[n, service.first].slot == NONE and now_s > work[n, service.first].deadline_s:
                late += 1.0
            shortfall += _leave(rules, station, n, count, service.first, now_s)
            count -= 1
        else:
            slot = work[n, uploads.first].slot
            if slot != NONE:
                station.jobs[n, slot].upload_end_s = now_s
            work[n, uploads.first].uploading = 0
            if rules.interference:
                _set_rates(rules, work, n, count, now_s)
    above_idle_j = meter.above_idle_j
    if meter.busy_s > 0.0:
        above_idle_j += rules.step_s * _above_idle_w(station, row, meter.busy_s / rules.step_s)
    return count, Outlook(system_s, upload_s, above_idle_j, shortfall, late)


@compiled
def _leave(rules: Rules, station: Station, n: int, count: int, leaving: int, now_s: float) -> float:
    """A working copy is done and goes; its shortfall, if it is rated here."""
    work, shortfall = station.work, 0.0
    job = work[n, leaving]
    if job.slot != NONE:
        station.jobs[n, job.slot].finish_s = now_s
    elif rules.rated:
        shortfall = shortfall_of(
            now_s - job.since_s, job.first, job.second, rules.logistic, rules.slope_below, rules.slope_above
        )
    for i in range(leaving, count - 1):
        _copy(work[n, i], work[n, i + 1])
        work[n, i].slot = work[n, i + 1].slot
    return shortfall


@compiled
def advance_jobs(rules: Rules, station: Station, n: int, e: int, now_s: float, until_s: float) -> None:
    """Let server `e` work from `now_s` to `until_s` (which may be infinite)."""
    count, _ = _play(rules, station, n, e, _load(station, n, e, True), now_s, until_s, UNMETERED)
    server, jobs, work = station.servers[n, e], station.jobs, station.work
    server.executing = server.uploading = 0
    server.first_to_finish = NONE
    for i in range(count - 1, -1, -1):
        slot = work[n, i].slot
        _copy(jobs[n, slot], work[n, i])
        jobs[n, slot].following = server.first_to_finish
        server.first_to_finish = slot
        if work[n, i].uploading:
            server.uploading += 1
        else:
            server.executing += 1


@compiled
def outlook(
    rules: Rules, station: Station, n: int, e: int, now_s: float, row: int, extra: bool, new: NewJob
) -> Outlook:
    """What becomes of all tasks of server `e` if nothing else ever came; with `extra`, if only `new` came now.

    Energy is that of row `row` of the power curves.
    """
    count = _load(station, n, e, False)
    if extra:
        prepare(station.work[n, count], new, now_s)
        count += 1
    return _play(rules, station, n, e, count, now_s, math.inf, row if rules.power_curve else UNMETERED)[1]
