"""Contended servers: by hand, and against plain processor sharing where nothing contends."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.physics.contended_server import NewJob, Outlook, Patience, Rules, Station, unsent_jobs
from mecsim.physics.processor_sharing import idle_servers, new_desk, unsent_tasks
from tests.kernels import added_delay_s, advance, advance_jobs, outlook, prepare, send, send_job

sizes = st.one_of(st.floats(1e3, 1e8), st.sampled_from([1e6, 2e6, 5e6]))  # with ties
sendings = st.lists(st.tuples(st.floats(0.0, 5.0), sizes, st.sampled_from([0.0, 0.3, 2.0, 30.0, 1e5])), max_size=15)
ROOM = 20
Zone = tuple[float, float]  # adequate and desired delay, s
NEVER_MIND: Zone = (2e9, 1e9)


def rules(**changes: Any) -> Rules:
    """Nothing contends unless it is asked for; a bandwidth of 1 Hz, steps of 1 s."""
    nothing: dict[str, Any] = {
        "interference": False, "cqi": False, "bandwidth_hz": 1.0, "preemptive": False, "power_curve": False,
        "step_s": 1.0, "rated": False, "logistic": False, "slope_below": 1.0, "slope_above": 1.0,
        "missed": False,
    }  # fmt: skip
    return Rules(**{**nothing, **changes})


class Server:
    """One server, driven through the primitives."""

    def __init__(self, speed: float, rules: Rules, power_w: tuple[float, ...] = (0.0, 0.0)) -> None:
        self.rules, self.speed, self.now_s, self.sent = rules, speed, 0.0, 0
        self.servers = idle_servers(np.array([[speed]]))
        self.jobs = unsent_jobs(1, ROOM)
        curves = np.array([power_w]), np.array([len(power_w)])
        self.station = Station(self.servers, self.jobs, unsent_jobs(1, ROOM + 1), *curves)

    def send(
        self, size_bit: float, upload_s: float = 0.0, snr: float = 0.0, priority: int = 0, zone: Zone = NEVER_MIND
    ) -> None:
        patience = Patience(self.now_s, *zone)
        task = NewJob(size_bit, size_bit, snr, self.now_s + upload_s, priority, patience, np.inf)
        prepare(self.jobs[0, self.sent], task, self.now_s)
        send_job(self.station, 0, 0, self.sent)
        self.sent += 1

    def advance(self, until_s: float) -> None:
        advance_jobs(self.rules, self.station, 0, 0, self.now_s, until_s)
        self.now_s = until_s

    def outlook(
        self,
        size_bit: float = 0.0,
        upload_s: float = 0.0,
        snr: float = 0.0,
        priority: int = 0,
        zone: Zone = NEVER_MIND,
    ) -> Outlook:
        """What is ahead; with another task, if it has a size."""
        task = NewJob(size_bit, size_bit, snr, self.now_s + upload_s, priority, Patience(self.now_s, *zone), np.inf)
        return outlook(self.rules, self.station, 0, 0, self.now_s, 0, size_bit > 0.0, task)

    def of_jobs(self, field: str) -> NDArray[Any]:
        return self.jobs[field][0, : self.sent].copy()

    def count(self, field: str) -> int:
        return int(self.servers[field][0, 0])


@settings(max_examples=150)
@given(sent=sendings, looks=st.lists(st.floats(0.0, 60.0), max_size=10), preemptive=st.booleans())
def test_without_contention_it_is_processor_sharing(
    sent: list[tuple[float, float, float]], looks: list[float], preemptive: bool
) -> None:
    """Same upload ends, finish times and numbers of tasks, however often time is cut; priority of one class is none."""
    server = Server(1.7e6, rules(preemptive=preemptive))
    servers, tasks, desk = idle_servers(np.array([[1.7e6]])), unsent_tasks(1, ROOM), new_desk(1, ROOM, 1)
    now_s, at_s = 0.0, np.cumsum([gap_s for gap_s, _, _ in sent])
    events = sorted([(float(at), i) for i, at in enumerate(at_s)] + [(look_s, -1) for look_s in looks])
    for event_s, i in events:
        server.advance(event_s)
        advance(servers, tasks, desk.thresholds, 0, 0, now_s, event_s)
        now_s = event_s
        for field in ("executing", "uploading"):
            assert server.count(field) == servers[field][0, 0]
        if i >= 0:
            _, size_bit, upload_s = sent[i]
            server.send(size_bit, upload_s, priority=1)
            send(servers, tasks, 0, 0, i, size_bit, now_s + upload_s)
    server.advance(np.inf)
    advance(servers, tasks, desk.thresholds, 0, 0, now_s, np.inf)
    np.testing.assert_array_equal(server.of_jobs("upload_end_s"), tasks["upload_end_s"][0, : len(sent)])
    np.testing.assert_allclose(server.of_jobs("finish_s"), tasks["finish_s"][0, : len(sent)], rtol=1e-9)


@settings(max_examples=150)
@given(sent=sendings, size_bit=sizes, upload_s=st.one_of(st.floats(0.0, 50.0), st.just(0.0)))
def test_without_contention_the_outlook_is_that_of_processor_sharing(
    sent: list[tuple[float, float, float]], size_bit: float, upload_s: float
) -> None:
    """By how much another task raises the total delay; and of that what it is on the way."""
    server = Server(1.7e6, rules())
    servers, tasks, desk = idle_servers(np.array([[1.7e6]])), unsent_tasks(1, ROOM), new_desk(1, ROOM, 1)
    for i, (gap_s, size, upload) in enumerate(sent):
        advance(servers, tasks, desk.thresholds, 0, 0, server.now_s, server.now_s + gap_s)
        server.advance(server.now_s + gap_s)
        server.send(size, upload)
        send(servers, tasks, 0, 0, i, size, server.now_s + upload)
    expected_s = added_delay_s(servers, tasks, desk, 0, 0, server.now_s, size_bit, upload_s)
    without, with_it = server.outlook(), server.outlook(size_bit, upload_s)
    assert with_it.system_s - without.system_s == pytest.approx(expected_s, rel=1e-9, abs=1e-9 * with_it.system_s)
    assert with_it.upload_s - without.upload_s == pytest.approx(upload_s, rel=1e-9, abs=1e-9 * with_it.system_s)
    before = server.jobs.tobytes()
    server.outlook(size_bit, upload_s)
    assert server.jobs.tobytes() == before  # looking changes nothing


def test_two_uploads_that_interfere() -> None:
    """SNR 3 each, 1 Hz: 2 bit/s alone, log2(1 + 3/4) bit/s beside each other.

    The first, of 10 bit, has 8 left when the second, of 2 bit, begins at 1 s. That ends after 2/r; then 6 bit are left
    of the first, which take 3 s. Promises count both: the second makes the first upload longer.
    """
    rate = math.log2(1.75)
    server = Server(1e9, rules(interference=True))
    server.send(10.0, 5.0, snr=3.0)
    server.advance(1.0)
    without, with_it = server.outlook(), server.outlook(2.0, 1.0, snr=3.0)
    server.send(2.0, 1.0, snr=3.0)
    assert server.count("uploading") == 2
    server.advance(1.0 + 1.0 / rate)
    np.testing.assert_allclose(server.of_jobs("left_bit"), [7.0, 1.0])
    server.advance(np.inf)
    np.testing.assert_allclose(server.of_jobs("upload_end_s"), [1.0 + 2.0 / rate + 3.0, 1.0 + 2.0 / rate])
    assert without.upload_s == pytest.approx(4.0)
    assert with_it.upload_s == pytest.approx(2.0 / rate + 3.0 + 2.0 / rate)


def test_a_weak_and_a_strong_upload_by_cqi() -> None:
    """10 dB and 3 dB: CQI 8 and 5 alone. Beside each other 5.2 and −7.4 dB: CQI 6, and less than the lowest."""
    strong, weak = 10.0, 10.0**0.3
    beside = [1.1758, 0.1523 * (weak / (1.0 + strong)) / 10.0**-0.67]
    server = Server(1e9, rules(interference=True, cqi=True))
    server.send(100.0, 100.0 / 1.9141, snr=strong)
    server.advance(0.0)
    server.send(100.0, 100.0 / 0.8770, snr=weak)
    server.advance(10.0)
    np.testing.assert_allclose(server.of_jobs("left_bit"), 100.0 - 10.0 * np.array(beside))
    server.advance(np.inf)
    first_s = 100.0 / beside[0]
    np.testing.assert_allclose(
        server.of_jobs("upload_end_s"), [first_s, first_s + (100.0 - first_s * beside[1]) / 0.8770]
    )


def test_a_more_urgent_task_preempts_and_the_others_resume() -> None:
    """4 s of class 1 at 0; 1 s of class 0 at 1 s; 2 s of class 1 at 2 s: the third leaves first of those that share."""
    server = Server(1.0, rules(preemptive=True))
    server.send(4.0, priority=1)
    server.advance(1.0)
    server.send(1.0, priority=0)
    server.advance(1.5)
    np.testing.assert_allclose(server.of_jobs("residual_bit"), [3.0, 0.5])
    server.advance(2.0)
    server.send(2.0, priority=1)
    server.advance(np.inf)
    np.testing.assert_allclose(server.of_jobs("finish_s"), [7.0, 2.0, 6.0])


def test_an_outlook_with_a_more_urgent_task() -> None:
    """4 s of work of class 1 alone; 1 s of class 0 holds it up, of class 1 shares with it, of class 2 waits for it."""
    server = Server(1.0, rules(preemptive=True))
    server.send(4.0, priority=1)
    server.advance(0.0)
    assert server.outlook().system_s == 4.0
    assert [server.outlook(1.0, priority=level).system_s for level in (0, 1, 2)] == [1.0 + 5.0, 2.0 + 5.0, 5.0 + 4.0]


def test_energy_of_a_power_curve() -> None:
    """10, 20, 40 W. Busy from 0.25 to 2.75 s: three quarters, all, three quarters of a step, at 30, 40 and 30 W."""
    server = Server(1.0, rules(power_curve=True), (10.0, 20.0, 40.0))
    assert server.outlook(2.5, 0.25).above_idle_j == pytest.approx(20.0 + 30.0 + 20.0)
    server.send(2.5, 0.25)
    server.advance(0.0)
    assert server.outlook().above_idle_j == pytest.approx(70.0)
    server.advance(1.0)
    assert server.outlook().above_idle_j == pytest.approx(50.0)  # what is behind counts no more
    assert server.outlook(0.5).above_idle_j == pytest.approx(30.0 + 30.0 + 5.0)  # 2.25 s of work in all
    assert server.outlook(1.0, 1e6).above_idle_j == pytest.approx(50.0 + 30.0)  # long after that


def test_a_wait_of_more_steps_than_can_be_counted_takes_no_energy() -> None:
    """An upload over a link that hardly exists; what is executed in the end is lost in the rounding of such a time."""
    server = Server(1.0, rules(power_curve=True), (10.0, 20.0, 40.0))
    assert server.outlook(1.0, 1e25).above_idle_j == 0.0


def test_an_outlook_of_ratings() -> None:
    """Zones from 8 to 2 s: a point for each factor of two. 2 s of work alone are done at 2 s and rated 4. With 3 s of a
    second task from 1 s on the first one is done at 3 s; the second, 4 s after it was sent, is rated 3."""
    server = Server(1.0, rules(rated=True))
    server.send(2.0, zone=(8.0, 2.0))
    assert server.outlook().shortfall == pytest.approx(1.0)
    server.advance(1.0)
    assert server.outlook().shortfall == pytest.approx(1.0)  # what has passed counts
    both = server.outlook(3.0, zone=(8.0, 2.0))
    assert both.shortfall == pytest.approx(1.0 + math.log2(3.0 / 2.0) + 2.0)
    assert server.outlook(3.0).shortfall == pytest.approx(1.0 + math.log2(3.0 / 2.0))
    server.advance(math.inf)
    assert server.of_jobs("finish_s")[0] == 2.0


def test_an_unrated_outlook_falls_short_of_nothing() -> None:
    server = Server(1.0, rules())
    server.send(2.0, zone=(1e-3, 1e-4))
    assert server.outlook(3.0, zone=(1e-3, 1e-4)).shortfall == 0.0
