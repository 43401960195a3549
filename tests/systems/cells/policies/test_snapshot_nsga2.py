"""NSGA-II on snapshots, against the exact front."""

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.sweep.indicators import hypervolume, on_front
from mecsim.systems.cells.policies.knapsack import exact_front
from mecsim.systems.cells.policies.snapshot import Snapshot
from mecsim.systems.cells.policies.snapshot_nsga2 import SnapshotNsga2Config, evolved_front, repaired
from tests.systems.cells.snapshots import all_choices, cell_snapshot, small_snapshots, snapshot_of_levels

SMALL = SnapshotNsga2Config(population=40, generations=60)
TEXTBOOK = SnapshotNsga2Config(population=40, generations=60, operators="textbook")


def volume(values: NDArray[np.float64]) -> float:
    return hypervolume(-values, np.zeros(2))


@pytest.mark.parametrize("config", [SMALL, TEXTBOOK], ids=["levels", "textbook"])
@pytest.mark.parametrize("capacity", [25, 40, 1000])
def test_what_it_finds_is_feasible_and_never_beyond_the_exact_front(config: SnapshotNsga2Config, capacity: int) -> None:
    snapshot = cell_snapshot(15, capacity, 0)
    found, exact = evolved_front(snapshot, 0, config), exact_front(snapshot)
    assert len(found.choices) > 1
    assert snapshot.feasible(found.choices).all()
    assert_allclose(found.values, snapshot.values(found.choices), rtol=0.0)
    assert on_front(-found.values).all()
    assert (np.diff(found.values[:, 0]) > 0.0).all()
    below = np.searchsorted(exact.used_blocks, snapshot.used_blocks(found.choices), side="right") - 1
    assert (found.values[:, 0] <= exact.satisfaction[below] + 1e-9).all()


@pytest.mark.parametrize("capacity", [25, 1000])
def test_a_small_budget_gets_close_on_a_small_snapshot(capacity: int) -> None:
    snapshot = cell_snapshot(15, capacity, 1)
    exact = volume(exact_front(snapshot).values)
    assert 0.95 * exact < volume(evolved_front(snapshot, 0, SMALL).values) <= exact * (1.0 + 1e-9)


def test_the_seed_decides() -> None:
    snapshot = cell_snapshot(15, 40, 3)
    first, again, other = (evolved_front(snapshot, seed, SMALL) for seed in (5, 5, 6))
    assert_array_equal(first.choices, again.choices)
    assert len(first.choices) != len(other.choices) or (first.choices != other.choices).any()


@given(small_snapshots())
@settings(max_examples=100, deadline=None)
def test_repaired_choices_are_feasible_and_no_level_rises(snapshot: Snapshot) -> None:
    choice = np.random.default_rng(0).integers(0, snapshot.top_level, (30, snapshot.users), endpoint=True)
    found = repaired(snapshot, choice, np.random.default_rng(1))
    assert snapshot.feasible(found).all()
    assert (found <= choice).all()
    every = all_choices(snapshot)
    assert_array_equal(repaired(snapshot, every, np.random.default_rng(2)), every)


def test_where_the_textbook_finds_nothing_that_fits_the_front_is_empty() -> None:
    """Out of reach at all levels: rejecting all fifty is a choice that so short a run does not meet."""
    snapshot = snapshot_of_levels(np.ones((50, 4)), np.ones((50, 4)), 10, np.zeros((50, 4), np.bool_))
    found = evolved_front(snapshot, 0, SnapshotNsga2Config(8, 2, "textbook"))
    assert found.choices.shape == (0, 50)
    assert found.values.shape == (0, 2)
    assert_allclose(evolved_front(snapshot, 0, SnapshotNsga2Config(8, 2)).values, [[0.0, 1.0]])


def test_a_run_goes_on_from_where_another_ended() -> None:
    snapshot = cell_snapshot(15, 40, 2)
    first = evolved_front(snapshot, 0, SMALL)
    assert first.population.shape == (40, 15)
    again = evolved_front(snapshot, 1, SnapshotNsga2Config(population=40, generations=1), first.population)
    assert_array_equal(again.values, first.values)
    best = exact_front(snapshot).choices()
    whole = evolved_front(snapshot, 1, SnapshotNsga2Config(len(best), 1), best)
    assert_allclose(whole.values, exact_front(snapshot).values)


def test_a_start_that_does_not_fit_is_repaired() -> None:
    snapshot = cell_snapshot(15, 25, 4)
    found = evolved_front(snapshot, 0, SnapshotNsga2Config(6, 1), np.full((6, 15), snapshot.top_level))
    assert len(found.choices) > 0
    assert snapshot.feasible(found.population).all()


def test_it_ends_where_there_is_nothing_new_to_try() -> None:
    snapshot = snapshot_of_levels([[3.0]], [[1]], 1)
    found = evolved_front(snapshot, 0, SnapshotNsga2Config(20, 50))
    assert_allclose(found.values, [[0.0, 1.0], [3.0, 0.0]])
