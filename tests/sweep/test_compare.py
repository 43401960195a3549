"""Differences of two targets, and how often chance makes one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mecsim.errors import InputError
from mecsim.policies import Calibration
from mecsim.report.comparison import comparison_text, overall_rows
from mecsim.scenario import load_scenario
from mecsim.sweep import Front, Side, compare_sides, preference_grid
from mecsim.sweep.measures import welch_95
from tests.sweep.test_choose import CALIBRATION, SCENARIO, made_up


def side(front: Front, seed: int = 0, reference: tuple[float, float] = (100.0, 10.0)) -> Side:
    return Side(front, SCENARIO, Calibration(CALIBRATION.scale, np.array(reference), "made up"), seed)


ONE = made_up("one", 1)
BETTER = Front("better", ONE.preferences, ONE.totals - [1.0, 0.1])


def test_pairs_lose_the_noise_that_they_share() -> None:
    found = compare_sides(side(BETTER), side(ONE))
    assert found.paired
    assert_allclose(found.difference, np.broadcast_to([-1.0, -0.1], (7, 2)))
    assert_allclose(found.ci95, 0.0, atol=1e-12)
    assert (found.better == 1.0).all()
    assert found.measures["mean_cost"].difference == pytest.approx(-(1.0 / 10 + 0.1) / 2)
    assert found.measures["hypervolume"].difference > 0.0
    apart = compare_sides(side(BETTER, seed=1), side(ONE, seed=0))
    assert not apart.paired
    assert (apart.ci95 > 0.5 * np.hypot(*(one.ci95 for one in (BETTER, ONE)))).all()
    assert apart.measures["mean_cost"].ci95 > found.measures["mean_cost"].ci95


def test_a_target_with_itself_differs_by_nothing() -> None:
    found = compare_sides(side(ONE), side(ONE))
    assert not found.difference.any()
    assert not found.better.any()
    assert all(one.difference == 0.0 for one in found.measures.values())


def test_chance_makes_a_difference_as_often_as_it_may() -> None:
    """One policy on other episodes each time: 5 % of the intervals of its mean cost leave zero out."""
    runs, beyond = 200, 0
    for seed in range(runs):
        pair = [side(made_up("same", 2 * seed + i, preferences=5, episodes=50), seed=i) for i in (0, 1)]
        cost = compare_sides(*pair).measures["mean_cost"]
        beyond += abs(cost.difference) > cost.ci95
    assert 0.01 <= beyond / runs <= 0.105


def test_one_reference_point_serves_both() -> None:
    found = compare_sides(side(ONE, reference=(80.0, 20.0)), side(BETTER))
    assert found.calibration.reference.tolist() == [100.0, 20.0]


def test_only_common_preferences_are_compared() -> None:
    fewer = made_up("few", 3, preferences=4, episodes=20)  # thirds; 7 have sixths
    found = compare_sides(side(fewer), side(ONE))
    assert_allclose(found.preferences, preference_grid(2, 4))
    assert found.episodes == (20, 20)


def test_what_cannot_be_compared_is_refused() -> None:
    halves = Front("halves", np.array([[0.3, 0.7]]), np.zeros((1, 3, 2)))
    with pytest.raises(InputError, match="have no preference in common"):
        compare_sides(side(halves), side(ONE))
    other = Side(ONE, load_scenario("personalized-quick"), CALIBRATION, 0)
    with pytest.raises(InputError, match="only equal objectives can be compared"):
        compare_sides(side(ONE), other)


def test_welch_is_that_of_the_textbook() -> None:
    """Welch (1947), the example of two samples with unequal variances, as SciPy has its interval."""
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(3)
    one, other = rng.normal(1.0, 2.0, 12), rng.normal(0.0, 0.5, 40)
    low, high = ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert welch_95(one, other) == pytest.approx((high - low) / 2.0)


def test_trainings_have_an_interval_of_their_own() -> None:
    several = [Front.over("runs", [made_up("run", 10 * i + seed) for seed in range(3)]) for i in (1, 2)]
    found = compare_sides(*(side(front) for front in several))
    assert found.measures["mean_cost"].trainings_ci95 > 0.0
    assert "over trainings" in comparison_text(found, "text")


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "json"])
def test_every_format_says_who_and_how_much(form: str) -> None:
    text = comparison_text(compare_sides(side(BETTER), side(ONE)), form)
    assert "better" in text
    assert "one" in text
    assert "-0.1" in text
    if form == "text":
        assert max(map(len, text.splitlines())) <= 80
        assert "A costs less than B" in text
    if form == "latex":
        assert r"\toprule" in text
        assert "_" not in text.replace(r"\_", "")


def test_the_table_holds_the_numbers() -> None:
    """A difference in per cent is one of the second side."""
    found = compare_sides(side(BETTER), side(ONE))
    cost = found.measures["mean_cost"]
    row = next(row for row in overall_rows(found) if row[0] == "mean cost")
    assert row[1:3] == (f"{cost.one:.5g}", f"{cost.other:.5g}")
    assert float(row[4].removesuffix("%")) == pytest.approx(100.0 * (cost.one / cost.other - 1.0), abs=0.05)
    assert abs(cost.one / cost.other - cost.other / cost.one) > 0.005
