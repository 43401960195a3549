"""What experiments tell of a front: the same numbers as the indicators, and paired ratios."""

import numpy as np
import pytest

from mecsim.policies import calibrate
from mecsim.sweep import MEASURES, Front, assess, compared, measured, preference_grid, sweep
from tests.training.small import small_scenario

SCENARIO = small_scenario()
CALIBRATION = calibrate(SCENARIO)


@pytest.fixture(scope="module")
def fronts() -> list[Front]:
    return sweep(["greedy", "random"], SCENARIO, preference_grid(2, 5), 20, 0)


def test_measures_are_the_indicators_with_intervals(fronts: list[Front]) -> None:
    qualities = assess(fronts, CALIBRATION)
    for front in fronts:
        told = measured(front, CALIBRATION)
        assert list(told) == [key for name in MEASURES for key in (name, f"{name}_ci95")]
        assert all(told[name] == getattr(qualities[front.target], name) for name in MEASURES)
        assert all(0.0 < told[f"{name}_ci95"] < told[name] for name in ("mean_cost", "expected_utility"))


def test_ratios_are_those_of_the_measures(fronts: list[Front]) -> None:
    greedy, random = fronts
    told = compared(random, greedy, CALIBRATION, "greedy")
    one, other = measured(random, CALIBRATION), measured(greedy, CALIBRATION)
    assert told["mean_cost_to_greedy"] == pytest.approx(one["mean_cost"] / other["mean_cost"])
    assert told["mean_cost_to_greedy_ci95"] > 0.0
    same = compared(greedy, greedy, CALIBRATION, "itself")
    assert (same["mean_cost_to_itself"], same["mean_cost_to_itself_ci95"]) == (1.0, 0.0)


def test_a_ratio_to_nothing_is_nan(fronts: list[Front]) -> None:
    beyond = Front("beyond", fronts[0].preferences, np.full_like(fronts[0].totals, 1e9))
    told = compared(fronts[0], beyond, CALIBRATION, "beyond")
    assert np.isnan(told["hypervolume_to_beyond"])
    assert np.isnan(told["hypervolume_to_beyond_ci95"])
    assert told["mean_cost_to_beyond"] < 1.0
