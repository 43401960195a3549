"""Preference grids: on the simplex, as many as asked for, corners included."""

from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.errors import InputError
from mecsim.sweep import preference_grid


def test_two_objectives_take_equal_steps_from_one_corner_to_the_other():
    assert_allclose(preference_grid(2, 5), [[0, 1], [0.25, 0.75], [0.5, 0.5], [0.75, 0.25], [1, 0]])
    grid = preference_grid(2, 101)
    assert grid.shape == (101, 2)
    assert_allclose(np.diff(grid[:, 0]), 0.01)
    assert_array_equal(preference_grid(2, 2), [[0.0, 1.0], [1.0, 0.0]])


@pytest.mark.parametrize("objectives", [3, 4])
@pytest.mark.parametrize("count", [5, 10, 20, 101, 300])
def test_more_objectives_get_the_finest_lattice_that_is_not_larger(objectives, count):
    grid = preference_grid(objectives, count)
    partitions = max(p for p in range(1, 30) if comb(p + objectives - 1, objectives - 1) <= count)
    assert len(grid) == comb(partitions + objectives - 1, objectives - 1)
    assert len(np.unique(grid.round(9), axis=0)) == len(grid)
    assert_allclose(grid * partitions, (grid * partitions).round(), atol=1e-9)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [4, 11, 84])
def test_every_row_is_a_preference_and_every_corner_is_there(objectives, count):
    grid = preference_grid(objectives, count)
    assert (grid >= 0.0).all()
    assert_allclose(grid.sum(axis=1), 1.0)
    for corner in np.eye(objectives):
        assert (np.abs(grid - corner).max(axis=1) < 1e-12).any()


def test_a_single_objective_has_a_single_preference():
    assert_array_equal(preference_grid(1, 101), [[1.0]])


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_fewer_preferences_than_objectives_are_refused(objectives):
    with pytest.raises(InputError, match=f"at least {objectives} preferences"):
        preference_grid(objectives, objectives - 1)
    assert len(preference_grid(objectives, objectives)) == objectives
