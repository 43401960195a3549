"""Snapshot optimisers at each arrival: exact and evolved fronts, what is chosen on them, what they may know."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike, NDArray

from mecsim.policies import calibrate, named_policy
from mecsim.scenario import with_context
from mecsim.sweep.indicators import hypervolume
from mecsim.systems.cells.layout import cells_spec, mean_durations_s
from mecsim.systems.cells.policies import fronts as cell_fronts
from mecsim.systems.cells.policies.fronts import Finder, SnapshotPolicy, evolving_finder, exact_finder, fitting_option
from mecsim.systems.cells.policies.knapsack import exact_front
from mecsim.systems.cells.policies.snapshot import Snapshot
from mecsim.systems.cells.policies.snapshot_nsga2 import SnapshotNsga2Config
from mecsim.systems.cells.policies.window import Window, episode_of
from mecsim.systems.cells.scenario import CellsScenario
from tests.one_system import cells_scenario, draw_cells
from tests.one_system import play_cells as play
from tests.systems.cells.snapshots import all_choices, cell_snapshot, small_snapshots, snapshot_of_levels

QUICK = with_context(cells_scenario("personalized-quick"), {"episode.requests": "30"})
TYPICAL = with_context(QUICK, {"satisfaction.predictor": "typical"})
CITY = with_context(cells_scenario("personalized-city"), {"episode.requests": "60", "users.count": "50"})
WANTED = np.array([0.7, 0.3])
BUDGET = SnapshotNsga2Config(population=8, generations=2)


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_fronts, "_REMEMBERED", {})


def windows_of(scenario: CellsScenario, episodes: int = 2) -> Iterator[list[Window]]:
    tapes = draw_cells(scenario, 0, 0, episodes)
    spec, mean_duration_s = cells_spec(scenario), mean_durations_s(scenario)
    for n in range(episodes):
        episode = episode_of(tapes, n, mean_duration_s, spec.blocks)
        yield [episode.window(m) for m in range(len(episode))]


def window_of(snapshot: Snapshot, worth: ArrayLike = (1.0, 1.0)) -> Window:
    return Window(snapshot, np.arange(snapshot.users), 0, np.array(worth))


def levels_at(window: Window, finder: Finder, shares: ArrayLike) -> NDArray[np.int64]:
    """The level of the last user for each share of satisfaction in the weighting."""
    levels = cell_fronts._padded([[cell_fronts._segments(window, finder)]] * len(np.asarray(shares)))
    return levels.at(0, np.asarray(shares))


@pytest.mark.parametrize("seed", range(30))
def test_the_level_is_that_of_a_best_choice_of_all(seed: int) -> None:
    snapshot = cell_snapshot(4, 12, seed, levels=3)
    window = window_of(snapshot, np.random.default_rng(seed).uniform(0.1, 3.0, 2))
    every = all_choices(snapshot)
    values = snapshot.values(every) * window.worth
    shares = np.linspace(0.0, 1.0, 41)
    for share, level in zip(shares, levels_at(window, exact_finder(np.random.default_rng()), shares), strict=True):
        total = values @ [share, 1.0 - share]
        assert total[every[:, -1] == level].max() >= total.max() - 1e-9


@given(small_snapshots())
@settings(max_examples=80, deadline=None)
def test_levels_of_all_kinds_of_snapshots(snapshot: Snapshot) -> None:
    """Also with levels that cost nothing, are dominated or do not exist."""
    every = all_choices(snapshot)
    for share in (0.05, 0.5, 0.95):
        [level] = levels_at(window_of(snapshot), exact_finder(np.random.default_rng()), [share])
        total = snapshot.values(every) @ [share, 1.0 - share]
        assert total[every[:, -1] == level].max() >= total.max() - 1e-9


def test_scarce_blocks_are_kept_for_whom_they_satisfy_more() -> None:
    """Alone the last user would take level 2; the others gain more from the blocks."""
    snapshot = snapshot_of_levels([[1.0, 5.0], [1.0, 5.0], [1.0, 2.0]], [[1, 4], [1, 4], [1, 4]], 9)
    assert levels_at(window_of(snapshot), exact_finder(np.random.default_rng()), [0.9]).tolist() == [1]
    alone = snapshot_of_levels([[1.0, 2.0]], [[1, 4]], 9)
    assert levels_at(window_of(alone), exact_finder(np.random.default_rng()), [0.9]).tolist() == [2]


def test_where_all_fits_each_request_gets_what_is_best_for_it() -> None:
    ample = with_context(QUICK, {"cells.blocks": "200"})
    scale, (weight, other) = calibrate(ample).scale, WANTED
    tapes = draw_cells(ample, 0, 0, 6)
    mean_duration_s = mean_durations_s(ample)
    duration_s = mean_duration_s[tapes.application]
    demand = np.cumsum(tapes.blocks[:, :, 0, -1] * duration_s, axis=1) / np.arange(1, 31)
    blocks = np.concatenate([np.zeros((6, 30, 1)), tapes.blocks[:, :, 0] * duration_s[..., None]], axis=2)
    ratings = np.concatenate([np.zeros((6, 30, 1)), tapes.predicted], axis=2)
    reached = np.concatenate([np.ones((6, 30, 1)), tapes.blocks[:, :, 0]], axis=2) > 0
    worth = weight * ratings / scale[0] - other * blocks / demand[..., None] / scale[1]
    records = play(named_policy("exact", ample)(0), ample, tapes, WANTED).records
    assert_array_equal(records.level, np.where(reached, worth, -np.inf).argmax(axis=2))
    assert len(np.unique(records.level)) > 2


def test_a_level_that_fits_nowhere_becomes_the_next_lower_one() -> None:
    mask = np.array(
        [[1, 1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1, 0], [1, 1, 0, 0, 1, 1, 1], [1, 0, 0, 0, 0, 0, 0]], np.int8
    )  # two candidates with three levels
    assert fitting_option(np.array([3, 3, 3, 3]), mask, 3).tolist() == [3, 5, 6, 0]
    assert fitting_option(np.array([1, 1, 2, 1]), mask, 3).tolist() == [1, 1, 5, 0]
    assert fitting_option(np.zeros(4, np.int64), mask, 3).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("name", ["exact", "exact-oracle", "greedy", "greedy-oracle"])
def test_only_an_oracle_knows_the_truth(name: str) -> None:
    tapes = draw_cells(TYPICAL, 0, 0, 8)
    turned = dataclasses.replace(tapes, satisfaction=5.0 - tapes.satisfaction)
    mistaken = dataclasses.replace(tapes, predicted=5.0 - tapes.predicted)
    options = [
        play(named_policy(name, TYPICAL)(0), TYPICAL, t, WANTED).records.option for t in (tapes, turned, mistaken)
    ]
    knows = name.endswith("-oracle")
    assert (options[1] == options[0]).all() == (not knows)
    assert (options[2] == options[0]).all() == knows


@pytest.mark.parametrize("scenario", [TYPICAL, CITY], ids=["quick", "city"])
@pytest.mark.parametrize("name", ["exact", "greedy"])
def test_an_oracle_plays_as_if_the_predictor_were_right(name: str, scenario: CellsScenario) -> None:
    tapes = draw_cells(scenario, 0, 0, 8)
    right = dataclasses.replace(tapes, predicted=tapes.satisfaction)
    oracle = play(named_policy(f"{name}-oracle", scenario)(0), scenario, tapes, WANTED).records.option
    assert_array_equal(oracle, play(named_policy(name, scenario)(0), scenario, right, WANTED).records.option)


@pytest.mark.parametrize("objective", ["satisfaction", "saved_resources"])
def test_a_single_objective_is_enough(objective: str) -> None:
    scenario = with_context(QUICK, {"objectives": f"[{objective}]"})
    tapes = draw_cells(scenario, 0, 0, 2)
    for name in ("exact", "greedy-oracle"):
        level = play(named_policy(name, scenario)(0), scenario, tapes, np.ones(1)).records.level
        assert (level > 0).any() == (objective == "satisfaction")


def test_fronts_are_found_once_for_all_preferences_of_the_same_episodes() -> None:
    found = []

    def counting(rng: np.random.Generator) -> Finder:
        find = exact_finder(rng)

        def counted(window: Window) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
            found.append(window)
            return find(window)

        return counted

    for preference in ([0.2, 0.8], [0.8, 0.2]):
        tapes = draw_cells(QUICK, 0, 0, 3).select(slice(0, 3))
        play(SnapshotPolicy(QUICK, counting, "counted", 0), QUICK, tapes, np.array(preference))
        assert len(found) == 3 * 30
    play(SnapshotPolicy(QUICK, counting, "counted", 0), QUICK, draw_cells(QUICK, 1, 0, 3), WANTED)
    assert len(found) == 6 * 30


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_fronts, "REMEMBERED", 2)
    for first in range(4):
        play(named_policy("exact", QUICK)(0), QUICK, draw_cells(QUICK, 0, first, 1), WANTED)
        assert len(cell_fronts._REMEMBERED) == min(first + 1, 2)


def test_evolved_fronts_never_exceed_the_exact_one_and_are_better_where_they_go_on_from_the_last() -> None:
    budget = SnapshotNsga2Config(population=20, generations=2)
    volume = {"warm": 0.0, "cold": 0.0}
    for windows in windows_of(CITY):
        warm = evolving_finder(np.random.default_rng(0), budget)
        for number, window in enumerate(windows):
            exact = exact_front(window.snapshot)
            for name, find in (("warm", warm), ("cold", evolving_finder(np.random.default_rng(number), budget))):
                values, level = find(window)
                assert window.snapshot.valid[-1, level].all()
                below = np.searchsorted(-exact.values[:, 1], -values[:, 1] + 1e-12, side="right") - 1
                assert (values[:, 0] <= exact.satisfaction[below] + 1e-9).all()
                volume[name] += hypervolume(-values, np.zeros(2)) / len(windows)
    assert volume["warm"] > volume["cold"]


def test_the_seed_decides_what_nsga2_does(monkeypatch: pytest.MonkeyPatch) -> None:
    tapes = draw_cells(QUICK, 0, 0, 3)
    totals = []
    for seed in (0, 0, 1):
        monkeypatch.setattr(cell_fronts, "_REMEMBERED", {})
        policy = SnapshotPolicy(QUICK, lambda rng: evolving_finder(rng, BUDGET), "small", seed)
        totals.append(play(policy, QUICK, tapes, WANTED).totals)
    assert_array_equal(totals[0], totals[1])
    assert (totals[0] != totals[2]).any()


def test_both_engines_play_alike() -> None:
    tapes = draw_cells(QUICK, 0, 0, 2)
    for name in ("exact", "greedy-oracle"):
        one, other = (
            play(named_policy(name, QUICK)(0), QUICK, tapes, WANTED, engine) for engine in ("batched", "simpy")
        )
        assert_allclose(one.totals, other.totals, rtol=1e-9)
