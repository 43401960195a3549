"""Indicators against examples by hand and against their plain definitions."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.policies import Calibration
from mecsim.sweep import Front, assess, half_width_95, hypervolume, mean_cost, on_front
from mecsim.sweep.indicators import expected_utility, igd_plus


def whole_points(
    objectives: int, low: int = 0, high: int = 6, most: int = 12
) -> st.SearchStrategy[NDArray[np.float64]]:
    """Small whole numbers, so that duplicates and ties are common."""
    rows = st.integers(1, most)
    numbers = st.integers(low, high).map(float)
    return rows.flatmap(lambda k: arrays(np.float64, (k, objectives), elements=numbers))


def dominated(points: NDArray[np.float64], index: int) -> bool:
    """Some other point is nowhere worse and somewhere better."""
    return any((other <= points[index]).all() and (other < points[index]).any() for other in points)


def test_on_front_by_hand() -> None:
    points = np.array([[1.0, 5.0], [2.0, 2.0], [2.0, 3.0], [5.0, 1.0], [1.0, 5.0], [5.0, 5.0]])
    assert_array_equal(on_front(points), [True, True, False, True, True, False])


@given(st.one_of(whole_points(1), whole_points(2), whole_points(3)))
def test_on_front_is_its_definition(points: NDArray[np.float64]) -> None:
    assert_array_equal(on_front(points), [not dominated(points, index) for index in range(len(points))])


def test_hypervolume_by_hand() -> None:
    points = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])
    assert hypervolume(points, np.array([4.0, 4.0])) == pytest.approx(3.0 + 2.0 + 1.0)
    assert hypervolume(points[:1], np.array([4.0, 4.0])) == pytest.approx(3.0)
    assert hypervolume(points, np.array([1.0, 1.0])) == 0.0


@given(st.integers(2, 3).flatmap(whole_points))
def test_hypervolume_is_that_of_pymoo(points: NDArray[np.float64]) -> None:
    from pymoo.indicators.hv import HV

    reference = np.full(points.shape[1], 5.0)
    inside = points[(points < reference).all(axis=1)]
    assert hypervolume(points, reference) == pytest.approx(HV(ref_point=reference)(inside) if len(inside) else 0.0)


def test_points_beyond_the_reference_add_nothing() -> None:
    points = np.array([[1.0, 3.0], [0.5, 4.0], [0.0, 9.0], [9.0, 0.0]])
    assert hypervolume(points, np.array([4.0, 4.0])) == pytest.approx(3.0)


@given(whole_points(2))
def test_hypervolume_is_the_area_under_the_staircase(points: NDArray[np.float64]) -> None:
    reference = np.array([5.0, 5.0])
    area, height = 0.0, reference[1]
    for x, y in sorted(map(tuple, points)):
        if x < reference[0] and y < height:
            area += (reference[0] - x) * (height - y)
            height = y
    assert hypervolume(points, reference) == pytest.approx(area)


@settings(max_examples=40)
@given(whole_points(3))
def test_hypervolume_counts_the_dominated_unit_cells(points: NDArray[np.float64]) -> None:
    cells = sum(any((point <= cell).all() for point in points) for cell in product(range(5), repeat=3))
    assert hypervolume(points, np.full(3, 5.0)) == pytest.approx(cells)


@pytest.mark.parametrize("objectives", [3, 4])
@given(st.data())
@settings(max_examples=25)
def test_hypervolume_is_that_of_a_union_of_boxes(objectives: int, data: st.DataObject) -> None:
    """By inclusion and exclusion: a set of boxes that share the reference point meets in a box again."""
    numbers = st.floats(0.0, 1.2, allow_subnormal=False)
    points = data.draw(arrays(np.float64, (data.draw(st.integers(1, 6)), objectives), elements=numbers))
    reference = np.linspace(0.7, 1.0, objectives)
    expected = 0.0
    for size in range(1, len(points) + 1):
        for some in combinations(points, size):
            sides = np.maximum(reference - np.max(some, axis=0), 0.0)
            expected -= (-1.0) ** size * sides.prod()
    assert hypervolume(points, reference) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("objectives", [3, 4])
def test_hypervolume_of_many_points_is_the_share_of_random_ones_behind_them(objectives: int) -> None:
    rng = np.random.default_rng(objectives)
    towards = np.abs(rng.standard_normal((60, objectives)))
    points = 1.0 - towards / np.linalg.norm(towards, axis=1, keepdims=True)
    reference = np.full(objectives, 1.0)
    anywhere = rng.random((40_000, objectives))
    behind = np.zeros(len(anywhere), np.bool_)
    for point in points:
        behind |= (point <= anywhere).all(axis=1)
    assert 0.05 < behind.mean() < 0.95
    assert hypervolume(points, reference) == pytest.approx(behind.mean(), abs=5.0 * 0.5 / np.sqrt(len(anywhere)))


def test_costs_by_hand() -> None:
    points, preferences = np.array([[100.0, 4.0], [300.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    scale = np.array([100.0, 2.0])
    assert mean_cost(points, preferences, scale) == pytest.approx((1.0 + 0.5) / 2)
    assert mean_cost(points[::-1], preferences, scale) == pytest.approx((3.0 + 2.0) / 2)
    assert expected_utility(points[::-1], preferences, scale) == pytest.approx((1.0 + 0.5) / 2)
    assert expected_utility(points, np.array([[0.5, 0.5]]), scale) == pytest.approx(1.5)


@given(whole_points(2, low=1), st.integers(0, 2**16))
def test_the_best_point_of_a_front_never_costs_more_than_the_asked_one(points: NDArray[np.float64], seed: int) -> None:
    preferences = np.random.default_rng(seed).dirichlet([1.0, 1.0], len(points))
    scale = np.array([3.0, 0.5])
    expected = np.mean([min(p @ (point / scale) for point in points) for p in preferences])
    assert expected_utility(points, preferences, scale) == pytest.approx(expected)
    assert expected <= mean_cost(points, preferences, scale) + 1e-12


def test_igd_plus_by_hand() -> None:
    best = np.array([[0.0, 10.0], [10.0, 0.0]])
    assert igd_plus(best, best) == 0.0
    assert igd_plus(np.array([[0.0, 20.0], [10.0, 0.0]]), best) == pytest.approx(0.5)  # one of two is 1 range away
    assert igd_plus(np.array([[-5.0, -5.0]]), best) == 0.0  # better is no distance


@given(whole_points(2), whole_points(2))
def test_igd_plus_is_its_formula(points: NDArray[np.float64], other: NDArray[np.float64]) -> None:
    best = np.unique(other[on_front(other)], axis=0)
    low, span = best.min(axis=0), np.ptp(best, axis=0)
    if len(best) == 1:
        span = np.where(low > 0.0, low, 1.0)
    distances = [min(np.linalg.norm(np.maximum(point - z, 0.0) / span) for point in points) for z in best]
    assert igd_plus(points, best) == pytest.approx(np.mean(distances))


@pytest.mark.parametrize("objectives", [1, 2])
def test_igd_plus_of_a_best_front_whose_points_are_all_equal_is_finite(objectives: int) -> None:
    best = np.full((3, objectives), 4.0)
    assert igd_plus(best, best) == 0.0
    assert igd_plus(np.full((1, objectives), 6.0), best) == pytest.approx(0.5 * np.sqrt(objectives))
    assert igd_plus(np.ones((1, objectives)), np.zeros((2, objectives))) == pytest.approx(np.sqrt(objectives))


def test_quality_puts_them_together() -> None:
    points = np.array([[1.0, 3.0], [1.0, 3.0], [2.0, 4.0], [3.0, 1.0]])
    front = Front("one", np.tile([0.5, 0.5], (4, 1)), points[:, None])
    found = assess([front], Calibration(np.array([2.0, 1.0]), np.array([4.0, 4.0]), "given"))["one"]
    assert found.cardinality == 3
    assert found.hypervolume == pytest.approx(3.0 + 2.0)
    assert found.mean_cost == pytest.approx(np.mean([1.75, 1.75, 2.5, 1.25]))
    assert found.expected_utility == pytest.approx(1.25)
    assert found.igd_plus == 0.0


def test_half_width_of_the_interval() -> None:
    assert half_width_95(np.array([1.0, 2.0, 3.0])) == pytest.approx(4.302653 / np.sqrt(3.0), rel=1e-6)
    values = np.arange(24.0).reshape(2, 4, 3) ** 2
    expected = [[3.182446 * np.std(values[i, :, j], ddof=1) / 2.0 for j in range(3)] for i in range(2)]
    assert_allclose(half_width_95(values, axis=1), expected)


def test_a_single_value_has_no_interval() -> None:
    single = half_width_95(np.ones((2, 1, 3)), axis=1)
    assert single.shape == (2, 3)
    assert np.isnan(single).all()
    assert np.isnan(half_width_95(np.ones(1)))
