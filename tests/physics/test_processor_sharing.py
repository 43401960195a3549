"""The compiled processor-sharing primitives against brute force, event by event."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.physics.processor_sharing import CROWD, idle_servers, new_desk, unsent_tasks
from mecsim.physics.records import NONE
from mecsim.physics.threshold_index import index_room
from tests.kernels import added_delay_s, advance, send
from tests.systems.offload.offloading import processor_sharing_finish_s

Array = NDArray[np.float64]
sizes = st.one_of(st.floats(1e3, 1e8), st.sampled_from([1e6, 2e6, 5e6]))  # with ties


class Server:
    """One server of one episode, driven through the primitives."""

    def __init__(self, speed: float, room: int = 64) -> None:
        self.servers, self.tasks = idle_servers(np.array([[speed]])), unsent_tasks(1, room)
        self.speed, self.now_s, self.sent = speed, 0.0, 0
        self.desk = new_desk(1, room, 1)

    def send(self, size_bit: float, upload_s: float) -> None:
        send(self.servers, self.tasks, 0, 0, self.sent, size_bit, self.now_s + upload_s)
        self.sent += 1

    def advance(self, until_s: float) -> None:
        advance(self.servers, self.tasks, self.desk.thresholds, 0, 0, self.now_s, until_s)
        self.now_s = until_s

    def added_delay_s(self, size_bit: float, upload_s: float) -> float:
        return added_delay_s(self.servers, self.tasks, self.desk, 0, 0, self.now_s, size_bit, upload_s)

    def of_tasks(self, field: str) -> Array:
        return self.tasks[field][0, : self.sent].copy()

    def present(self) -> list[int]:
        """The executing tasks, as the list has them."""
        found, at = list[int](), self.count("first_to_finish")
        while at != NONE:
            found.append(at)
            at = int(self.tasks["following"][0, at])
        return found

    def count(self, field: str) -> int:
        return int(self.servers[field][0, 0])


def total_delay_s(residuals_bit: Array, speed: float) -> float:
    """D(r): the sum of finish times of tasks that all start now, by the plain simulation."""
    return float(processor_sharing_finish_s(np.zeros(len(residuals_bit)), residuals_bit, speed).sum())


@settings(max_examples=200)
@given(residuals=st.lists(sizes, max_size=12), speed=st.sampled_from([1e6, 2.3e6]))
def test_closed_forms_of_the_remaining_delay(residuals: list[float], speed: float) -> None:
    """Σ(n−i+1)²(r_i − r_{i−1})/s = Σ_ij min(r_i, r_j)/s = simulation = chain of added delays with instant uploads."""
    r = np.sort(residuals)
    n = len(r)
    by_steps = float(((n - np.arange(n)) ** 2 * np.diff(r, prepend=0.0)).sum() / speed)
    by_pairs = float(np.minimum.outer(r, r).sum() / speed)
    server = Server(speed)
    chain = 0.0
    for size_bit in residuals:
        chain += server.added_delay_s(size_bit, 0.0)
        server.send(size_bit, 0.0)
        server.advance(0.0)
    assert by_steps == pytest.approx(by_pairs, rel=1e-12)
    assert by_steps == pytest.approx(total_delay_s(r, speed), rel=1e-9)
    assert by_steps == pytest.approx(chain, rel=1e-9)
    server.advance(np.inf)
    assert by_steps == pytest.approx(server.of_tasks("finish_s").sum(), rel=1e-9)


@settings(max_examples=300)
@given(
    sent=st.lists(st.tuples(st.floats(0.0, 5.0), sizes, st.sampled_from([0.0, 0.3, 2.0, 30.0, 1e5])), max_size=15),
    size_bit=sizes,
    upload_s=st.one_of(st.floats(0.0, 50.0), st.just(0.0)),
)
def test_added_delay_is_the_difference_of_two_futures(
    sent: list[tuple[float, float, float]], size_bit: float, upload_s: float
) -> None:
    """With tasks executing and uploads pending: simulate what was sent so far with and without the new task."""
    server = Server(1.7e6)
    for gap_s, size, upload in sent:
        server.advance(server.now_s + gap_s)
        server.send(size, upload)
    promised_s = server.added_delay_s(size_bit, upload_s)
    upload_end_s, sizes_bit = server.of_tasks("upload_end_s"), server.of_tasks("size_bit")
    without_s = processor_sharing_finish_s(upload_end_s, sizes_bit, server.speed).sum()
    with_s = processor_sharing_finish_s(
        np.append(upload_end_s, server.now_s + upload_s), np.append(sizes_bit, size_bit), server.speed
    ).sum()
    # The sums are differences of two large numbers, so that their own rounding bounds the accuracy.
    assert promised_s == pytest.approx(with_s - server.now_s - without_s, rel=1e-9, abs=1e-12 * with_s + 1e-9)
    server.send(size_bit, upload_s)
    server.advance(np.inf)
    assert server.count("executing") == server.count("uploading") == 0
    np.testing.assert_allclose(
        server.of_tasks("finish_s"),
        processor_sharing_finish_s(server.of_tasks("upload_end_s"), server.of_tasks("size_bit"), server.speed),
        rtol=1e-9,
    )


@settings(max_examples=100)
@given(
    sent=st.lists(st.tuples(st.floats(0.0, 20.0), sizes), min_size=1, max_size=15),
    looks=st.lists(st.floats(0.0, 60.0), max_size=20),
)
def test_how_often_time_is_cut_does_not_matter(sent: list[tuple[float, float]], looks: list[float]) -> None:
    one, many = Server(1e6), Server(1e6)
    for upload_s, size_bit in sent:
        one.send(size_bit, upload_s)
        many.send(size_bit, upload_s)
    one.advance(np.inf)
    for look_s in sorted(looks):
        many.advance(look_s)
        arrived = many.of_tasks("upload_end_s") <= look_s
        with np.errstate(invalid="ignore"):
            left = many.of_tasks("finish_s") <= look_s
        assert many.count("uploading") == (~arrived).sum()
        assert many.count("executing") == (arrived & ~left).sum()
    many.advance(np.inf)
    np.testing.assert_allclose(one.of_tasks("finish_s"), many.of_tasks("finish_s"), rtol=1e-9)


def test_uploads_may_overtake_each_other() -> None:
    """The second task is sent later and arrives earlier."""
    server = Server(1e6)
    server.send(1e6, 10.0)
    server.advance(1.0)
    server.send(1e6, 1.0)
    server.advance(np.inf)
    np.testing.assert_array_equal(server.of_tasks("finish_s"), [11.0, 3.0])


def test_tasks_delay_each_other_by_the_smaller_residual() -> None:
    """Two tasks of 1 and 3 s of work, together: the first leaves after 2 s, the second after 4 s."""
    server = Server(1e6)
    server.send(3e6, 0.0)
    server.advance(0.0)
    assert server.added_delay_s(1e6, 0.0) == pytest.approx(1.0 + 2.0 * 1.0)
    server.send(1e6, 0.0)
    server.advance(np.inf)
    np.testing.assert_allclose(server.of_tasks("finish_s"), [4.0, 2.0])


def test_an_unfinished_task_has_no_finish_time() -> None:
    server = Server(1e6)
    server.send(1e6, 0.5)
    server.advance(1.0)
    assert np.isnan(server.of_tasks("finish_s")[0])
    assert server.count("first_to_arrive") == NONE
    assert server.servers["attained_bit"][0, 0] == 0.5e6
    server.advance(1.5)
    assert server.of_tasks("finish_s")[0] == 1.5
    assert server.count("first_to_finish") == NONE
    assert server.servers["attained_bit"][0, 0] == 0.0  # so that precision lasts, however long the server works


def test_a_long_busy_period_keeps_its_precision() -> None:
    """A task of 4,096 s of work shares with 20,000 short ones, none of which ever finds the server idle."""
    jobs = 20_000
    servers, tasks = idle_servers(np.full((1, 1), 1e6)), unsent_tasks(1, jobs + 1)
    upload_end_s = np.concatenate([[0.0], 0.1 * np.arange(jobs)])
    size_bit = np.concatenate([[4096e6], np.full(jobs, 0.03e6)])
    for j in range(jobs + 1):
        send(servers, tasks, 0, 0, j, size_bit[j], upload_end_s[j])
    advance(servers, tasks, index_room(1, jobs + 1, 1), 0, 0, 0.0, np.inf)
    expected_s = processor_sharing_finish_s(upload_end_s, size_bit, 1e6)
    np.testing.assert_allclose(tasks["finish_s"][0], expected_s, rtol=1e-9)
    assert tasks["finish_s"][0, 0] == pytest.approx(4096.0 + 0.03 * jobs, rel=1e-12)  # it is the last to leave


def test_servers_and_episodes_are_independent() -> None:
    servers, tasks = idle_servers(np.array([[1.0, 2.0], [4.0, 0.0]])), unsent_tasks(2, 3)
    send(servers, tasks, 0, 0, 0, 8.0, 1.0)
    send(servers, tasks, 0, 1, 1, 8.0, 1.0)
    send(servers, tasks, 1, 0, 0, 8.0, 1.0)
    for n, e in ((0, 0), (0, 1), (1, 0)):
        advance(servers, tasks, index_room(2, 3, 2), n, e, 0.0, np.inf)
    np.testing.assert_array_equal(tasks["finish_s"], [[9.0, 5.0, np.nan], [3.0, np.nan, np.nan]])


@settings(max_examples=15)
@given(
    present=st.integers(CROWD - 3, 3 * CROWD),
    gap_s=st.sampled_from([0.0, 0.05, 2.0]),
    uploads=st.lists(st.tuples(st.floats(0.0, 60.0), sizes), max_size=4),
    size_bit=sizes,
    upload_s=st.one_of(st.floats(0.0, 200.0), st.sampled_from([0.0, 1e6])),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_crowd_is_served_and_foreseen_like_a_few(
    present: int, gap_s: float, uploads: list[tuple[float, float]], size_bit: float, upload_s: float, seed: int
) -> None:
    """Around the number from which an index is kept, and beyond: added delays and departures by simulation."""
    rng = np.random.default_rng(seed)
    server = Server(1.7e6, room=5 * CROWD)
    for size in rng.choice([1e6, 5e6, *rng.uniform(1e5, 3e7, 6)], present):
        server.send(size, rng.choice([0.0, gap_s]))
        server.advance(server.now_s + gap_s)
    for upload, size in uploads:
        server.send(size, upload)
    promised_s = server.added_delay_s(size_bit, upload_s)
    upload_end_s, sizes_bit = server.of_tasks("upload_end_s"), server.of_tasks("size_bit")
    without_s = processor_sharing_finish_s(upload_end_s, sizes_bit, server.speed)
    with_s = processor_sharing_finish_s(
        np.append(upload_end_s, server.now_s + upload_s), np.append(sizes_bit, size_bit), server.speed
    )
    expected_s = with_s.sum() - server.now_s - without_s.sum()
    assert promised_s == pytest.approx(expected_s, rel=1e-9, abs=1e-12 * with_s.sum())
    server.advance(np.inf)
    np.testing.assert_allclose(server.of_tasks("finish_s"), without_s, rtol=1e-9)


def test_a_crowd_is_foreseen_precisely_after_a_long_busy_period() -> None:
    """A crowd comes at a large attained service, as two tasks outlasted 200,000 short ones. Against exact fractions."""
    short, crowd, speed = 200_000, 3 * CROWD, 1e6
    server = Server(speed, room=short + crowd + 4)
    for _ in range(2):
        server.send(float(short) * 1e6, 0.0)
    for _ in range(short):
        server.advance(server.now_s + 1.0)
        server.send(0.3e6, 0.0)
    for task in range(crowd):
        server.send(1e5 * (1.0 + task / 7.0), 0.0)
    server.advance(server.now_s)
    assert server.count("executing") > CROWD
    attained_bit = Fraction(float(server.servers["attained_bit"][0, 0]))
    assert attained_bit > 10**10
    left_bit = [Fraction(float(server.tasks["threshold_bit"][0, at])) - attained_bit for at in server.present()]
    for size_bit in (1e3, 1e5, 2e6, 5e9):
        exact_s = (size_bit + 2 * sum(min(left, Fraction(size_bit)) for left in left_bit)) / Fraction(speed)
        assert server.added_delay_s(size_bit, 0.0) == pytest.approx(float(exact_s), rel=1e-9)
