"""front.csv and summary.json, as other programs read them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import ArrayLike

from mecsim.policies import calibrate
from mecsim.sweep import (
    MEASURES,
    Front,
    assess,
    hypervolume,
    mean_cost,
    preference_grid,
    summary,
    sweep,
    write_front_csv,
    write_json,
)
from mecsim.systems.offload.demand import Tasks, TaskSize, Users
from tests.training.small import small_scenario

SCENARIO = small_scenario()


def hand_made(target: str, points: ArrayLike) -> Front:
    """A front of two equal episodes per point."""
    points = np.asarray(points, float)
    totals = np.stack([points - 1.0, points + 1.0], axis=1)
    return Front(target, preference_grid(points.shape[1], len(points)), totals)


ONE = hand_made("one", [[30.0, 2.0], [20.0, 3.0], [25.0, 4.0]])
OTHER = hand_made("other, worse", [[31.0, 2.5], [21.0, 3.5], [22.0, 4.5]])


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_front_csv_has_the_documented_columns_and_values(tmp_path: Path) -> None:
    write_front_csv(tmp_path / "front.csv", [ONE, OTHER], SCENARIO)
    header, *rows = rows_of(tmp_path / "front.csv")
    assert ",".join(header) == (
        "target,preference_delay,preference_energy,delay_mean,energy_mean,delay_ci95,energy_ci95,episodes,on_front"
    )
    assert [row[0] for row in rows] == ["one"] * 3 + ["other, worse"] * 3
    half = f"{12.706204736174:.10g}"  # standard deviation √2 over √2
    assert rows[0] == ["one", "0", "1", "30", "2", half, half, "2", "1"]
    assert rows[4] == ["other, worse", "0.5", "0.5", "21", "3.5", half, half, "2", "1"]
    assert [row[-1] for row in rows] == ["1", "1", "0", "1", "1", "0"]  # within each target


def test_front_csv_of_a_single_objective_and_a_single_episode(tmp_path: Path) -> None:
    front = Front("greedy", np.ones((1, 1)), np.array([[[12.5]]]))
    write_front_csv(tmp_path / "front.csv", [front], small_scenario(objectives=("energy",)))
    header, row = rows_of(tmp_path / "front.csv")
    assert header == ["target", "preference_energy", "energy_mean", "energy_ci95", "episodes", "on_front"]
    assert row == ["greedy", "1", "12.5", "nan", "1", "1"]


def test_summary_tells_what_the_interfaces_promise() -> None:
    calibration = calibrate(SCENARIO)
    told = summary([ONE, OTHER], OTHER, SCENARIO, calibration, {"seed": 5, "wall_time_s": 1.0})
    assert told["objectives"] == ["delay", "energy"]
    assert told["reference_point"] == dict(zip(["delay", "energy"], calibration.reference, strict=True))
    assert told["reference_point_source"] == calibration.reference_source
    assert told["objective_scale"] == dict(zip(["delay", "energy"], calibration.scale, strict=True))
    assert (told["preferences"], told["episodes"], told["seed"], told["wall_time_s"]) == (3, 2, 5, 1.0)
    assert list(told["targets"]) == ["one", "other, worse"]
    assert set(told["targets"]["one"]) == {
        "hypervolume", "mean_cost", "expected_utility", "igd_plus", "cardinality", "mean_cost_ratio_to_greedy",
        "hypervolume_ci95", "mean_cost_ci95", "expected_utility_ci95", "mean_cost_ratio_to_greedy_ci95",
        "hypervolume_trainings_ci95", "mean_cost_trainings_ci95", "expected_utility_trainings_ci95",
        "mean_cost_ratio_to_greedy_trainings_ci95", "differences", "trainings",
    }  # fmt: skip
    one, other = told["targets"].values()
    cost = [mean_cost(front.mean, front.preferences, calibration.scale) for front in (ONE, OTHER)]
    assert one["mean_cost_ratio_to_greedy"] == pytest.approx(cost[0] / cost[1])
    assert other["mean_cost_ratio_to_greedy"] == 1.0
    assert one["hypervolume"] == hypervolume(ONE.mean, calibration.reference)
    assert one["cardinality"] == 2
    assert one["igd_plus"] == 0.0
    assert other["igd_plus"] > 0.0
    assert set(one["differences"]["greedy"]) == set(MEASURES)
    apart = one["differences"]["greedy"]["mean_cost"]
    assert apart["difference"] == pytest.approx(cost[0] - cost[1])
    assert apart["trainings_ci95"] is None
    json.dumps(told, allow_nan=False)


def test_the_best_known_front_is_that_of_all_targets() -> None:
    left, right = hand_made("left", [[10.0, 9.0], [11.0, 9.5]]), hand_made("right", [[20.0, 3.0], [21.0, 3.5]])
    found = assess([left, right], calibrate(SCENARIO))
    # Each target has one of the two best points; the other one is a whole range away in one objective.
    assert found["left"].igd_plus == pytest.approx(0.5)
    assert found["right"].igd_plus == pytest.approx(0.5)
    assert assess([left], calibrate(SCENARIO))["left"].igd_plus == 0.0


def test_a_scenario_without_tasks_has_costs_of_zero_and_no_ratio() -> None:
    idle = small_scenario(users=Users(count=3, arrival_rate_per_s=0.0), tasks=Tasks(size=TaskSize(mean_bit=5e6)))
    [greedy] = sweep(["greedy"], idle, preference_grid(2, 3), 2, 0)
    told = summary([greedy], greedy, idle, calibrate(idle), {})
    assert told["targets"]["greedy"]["mean_cost"] == 0.0
    assert told["targets"]["greedy"]["mean_cost_ratio_to_greedy"] is None
    json.dumps(told, allow_nan=False)


def test_json_has_null_where_there_is_no_number(tmp_path: Path) -> None:
    content = {"a": float("nan"), "b": [1.5, float("inf"), {"c": None}], "d": {"e": np.float64("nan")}, "f": "nan"}
    write_json(tmp_path / "x.json", content)
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text) == {"a": None, "b": [1.5, None, {"c": None}], "d": {"e": None}, "f": "nan"}
    assert text.endswith("}\n")


def test_front_csv_can_be_read_back_as_numbers(tmp_path: Path) -> None:
    fronts = sweep(["greedy", "cloud"], SCENARIO, preference_grid(2, 5), 4, 0)
    write_front_csv(tmp_path / "front.csv", fronts, SCENARIO)
    _, *rows = rows_of(tmp_path / "front.csv")
    read = np.array([row[1:] for row in rows], float)
    expected = np.concatenate([np.concatenate([f.preferences, f.mean, f.ci95], axis=1) for f in fronts])
    assert_allclose(read[:, :6], expected, rtol=1e-9)
    assert (read[:, 6] == 4).all()
