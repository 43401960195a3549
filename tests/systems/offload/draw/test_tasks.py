"""What is drawn about tasks: deadlines, classes, devices, and windows of recorded tasks."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.core.seeds import Stream
from mecsim.scenario import with_context
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import offload_scenario


def real(tapes: OffloadTapes) -> np.ndarray:
    """Which tasks exist, (N, M)."""
    return np.arange(tapes.user.shape[1]) < tapes.arrivals.sum(axis=1)[:, None]


def test_deadlines_are_uniform_in_their_range() -> None:
    tapes = draw_tapes(with_context(offload_scenario("gmorl"), {"tasks.deadline": "[2, 6] s"}), 0, 0, 256)
    deadline_s = tapes.deadline_s[real(tapes)]
    assert (deadline_s.min(), deadline_s.max()) == (pytest.approx(2.0, abs=0.01), pytest.approx(6.0, abs=0.01))
    assert deadline_s.mean() == pytest.approx(4.0, abs=0.03)
    assert deadline_s.var() == pytest.approx(16.0 / 12.0, rel=0.03)


def test_shares_of_priority_classes() -> None:
    tapes = draw_tapes(with_context(offload_scenario("gmorl"), {"tasks.priorities": "[0.1, 0.3, 0.6]"}), 0, 0, 256)
    shares = np.bincount(tapes.priority[real(tapes)]) / real(tapes).sum()
    np.testing.assert_allclose(shares, [0.1, 0.3, 0.6], atol=0.015)


def test_devices() -> None:
    tapes = draw_tapes(with_context(offload_scenario("gmorl"), {"servers.device.cpu": "[1, 2] GHz"}), 0, 0, 256)
    assert tapes.device_hz.shape == (256, 10)
    assert (tapes.device_hz.min(), tapes.device_hz.max()) == (
        pytest.approx(1e9, rel=0.01),
        pytest.approx(2e9, rel=0.01),
    )
    assert draw_tapes(offload_scenario("gmorl"), 0, 0, 3).device_hz.shape == (3, 0)


def recorded(folder: Path, rows: list[tuple[float, int, float]], steps: int, step_s: float = 1.0) -> OffloadScenario:
    path = folder / "t.csv"
    path.write_text("time_s,user,size_bit\n" + "".join(f"{time!r},{user},{size!r}\n" for time, user, size in rows))
    context = {"tasks.trace.file": str(path), "episode.steps": str(steps), "episode.step": f"{step_s} s"}
    return with_context(offload_scenario("quickstart"), context)


def tasks_by_step(tapes: OffloadTapes, episode: int) -> list[list[tuple[int, float]]]:
    """User and size of the tasks that arrive at each step."""
    ends = np.cumsum(tapes.arrivals[episode])
    pairs = list(zip(tapes.user[episode].tolist(), tapes.size_bit[episode].tolist(), strict=True))
    return [pairs[end - count : end] for end, count in zip(ends, tapes.arrivals[episode], strict=True)]


def test_windows_by_hand(tmp_path: Path) -> None:
    rows = [(0.0, 1, 10.0), (0.2, 2, 20.0), (1.0, 3, 30.0), (1.01, 4, 40.0), (7.5, 5, 50.0)]
    tapes = draw_tapes(recorded(tmp_path, rows, steps=3), 0, 0, 4)
    assert tasks_by_step(tapes, 0) == [[(1, 10.0)], [(2, 20.0), (3, 30.0)], [(4, 40.0)]]
    assert tasks_by_step(tapes, 1) == [[], [], []]
    assert tasks_by_step(tapes, 2) == [[], [], [(5, 50.0)]]
    assert tasks_by_step(tapes, 3) == tasks_by_step(tapes, 0)  # starts over
    assert np.isinf(tapes.deadline_s).all()
    tapes._check()


def test_clocks_that_start_late(tmp_path: Path) -> None:
    """Times since 1970, say: the first window is that of the first task."""
    rows = [(1.7e9 + 4.0, 1, 10.0), (1.7e9 + 12.0, 2, 20.0)]
    tapes = draw_tapes(recorded(tmp_path, rows, steps=10), 0, 0, 2)
    assert tasks_by_step(tapes, 0)[4] == [(1, 10.0)]
    assert tasks_by_step(tapes, 1)[2] == [(2, 20.0)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 400), st.integers(0, 9), st.floats(1, 1e9)), min_size=1, max_size=60),
    st.integers(1, 60),
    st.sampled_from([0.1, 1.0, 7.3]),
)
def test_windows_hold_every_task_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, int, float]], steps: int, step_s: float
) -> None:
    scenario = recorded(tmp_path_factory.mktemp("trace"), rows, steps, step_s)
    times_s = [time for time, _, _ in rows]
    first, last = (int(np.ceil(time / step_s - 1e-9)) // steps for time in (min(times_s), max(times_s)))
    tapes = draw_tapes(scenario, 3, 0, last - first + 1)
    expected = [(user, size) for _, user, size in sorted(rows, key=lambda row: row[0])]
    played = [task for n in range(len(tapes)) for step in tasks_by_step(tapes, n) for task in step]
    assert played == expected


def test_sequential_windows_are_the_same_for_every_seed_and_stream(tmp_path: Path) -> None:
    rows = [(float(k), k % 10, 1e6 + k) for k in range(1000)]
    scenario = recorded(tmp_path, rows, steps=7)
    one, other = draw_tapes(scenario, 0, 100, 30), draw_tapes(scenario, 5, 100, 30, Stream.TRAINING)
    np.testing.assert_array_equal(one.size_bit, other.size_bit)
    assert (one.rate_bit_per_s != other.rate_bit_per_s).any()
    assert [tasks_by_step(one, n)[0][0][1] for n in range(3)] == [1e6 + 700, 1e6 + 707, 1e6 + 714]


def test_random_windows_lie_within_the_trace(tmp_path: Path) -> None:
    """Every start at which a whole window fits comes up, and no other."""
    rows = [(float(k), k % 10, 1e6 + k) for k in range(5, 25)]
    scenario = with_context(recorded(tmp_path, rows, steps=10), {"tasks.trace.start": "random"})
    tapes = draw_tapes(scenario, 0, 0, 512)
    starts = (tapes.size_bit[:, 0] - 1e6).astype(int)
    assert set(starts.tolist()) == set(range(5, 16))
    assert (tapes.arrivals == 1).all()
    assert (draw_tapes(scenario, 1, 0, 512).size_bit != tapes.size_bit).any()


def test_a_trace_shorter_than_an_episode(tmp_path: Path) -> None:
    for start in ("sequential", "random"):
        scenario = with_context(recorded(tmp_path, [(0.0, 1, 5.0)], steps=50), {"tasks.trace.start": start})
        assert tasks_by_step(draw_tapes(scenario, 0, 3, 1), 0) == [[(1, 5.0)]] + [[]] * 49


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    scenario = recorded(tmp_path, [(0.0, 1, 5.0)], steps=3)
    assert tasks_by_step(draw_tapes(scenario, 0, 0, 1), 0)[0] == [(1, 5.0)]
    again = recorded(tmp_path, [(0.0, 2, 12.0)], steps=3)
    assert again == scenario
    assert tasks_by_step(draw_tapes(again, 0, 0, 1), 0)[0] == [(2, 12.0)]


def test_urgency_from_the_trace(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time_s,user,size_bit,deadline_s,priority\n0,1,1e6,2.5,1\n1,2,1e6,,0\n")
    context = {"tasks.trace.file": str(path), "dispatch.queue": "edf", "servers.scheduling": "priority"}
    tapes = draw_tapes(with_context(offload_scenario("quickstart"), context), 0, 0, 1)
    assert (tapes.deadline_s.tolist(), tapes.priority.tolist()) == ([[2.5, np.inf]], [[1, 0]])


def test_every_user_sends_tasks_at_its_rate() -> None:
    """7 users of 0.3 /s send 4.2 in a step of 2 s on the mean, and each of them as many."""
    context = {"users.count": "7", "users.arrival_rate": "0.3 /s", "episode.step": "2 s"}
    tapes = draw_tapes(with_context(offload_scenario("gmorl-e6"), context), 0, 0, 128)
    assert tapes.arrivals.mean() == pytest.approx(4.2, rel=0.02)
    exists = np.arange(tapes.user.shape[1]) < tapes.arrivals.sum(axis=1)[:, None]
    shares = np.bincount(tapes.user[exists], minlength=7) / exists.sum()
    np.testing.assert_allclose(shares, 1.0 / 7.0, rtol=0.05)
