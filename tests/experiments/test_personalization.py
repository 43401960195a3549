"""How the case study of personalization chooses its operating points."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mecsim.scenario import load_scenario
from mecsim.sweep import Front, preference_grid

SCRIPT = Path(__file__).parents[2] / "experiments" / "personalization" / "run.py"
SCENARIO = load_scenario("personalized-quick")


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("personalization", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def front_of(even: list[tuple[float, float]], odd: list[tuple[float, float]]) -> Front:
    """A front of (satisfaction, saved) per preference on even and on odd episodes, four of them in all."""
    shown = np.stack([even, odd, even, odd], axis=1)  # (K, 4, 2)
    return Front("made", preference_grid(2, len(even)), np.array([5.0, 1.0]) - shown)


def test_a_point_is_chosen_on_the_other_half(study: ModuleType) -> None:
    even = [(2.0, 0.9), (3.9, 0.7), (4.1, 0.5), (4.6, 0.2)]
    odd = [(2.2, 0.9), (4.05, 0.7), (4.2, 0.5), (4.7, 0.2)]
    assert study.operating_points(front_of(even, odd), SCENARIO, np.full(4, 4.0)) == (1, 2)
    assert study.operating_points(front_of(even, odd), SCENARIO, np.full(4, 3.0)) == (1, 1)
    floor = np.array([4.5, 3.0, 4.3, 3.0])  # of a policy that is better on even episodes
    assert study.operating_points(front_of(even, odd), SCENARIO, floor) == (1, 3)


def test_a_rating_that_one_half_does_not_reach_has_no_point(study: ModuleType) -> None:
    assert (
        study.operating_points(front_of([(4.5, 0.1), (1.0, 0.9)], [(3.9, 0.3), (1.0, 0.9)]), SCENARIO, np.full(4, 4.0))
        is None
    )


def test_trainings_are_told_by_their_mean_with_an_interval_over_them(study: ModuleType) -> None:
    rows = [
        {"scenario": "a", "target": f"agent seed {n}", "x": x, "x_ci95": 9.0} for n, x in enumerate((1.0, 2.0, 3.0))
    ]
    row = study._over_trainings(rows)
    assert (row["scenario"], row["target"], row["x"]) == ("a", "agent", 2.0)
    assert row["x_ci95"] == pytest.approx(4.30265 / np.sqrt(3.0), rel=1e-4)  # Student's t of two degrees of freedom
    assert np.isnan(study._over_trainings([*rows, {"scenario": "a", "target": "agent seed 3"}])["x"])
