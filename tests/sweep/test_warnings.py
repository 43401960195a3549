"""What is said of results that tell less than they seem to."""

from pathlib import Path

import numpy as np
import pytest

from mecsim.policies import Calibration
from mecsim.scenario import parse_scenario
from mecsim.sweep import Front, beyond_reference, collapsed, collapsed_runs, concerns, foreseen
from mecsim.sweep.details import Details
from tests.one_system import parse_offload

HEAD = "mecsim: 1\nkind: offload\nepisode: {steps: 50}\nservers: {edge: {count: 2}}\n"


@pytest.mark.parametrize("rate", ["0.05", "0.1"])
def test_a_queue_that_keeps_up_is_no_concern(rate: str) -> None:
    """Ten users send a task a step at most: what waits at the end is a matter of chance."""
    assert foreseen(parse_offload(HEAD + f"users: {{arrival_rate: {rate} /s}}\n"), 0) == []


def test_an_overloaded_queue_is_told_with_its_share() -> None:
    (line,) = foreseen(parse_offload(HEAD + "users: {arrival_rate: 0.4 /s}\n"), 0)
    assert line.startswith("4 tasks arrive in a step, which dispatches one: in the long run 75% of them are never")
    assert line.endswith("choose dispatch.decide: task, or lower users.arrival_rate or episode.step")
    each = parse_offload(HEAD.replace("episode: {steps: 50}", "episode: {steps: 50}\ndispatch: {decide: task}"))
    assert foreseen(each, 0) == []


def test_recorded_tasks_that_wait_for_steps_are_told(tmp_path: Path) -> None:
    """Ten at 0 s, which a dispatch each second keeps for 4.5 s on average, and others that find nobody."""
    times = [0.0] * 10 + [20.0, 20.5, *range(30, 45)]
    (tmp_path / "t.csv").write_text("time_s,user,size_bit\n" + "".join(f"{time},0,1e6\n" for time in times))
    head = HEAD + f"users: {{count: 1}}\ntasks: {{trace: {{file: {tmp_path}/t.csv}}}}\n"
    (line,) = parse_offload(head).remarks()
    assert line.startswith(f"up to 10 tasks arrive in a step, which dispatches one: {9 / 27:.0%} of them wait")
    assert f"on average {45 / 27:.3g} s" in line
    assert parse_offload(head + "dispatch: {decide: task}\n").remarks() == []


def test_energy_of_idle_servers_is_told_with_its_share() -> None:
    curves = "energy: {model: power-curve, cloud_power: [300 W, 301 W], edge_power: [100 W, 101 W]}\n"
    (line,) = foreseen(parse_offload(HEAD + curves), 0)
    assert "25,000 of 25,119 J" in line  # (300 + 2·100) W over 50 s
    assert "policies differ in the other 0." in line
    assert foreseen(parse_offload(HEAD + curves.replace("300 W,", "0 W,").replace("100 W,", "0 W,")), 0) == []


def test_quantities_decide() -> None:
    scenario = parse_offload(HEAD)
    times = dict.fromkeys(("delay_per_task_s", "upload_per_task_s"), np.array([1.0, np.nan, 2.0]))
    found = times | {"tasks": np.full(3, 50.0), "tasks_left_in_queue": np.array([0.0, 2.0, 4.0])}
    assert concerns(found, scenario) == []
    assert len(concerns(found | {"tasks_left_in_queue": np.full(3, 30.0)}, scenario)) == 1


def test_a_system_without_concerns_has_none() -> None:
    assert foreseen(parse_scenario("mecsim: 1\nkind: cells\nepisode: {requests: 5}\n"), 0) == []


def test_points_beyond_the_reference_are_counted() -> None:
    calibration = Calibration(np.ones(2), np.array([10.0, 10.0]), "given")
    grid = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])

    def front(name: str, *points: tuple[float, float]) -> Front:
        return Front(name, grid, np.array(points)[:, None, :])

    within, some = front("within", (1, 9), (2, 2), (9, 1)), front("some", (1, 10), (2, 2), (9, 1))
    every = front("every", (1, 11), (12, 2), (11, 11))
    assert beyond_reference([within, some, every], calibration) == [
        "some: 1 of 3 points lie beyond the reference point of the hypervolume and add nothing to it",
        "every: 3 of 3 points lie beyond the reference point of the hypervolume and add nothing to it, so it is 0",
    ]


def test_links_that_carry_nothing_are_told() -> None:
    assert foreseen(parse_offload(HEAD), 0) == []
    (line,) = foreseen(parse_offload(HEAD + "channel: {shadowing: 250 dB}\n"), 0)
    assert "nothing is ever finished" in line
    assert "see to channel and distances" in line


@pytest.mark.parametrize(("least", "told"), [(0.985, False), (0.995, True)])
def test_a_policy_that_does_the_same_for_all_preferences_is_told(least: float, told: bool) -> None:
    scenario = parse_offload(HEAD)
    shares = np.array([[0.0, 1.0, 0.0], [0.0, least, 1.0 - least], [0.004, 0.996, 0.0]])
    lines = collapsed(shares, scenario)
    assert len(lines) == told
    if told:
        assert "the policy chooses edge_01 in more than 99%" in lines[0]
    assert collapsed(np.eye(3), scenario) == []  # each preference has an option of its own
    assert collapsed(shares[:1], scenario) == []  # a single preference tells nothing of others


def test_only_what_was_learned_can_have_collapsed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").touch()
    grid, options = np.array([[0.0, 1.0], [1.0, 0.0]]), {"share": np.array([[1.0, 0.0, 0.0]] * 2)}
    fronts = [
        Front(target, grid, np.ones((2, 1, 2)), details=Details(options=options))
        for target in ("cloud", str(tmp_path / "run"))
    ]
    (line,) = collapsed_runs(fronts, parse_offload(HEAD))
    assert line.startswith("run: the policy chooses cloud in more than 99%")
