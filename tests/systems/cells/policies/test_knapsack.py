"""The exact front against all choices there are, its hull, and the simplest ways to share blocks."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.systems.cells.policies.knapsack import (
    ExactFront,
    best_for,
    exact_front,
    greedy_choice,
    lagrangian_front,
    universal_fit,
)
from mecsim.systems.cells.policies.snapshot import Snapshot, snapshot_of
from mecsim.systems.cells.scenario import CellsScenario
from tests.one_system import draw_cells
from tests.systems.cells.snapshots import all_choices, cell_snapshot, small_snapshots, snapshot_of_levels

TRIED = settings(max_examples=100, deadline=None)
PRECISION = 1e-9

LINEAR = snapshot_of_levels(5.0 * np.tile([0.1, 0.2, 0.3], (4, 1)), np.tile([1, 2, 3], (4, 1)), 12)
"""All steps of all users gain alike, but for rounding."""


def least_blocks(used: NDArray[np.int64], satisfaction: NDArray[np.float64]) -> dict[int, float]:
    """Of points, those that no other dominates, as {used: satisfaction}, by ascending use."""
    found: dict[int, float] = {}
    best = -1.0
    for blocks in np.unique(used):
        most = satisfaction[used == blocks].max()
        if most > best + PRECISION:
            found[int(blocks)] = best = most
    return found


def corners(front: ExactFront) -> list[int]:
    """Used blocks at the corners of the upper convex hull of a front's points."""
    hull: list[tuple[int, float]] = []
    for blocks, satisfaction in zip(front.used_blocks.tolist(), front.satisfaction.tolist(), strict=True):
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (y1 - y0) * (blocks - x1) > (satisfaction - y1) * (x1 - x0) + PRECISION:
                break
            hull.pop()
        hull.append((blocks, satisfaction))
    return [blocks for blocks, _ in hull]


@given(small_snapshots())
@TRIED
@example(LINEAR)
def test_the_exact_front_is_that_of_all_choices(snapshot: Snapshot) -> None:
    every = all_choices(snapshot)
    expected = least_blocks(snapshot.used_blocks(every), snapshot.values(every)[:, 0])
    front = exact_front(snapshot)
    assert_array_equal(front.used_blocks, list(expected))
    assert_allclose(front.satisfaction, list(expected.values()), rtol=0.0, atol=PRECISION)


@given(small_snapshots())
@TRIED
@example(LINEAR)
@example(cell_snapshot(60, 150, 0))
def test_choices_fit_and_reach_their_points(snapshot: Snapshot) -> None:
    for front in (exact_front(snapshot), lagrangian_front(snapshot)):
        choice = front.choices()
        assert choice.shape == (len(front), snapshot.users)
        assert snapshot.feasible(choice).all()
        assert_array_equal(snapshot.used_blocks(choice), front.used_blocks)
        assert_allclose(snapshot.values(choice), front.values, rtol=0.0, atol=PRECISION)
        assert (np.diff(front.used_blocks) > 0).all()
        assert (np.diff(front.satisfaction) > 0.0).all()
        assert_array_equal(front.choices([-1, 0]), choice[[-1, 0]])
        assert_array_equal(front.choices(0), choice[:1])


@given(small_snapshots())
@TRIED
@example(LINEAR)
@example(cell_snapshot(60, 10_000, 1))
@example(cell_snapshot(60, 150, 2))
def test_supported_points_are_the_hull_of_the_exact_front(snapshot: Snapshot) -> None:
    """As far as they go: beyond the first step that does not fit, the hull has further corners."""
    exact, hull = exact_front(snapshot), lagrangian_front(snapshot)
    at = np.searchsorted(exact.used_blocks, hull.used_blocks)
    assert_array_equal(exact.used_blocks[at], hull.used_blocks)
    assert_allclose(exact.satisfaction[at], hull.satisfaction, rtol=0.0, atol=PRECISION)
    expected = corners(exact)
    assert {blocks for blocks in expected if blocks <= hull.used_blocks[-1]} <= set(hull.used_blocks.tolist())
    edges = np.interp(hull.used_blocks, expected, exact.satisfaction[np.searchsorted(exact.used_blocks, expected)])
    assert_allclose(hull.satisfaction, edges, rtol=0.0, atol=PRECISION)
    if snapshot.capacity >= snapshot.blocks.max(axis=1).sum():
        assert hull.used_blocks[-1] == exact.used_blocks[-1]


@given(small_snapshots(), st.floats(0.0, 1.0))
@TRIED
def test_the_best_for_a_weighting_is_the_best_of_all_choices(snapshot: Snapshot, share: float) -> None:
    weights = np.array([share / 5.0, 1.0 - share])
    choice = best_for(snapshot, weights)
    assert snapshot.feasible(choice)
    every = snapshot.values(all_choices(snapshot)) @ weights
    assert snapshot.values(choice) @ weights == pytest.approx(every.max(), abs=PRECISION)


@pytest.mark.parametrize("capacity", [0, 40, 150, 10_000])
def test_more_capacity_extends_the_front_and_changes_nothing_else(capacity: int) -> None:
    small, large = (exact_front(cell_snapshot(40, blocks, 3)) for blocks in (capacity, capacity + 20))
    assert small.used_blocks[-1] <= capacity
    assert_array_equal(large.used_blocks[: len(small)], small.used_blocks)
    assert_allclose(large.satisfaction[: len(small)], small.satisfaction, rtol=1e-12)
    assert len(large) >= len(small)


def test_a_large_snapshot_is_solved_to_the_bound_of_its_hull() -> None:
    """The gap between the exact front and the hull is less than the largest step of a single user."""
    snapshot = cell_snapshot(1000, 2000, 4)
    exact, hull = exact_front(snapshot), lagrangian_front(snapshot)
    assert len(exact) > 1000
    bound = np.interp(exact.used_blocks, hull.used_blocks, hull.satisfaction)
    inside = exact.used_blocks <= hull.used_blocks[-1]
    assert (exact.satisfaction <= bound + PRECISION)[inside].all()
    assert (exact.satisfaction >= bound - 5.0 / 1000)[inside].all()
    last = exact.choices(-1)
    assert_allclose(snapshot.values(last)[0], exact.values[-1], rtol=1e-12)


def test_gains_that_are_rounding_make_no_points() -> None:
    """0.1 + 0.2 is more than 0.3 in floats: it is no reason to use a fourth block."""
    snapshot = snapshot_of_levels([[0.3], [0.1], [0.2]], [[3], [2], [2]], 4)
    assert 0.1 + 0.2 > 0.3
    front = exact_front(snapshot)
    assert_array_equal(front.used_blocks, [0, 2, 3])
    assert_allclose(front.satisfaction * 3.0, [0.0, 0.2, 0.3])


def test_universal_fit_serves_in_the_order_of_arrival() -> None:
    """Who demands what no longer fits gets nothing; who comes later may still fit; who is out of reach never does."""
    ratings = np.tile([1.0, 5.0], (5, 1))
    blocks = [[1, 4], [1, 5], [2, 4], [1, 1], [1, 2]]
    snapshot = snapshot_of_levels(ratings, blocks, 10, [[True, True]] * 3 + [[False, False], [True, True]])
    assert_array_equal(universal_fit(snapshot), [2, 2, 0, 0, 0])
    assert_array_equal(universal_fit(snapshot, level=1), [1, 1, 1, 0, 1])
    assert_allclose(snapshot.values(universal_fit(snapshot)[None]), [[2.0, 1.0 - 9.0 / 16.0]])
    with pytest.raises(InputError, match="expected a level from 0 to 2, got 3"):
        universal_fit(snapshot, level=3)


@given(small_snapshots(), st.floats(0.0, 1.0))
@TRIED
def test_greedy_gives_each_in_turn_the_best_that_fits(snapshot: Snapshot, share: float) -> None:
    weights = np.array([share, 1.0 - share])
    choice = greedy_choice(snapshot, weights)
    assert snapshot.feasible(choice)
    scores = snapshot.scores(weights)
    free = snapshot.capacity
    for user, level in enumerate(choice):
        assert scores[user, level] == scores[user][snapshot.blocks[user] <= free].max()
        free -= snapshot.blocks[user, level]


def test_greedy_follows_the_weights() -> None:
    snapshot = cell_snapshot(50, 10_000, 5)
    [[all_satisfied, _], [_, all_saved]] = snapshot.values(
        np.stack([greedy_choice(snapshot, np.array(weights)) for weights in ([1.0, 0.0], [0.0, 1.0])])
    )
    assert all_satisfied == pytest.approx(5.0)
    assert all_saved == 1.0


def test_values_are_means_and_saved_shares() -> None:
    snapshot = snapshot_of_levels([[1.0, 4.0], [2.0, 5.0]], [[1, 3], [2, 5]], 4)
    choice = np.array([[0, 0], [2, 0], [1, 2], [2, 2]])
    assert_allclose(snapshot.values(choice), [[0.0, 1.0], [2.0, 0.625], [3.0, 0.25], [4.5, 0.0]])
    assert_array_equal(snapshot.feasible(choice), [True, True, False, False])


@pytest.mark.parametrize("predicted", [False, True])
def test_the_requests_of_an_episode_are_a_snapshot(predicted: bool) -> None:
    scenario = CellsScenario.model_validate(
        {"mecsim": 1, "kind": "cells", "episode": {"requests": 30}, "cells": {"distance": "1500 m"}}
    )
    tapes = draw_cells(scenario, 0, 0, 8)
    for episode in range(len(tapes)):
        snapshot = snapshot_of(tapes, episode, 50, predicted)
        reachable = tapes.cqi[episode, :, 0] > 0
        assert_array_equal(snapshot.blocks[:, 1:], tapes.blocks[episode, :, 0])
        assert_array_equal(snapshot.valid[:, 1:], np.tile(reachable[:, None], (1, 5)))
        ratings = (tapes.predicted if predicted else tapes.satisfaction)[episode]
        assert_array_equal(snapshot.satisfaction[reachable, 1:], ratings[reachable])
        exact_front(snapshot)
    assert (tapes.cqi[:, :, 0] == 0).any()


def test_nothing_is_used_where_nobody_demands_anything() -> None:
    snapshot = snapshot_of_levels([[1.0], [1.0]], [[0], [0]], 4, [[False], [False]])
    assert_allclose(exact_front(snapshot).values, [[0.0, 1.0]])
    assert_allclose(lagrangian_front(snapshot).values, [[0.0, 1.0]])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"blocks": np.zeros((2, 1), np.int64)}, "at least one user and two levels"),
        ({"satisfaction": np.zeros((2, 3))}, r"expected satisfaction of the shape of blocks, \(2, 2\)"),
        ({"valid": np.zeros((2, 2), np.bool_)}, "level 0 is a rejection"),
        ({"satisfaction": np.array([[0.0, 1.0], [0.0, np.nan]])}, "expected finite satisfaction"),
        ({"satisfaction": np.array([[0.0, 1.0], [0.0, -1.0]])}, "expected finite satisfaction"),
        ({"blocks": np.array([[0, 1], [0, -1]])}, "no negative blocks"),
        ({"capacity": -1}, "no negative capacity"),
    ],
)
def test_what_is_no_snapshot_is_refused(change: dict[str, Any], told: str) -> None:
    parts = {
        "satisfaction": np.array([[0.0, 1.0], [0.0, 2.0]]),
        "blocks": np.array([[0, 1], [0, 3]]),
        "valid": np.ones((2, 2), np.bool_),
        "capacity": 2,
    }
    with pytest.raises(InputError, match=told):
        Snapshot(**{**parts, **change})


def test_too_much_for_the_exact_front_is_refused() -> None:
    many_levels = snapshot_of_levels(np.linspace(0.0, 5.0, 300)[None], np.arange(1, 301)[None], 300)
    with pytest.raises(InputError, match="expected at most 255 levels, got 300"):
        exact_front(many_levels)
    dear = snapshot_of_levels([[5.0]] * 50, [[10**9]] * 50, 10**10)
    with pytest.raises(InputError, match="more than 4 GiB"):
        exact_front(dear)
    assert len(lagrangian_front(dear)) == 11
