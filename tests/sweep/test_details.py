"""What sweeps tell beyond objectives: quantities, tails, options."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mecsim.core.system import draw_episodes
from mecsim.policies import named_policy, play
from mecsim.scenario import Scenario, load_scenario, with_context
from mecsim.sweep import Front, preference_grid, sweep
from mecsim.sweep.details import LEVELS, Details, mean_and_ci95, quantiles
from tests.training.small import small_scenario

SCENARIOS = {
    "offload": small_scenario(),
    "devices and ratings": with_context(load_scenario("gmorl-personal"), {"episode.steps": "20"}),
    "cells": load_scenario("personalized-quick"),
}


@pytest.fixture(params=SCENARIOS, scope="module")
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


def swept(scenario: Scenario, target: str = "greedy") -> Front:
    return sweep([target], scenario, preference_grid(len(scenario.objectives), 3), 5, seed=7)[0]


def test_quantities_are_those_of_a_simulation(scenario: Scenario) -> None:
    front = swept(scenario)
    from mecsim.core.system import system_of

    tapes = draw_episodes(scenario, 7, 0, 5)
    for k, preference in enumerate(front.preferences):
        played = play(named_policy("greedy", scenario)(7), scenario, tapes, preference)
        for name, values in system_of(scenario).episode_quantities.load()(played, tapes, scenario).items():
            assert_allclose(front.quantities[name][k], values)


def test_shares_of_options_sum_to_one(scenario: Scenario) -> None:
    share = swept(scenario, "random").options["share"]
    assert_allclose(share.sum(axis=1), 1.0)
    assert (share >= 0.0).all()


def test_loads_are_the_work_over_the_time() -> None:
    front = swept(SCENARIOS["offload"], "random")
    tasks, alone = front.quantities["tasks"], front.quantities["execution_alone_per_task_s"]
    duration_s = SCENARIOS["offload"].steps * 1.0
    assert_allclose(front.options["load"].sum(axis=1), (tasks * np.nan_to_num(alone)).mean(axis=1) / duration_s)


def test_the_energy_of_tasks_has_the_mean_of_its_quantiles_between() -> None:
    front = swept(SCENARIOS["offload"])
    tails = front.details.tails["task_energy_j"]
    assert tails.shape == (3, len(LEVELS), 3)
    assert (np.diff(tails[:, :, 0], axis=1) >= 0.0).all()
    assert ((tails[:, :, 1] <= tails[:, :, 0]) & (tails[:, :, 0] <= tails[:, :, 2])).all()


def test_quantiles_are_those_of_all_values_together() -> None:
    values = np.random.default_rng(0).exponential(size=(40, 25))
    values[::3, 10:] = np.nan
    known = values[~np.isnan(values)]
    assert_allclose(quantiles(values)[:, 0], np.quantile(known, LEVELS, method="inverted_cdf"))


@pytest.mark.parametrize(
    ("count", "level", "low", "high"),
    [(40, 0.5, 14, 26), (200, 0.95, 184, 196), (1000, 0.99, 984, 996), (40, 0.95, 35, None), (40, 0.05, None, 6)],
)
def test_a_quantile_over_episodes_has_the_order_statistics_of_binomial_counts(
    count: int, level: float, low: int | None, high: int | None
) -> None:
    """An end that so few episodes do not have is unknown; 95 % within 1.5 % by SciPy, or 2.5 % at most on a side."""
    from scipy.stats import binom

    order = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))[:, None]
    found = quantiles(order)[LEVELS.index(level), 1:]
    assert_allclose(found, [np.nan if rank is None else rank for rank in (low, high)])
    below = 0.0 if low is None else binom.cdf(low - 1, count, level)
    above = 0.0 if high is None else binom.sf(high - 1, count, level)
    assert below + above == pytest.approx(0.05, abs=0.015) or max(below, above) <= 0.025


def test_an_interval_of_a_quantile_holds_the_true_one_as_often_as_it_says() -> None:
    """Values of an episode that share half of their variance: episodes are what is independent."""
    rng = np.random.default_rng(1)
    truth = np.sqrt(2.0) * 1.6448536269514722  # 95 % of a normal variable of variance 2
    held = 0
    for _ in range(400):
        values = rng.normal(size=(200, 1)) + rng.normal(size=(200, 30))
        _, low, high = quantiles(values)[2]
        held += low <= truth <= high
    assert 0.91 <= held / 400 <= 0.985  # 0.95, 400 times: standard deviation 0.011


def test_nothing_and_a_single_episode_have_no_interval() -> None:
    assert np.isnan(quantiles(np.full((3, 4), np.nan))).all()
    single = quantiles(np.array([[1.0, 2.0, 3.0]]))
    assert_allclose(single[1, 0], 2.0)
    assert np.isnan(single[:, 1:]).all()


def test_means_leave_out_episodes_without_a_number() -> None:
    mean, half = mean_and_ci95(np.array([[1.0, np.nan, 3.0], [np.nan] * 3, [5.0, np.nan, np.nan]]))
    assert_allclose(mean, [2.0, np.nan, 5.0])
    assert_allclose(half, [12.706204736, np.nan, np.nan])


def test_details_on_fewer_episodes_tell_nothing_of_all_together() -> None:
    front = swept(SCENARIOS["offload"])
    some = front.restricted(front.preferences[[2, 0]], 4)
    assert_allclose(some.quantities["tasks"], front.quantities["tasks"][[2, 0], :4])
    assert not some.options
    assert not some.details.tails
    whole = front.restricted(front.preferences[[1]], 5)
    assert_allclose(whole.options["share"], front.options["share"][[1]])


def test_details_of_trainings_are_averaged() -> None:
    one, two = (Details({"x": np.full((1, 2), value)}, {}, {"share": np.full((1, 3), value)}) for value in (1.0, 3.0))
    both = Details.averaged([one, two])
    assert_allclose(both.quantities["x"], 2.0)
    assert_allclose(both.options["share"], 2.0)
