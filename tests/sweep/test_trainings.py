"""A front of several trainings: its means, and intervals that hold for few of them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.policies import Calibration
from mecsim.sweep import (
    MEASURES,
    Front,
    assess,
    compared,
    estimates,
    hypervolume,
    measured,
    preference_grid,
    summary,
    write_front_csv,
)
from tests.training.small import small_scenario

SCENARIO = small_scenario()
CALIBRATION = Calibration(np.array([2.0, 4.0]), np.array([3.0, 3.0]), "given")
GRID = preference_grid(2, 3)
POINTS = np.array([[2.0, 0.5], [1.0, 1.0], [0.5, 2.0]])
FACTORS = (0.8, 1.0, 1.3)  # what each training is off by
NOISE = np.random.default_rng(1).normal(0.0, 0.1, 50)


def of_training(factor: float, name: str = "one") -> Front:
    """All trainings meet the same noise, as they are played on the same episodes."""
    return Front(f"job/{name}", GRID, factor * POINTS[:, None] * (1.0 + NOISE)[None, :, None])


EACH = [of_training(factor, f"seed-0{index}") for index, factor in enumerate(FACTORS)]
FRONT = Front.over("job", EACH)
GREEDY = of_training(1.1, "greedy")


def test_totals_are_the_mean_and_the_interval_is_students_over_trainings() -> None:
    assert_allclose(FRONT.mean, np.mean(FACTORS) * EACH[1].mean)
    half = 4.302653 * np.std(FACTORS, ddof=1) / np.sqrt(3)  # two degrees of freedom
    assert_allclose(FRONT.trainings_ci95, half * EACH[1].mean, rtol=1e-6)
    assert FRONT.label == "job (3 trainings)"
    assert np.isnan(EACH[0].trainings_ci95).all()
    assert EACH[0].label == "seed-00"


@pytest.mark.parametrize("count", [3, 5])
def test_the_interval_over_few_trainings_covers_what_it_promises(count: int) -> None:
    """A percentile bootstrap of three values would cover three of four times."""
    rng, repeats = np.random.default_rng(2), 1500
    values = rng.normal(10.0, 1.0, (repeats, count))
    covered = 0
    for row in values:
        front = Front.over("job", [Front("one", np.ones((1, 1)), np.full((1, 2, 1), value)) for value in row])
        covered += abs(float(front.mean[0, 0]) - 10.0) <= float(front.trainings_ci95[0, 0])
    assert covered / repeats == pytest.approx(0.95, abs=4.0 * np.sqrt(0.95 * 0.05 / repeats))


def test_indicators_are_means_over_trainings_and_not_those_of_the_mean() -> None:
    volumes = [hypervolume(one.mean, CALIBRATION.reference) for one in EACH]
    told = measured(FRONT, CALIBRATION)
    assert told["hypervolume"] == pytest.approx(np.mean(volumes))
    assert abs(told["hypervolume"] - hypervolume(FRONT.mean, CALIBRATION.reference)) > 0.01
    for name in MEASURES:
        assert told[name] == pytest.approx(np.mean([measured(one, CALIBRATION)[name] for one in EACH]))
    quality = assess([FRONT, GREEDY], CALIBRATION)["job"]
    assert [getattr(quality, name) for name in MEASURES] == [told[name] for name in MEASURES]
    assert quality.cardinality == 3


def test_trainings_meet_the_same_resampled_episodes() -> None:
    found, each = estimates(FRONT, CALIBRATION), [estimates(one, CALIBRATION) for one in EACH]
    for name in MEASURES:
        assert_allclose(found[name].resampled, np.mean([one[name].resampled for one in each], axis=0))
    told = compared(FRONT, GREEDY, CALIBRATION, "greedy")
    assert told["mean_cost_to_greedy"] == pytest.approx(np.mean(FACTORS) / 1.1)
    assert told["mean_cost_to_greedy_ci95"] < 1e-9  # all noise is shared
    assert found["mean_cost"].ci95 > 0.003


def test_the_summary_has_both_intervals_and_the_value_of_each_training() -> None:
    told = summary([FRONT, GREEDY], GREEDY, SCENARIO, CALIBRATION, {})["targets"]
    job = told["job"]
    to_greedy = np.array(FACTORS) / 1.1
    assert list(job["trainings"]) == ["seed-00", "seed-01", "seed-02"]
    assert [one["mean_cost_ratio_to_greedy"] for one in job["trainings"].values()] == pytest.approx(to_greedy.tolist())
    half = 4.302653 * np.std(to_greedy, ddof=1) / np.sqrt(3)
    assert job["mean_cost_ratio_to_greedy_trainings_ci95"] == pytest.approx(half, rel=1e-6)
    assert job["mean_cost_ratio_to_greedy_ci95"] < 1e-9
    assert told["job/greedy"]["trainings"] is None
    assert told["job/greedy"]["hypervolume_trainings_ci95"] is None


def test_a_yardstick_without_costs_leaves_no_ratio() -> None:
    idle = Front("greedy", GRID, np.zeros((3, 50, 2)))
    job = summary([FRONT], idle, SCENARIO, CALIBRATION, {})["targets"]["job"]
    assert job["mean_cost_ratio_to_greedy_trainings_ci95"] is None
    assert [one["mean_cost_ratio_to_greedy"] for one in job["trainings"].values()] == [None] * 3
    assert job["mean_cost_trainings_ci95"] > 0.0


def test_front_csv_has_columns_of_trainings_where_there_are_some(tmp_path: Path) -> None:
    write_front_csv(tmp_path / "front.csv", [GREEDY, FRONT], SCENARIO)
    with (tmp_path / "front.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[-3:] == ["trainings", "delay_trainings_ci95", "energy_trainings_ci95"]
    assert [row[-3:] for row in rows[:3]] == [["", "", ""]] * 3
    assert [row[-3] for row in rows[3:]] == ["3"] * 3
    assert_allclose(np.array([row[-2:] for row in rows[3:]], float), FRONT.trainings_ci95, rtol=1e-9)


def test_a_part_of_a_front_is_that_of_each_training() -> None:
    part = FRONT.restricted(GRID[1:], 20)
    again = Front.over("job", [one.restricted(GRID[1:], 20) for one in EACH])
    assert_array_equal(part.totals, again.totals)
    assert_array_equal(part.trainings_ci95, again.trainings_ci95)
