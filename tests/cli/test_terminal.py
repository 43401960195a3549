"""What is shown of work that takes a while."""

from types import SimpleNamespace

import pytest

from mecsim.cli import terminal
from mecsim.cli.terminal import Bar, Bars, left_s, progress_told
from mecsim.core.watch import tell_progress
from mecsim.schema.words import shortened


def test_the_time_left_follows_the_mean_speed_and_is_never_frozen() -> None:
    assert left_s(0, 0, 10, 5.0, 1.0) is None
    assert left_s(0, 2, 10, 4.0, 0.0) == pytest.approx(16.0)
    assert left_s(0, 2, 10, 4.0, 1.5) == pytest.approx(14.5)
    assert left_s(6, 8, 10, 4.0, 0.0) == pytest.approx(4.0)  # what was done before took none of this time
    late = [
        left_s(0, 2, 10, 4.0, since_s) for since_s in (30.0, 40.0, 50.0)
    ]  # a part that takes longer than the others
    assert late == pytest.approx([34.0 / 3 * 7, 44.0 / 3 * 7, 54.0 / 3 * 7])
    assert left_s(0, 10, 10, 4.0, 0.0) == 0.0


def test_a_line_is_told_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(terminal, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(terminal, "SLOW_S", 2.0)
    monkeypatch.setattr(terminal, "LINES_S", 10.0)
    with Bar("playing", 10) as bar:
        for clock.now in (101.0, 103.0, 106.0, 114.0):
            bar.advance()
    assert capsys.readouterr().err == "playing: 20% 0:00:03, 0:00:12 left\nplaying: 40% 0:00:14, 0:00:21 left\n"


def test_work_is_told_by_name_and_nothing_stays_open(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "SLOW_S", 0.0)
    monkeypatch.setattr(terminal, "LINES_S", 0.0)
    with progress_told():
        tell_progress("fitting", 1, 2)
        tell_progress("fitting", 2, 2)
    tell_progress("fitting", 1, 2)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in lines] == [["fitting:", "50%"], ["fitting:", "100%"]]


def test_each_thing_has_a_bar_of_its_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(terminal, "LINES_S", 0.0)
    with Bars({"run": 2, "greedy": 4}) as bars:
        for what, parts in (("run", 2), ("greedy", 3), ("greedy", 1)):
            bars.advance(what, parts)
    shown = [line.split()[:2] for line in capsys.readouterr().err.splitlines()]
    assert shown == [["run:", "100%"], ["greedy:", "75%"], ["greedy:", "100%"]]


def test_names_are_shortened_from_the_left() -> None:
    assert shortened("runs/a-long-name", 10) == "…long-name"
    assert shortened("greedy", 6) == "greedy"
