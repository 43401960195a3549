"""Preference grids: on the simplex, as many as asked for, corners included."""

from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.sweep import preference_grid
from mecsim.sweep.preferences import MAX_SPREAD, _spread


def test_two_objectives_take_equal_steps_from_one_corner_to_the_other() -> None:
    assert_allclose(preference_grid(2, 5), [[0.0, 1.0], [0.25, 0.75], [0.5, 0.5], [0.75, 0.25], [1.0, 0.0]])
    grid = preference_grid(2, 101)
    assert grid.shape == (101, 2)
    assert_allclose(np.diff(grid[:, 0]), 0.01)
    assert_array_equal(preference_grid(2, 2), [[0.0, 1.0], [1.0, 0.0]])


@pytest.mark.parametrize(("objectives", "count"), [(3, 3), (3, 10), (3, 45), (4, 4), (4, 20), (4, 84)])
def test_more_objectives_get_a_lattice_where_one_has_as_many_points(objectives: int, count: int) -> None:
    grid = preference_grid(objectives, count)
    partitions = next(p for p in range(1, 30) if comb(p + objectives - 1, objectives - 1) == count)
    assert len(grid) == len(np.unique(grid.round(9), axis=0)) == count
    assert_allclose(grid * partitions, (grid * partitions).round(), atol=1e-9)


@pytest.mark.parametrize(("objectives", "count"), [(3, 5), (3, 33), (4, 11), (4, 45), (5, 12)])
def test_any_other_number_of_preferences_is_met_exactly(objectives: int, count: int) -> None:
    grid = preference_grid(objectives, count)
    assert grid.shape == (count, objectives)
    _spread.cache_clear()  # so that it is computed again
    assert_array_equal(preference_grid(objectives, count), grid)
    partitions = max(p for p in range(1, 30) if comb(p + objectives - 1, objectives - 1) <= count)
    lattice = preference_grid(objectives, comb(partitions + objectives - 1, objectives - 1))
    assert mean_gap(grid) < mean_gap(lattice)
    assert nearest_pair(grid) > 0.4 * nearest_pair(lattice)


def mean_gap(grid: NDArray[np.float64]) -> float:
    """Root mean square distance from a preference to the nearest one of a grid."""
    anywhere = np.random.default_rng(0).dirichlet(np.ones(grid.shape[1]), 2000)
    squares = ((anywhere[:, None] - grid) ** 2).sum(axis=2).min(axis=1)
    return np.sqrt(squares.mean())


def nearest_pair(grid: NDArray[np.float64]) -> float:
    squares = ((grid[:, None] - grid) ** 2).sum(axis=2) + 4.0 * np.eye(len(grid))
    return np.sqrt(squares.min())


def test_many_preferences_are_a_lattice_again() -> None:
    """Which is fast for any number."""
    assert len(preference_grid(3, MAX_SPREAD + 1)) == 190
    assert len(preference_grid(4, 300)) == 286


def test_a_grid_may_be_changed_by_who_asked_for_it() -> None:
    grid = preference_grid(3, 5)
    expected = grid.copy()
    grid[:] = 0.0
    assert_array_equal(preference_grid(3, 5), expected)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [4, 11, 35])
def test_every_row_is_a_preference_and_every_corner_is_there(objectives: int, count: int) -> None:
    grid = preference_grid(objectives, count)
    assert (grid >= 0.0).all()
    assert_allclose(grid.sum(axis=1), 1.0)
    for corner in np.eye(objectives):
        assert (np.abs(grid - corner).max(axis=1) < 1e-12).any()


def test_a_single_objective_has_a_single_preference() -> None:
    assert_array_equal(preference_grid(1, 101), [[1.0]])


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_fewer_preferences_than_objectives_are_refused(objectives: int) -> None:
    with pytest.raises(InputError, match=f"at least {objectives} preferences"):
        preference_grid(objectives, objectives - 1)
    assert len(preference_grid(objectives, objectives)) == objectives
