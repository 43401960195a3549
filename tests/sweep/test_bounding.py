"""Bounds of a grid: the same however they are shared out, and what is made of them beside a front."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.core.relaxation import Relaxation
from mecsim.errors import InputError
from mecsim.policies import calibrate
from mecsim.scenario import load_scenario
from mecsim.sweep import Front, Workers, preference_grid, sweep
from mecsim.sweep.bounding import EPISODES_PER_JOB, bound_costs, check_bounded, excess, mean_excess
from tests.training.small import small_scenario

COUNT = EPISODES_PER_JOB + 4


def test_it_does_not_depend_on_workers() -> None:
    """To the last bit, with penalties; greedy is above it at each preference, and so is the mean of all."""
    scenario, grid = small_scenario(), preference_grid(2, 3)
    asked = Relaxation(5, 0, COUNT, penalty=0.1)
    told: list[int] = []
    alone = bound_costs(scenario, grid, asked, on_progress=told.append)
    assert_array_equal(alone, bound_costs(scenario, grid, asked, Workers(2, 2)))
    assert (alone.shape, sum(told)) == ((3, COUNT), 3 * COUNT)
    [greedy] = sweep(["greedy"], scenario, grid, COUNT, 5)
    scale = calibrate(scenario).scale
    assert (excess(greedy, alone, scale).at_most > 0.0).all()
    assert mean_excess(greedy, alone, scale).at_most[0] > 0.0


def test_the_interval_of_the_ratio_is_that_of_a_delta() -> None:
    """Costs that are 1.5 times the bound, but for noise: the interval covers 0.5 about 95 times of 100."""
    rng, covered = np.random.default_rng(0), 0
    preferences = np.array([[0.5, 0.5]])
    for _ in range(400):
        bounds = rng.gamma(4.0, 1.0, (1, 50))
        costs = 1.5 * bounds + rng.normal(0.0, 0.5, (1, 50))
        found = excess(Front("a", preferences, np.stack([costs, costs], axis=2)), bounds, np.ones(2))
        assert_allclose(found.share, costs.mean() / bounds.mean() - 1.0)
        covered += bool(abs(found.share[0] - 0.5) < found.share_ci95[0])
    assert 365 <= covered <= 395


def test_what_has_no_ratio_has_none() -> None:
    """A bound that is not positive, and one episode."""
    front = Front("a", np.array([[1.0], [1.0]]), np.ones((2, 1, 1)))
    found = excess(front, np.array([[-1.0], [0.5]]), np.ones(1))
    assert_array_equal(found.share, [np.nan, 1.0])
    assert np.isnan(found.share_ci95).all()
    assert found.at_most[1] == 1.0


def test_a_system_without_a_bound_is_refused() -> None:
    with pytest.raises(InputError, match="no bound is known for scenarios of kind cells"):
        check_bounded(load_scenario("personalized-quick"))
