"""The snapshot of those who are expected to share the cell with a request."""

import dataclasses
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.scenario import with_context
from mecsim.systems.cells.layout import cells_spec, mean_durations_s
from mecsim.systems.cells.policies.window import Episode, episode_of
from tests.one_system import cells_scenario, draw_cells


def drawn(name: str, changes: dict[str, str] | None = None, episodes: int = 4, **how: Any) -> list[Episode]:
    scenario = with_context(cells_scenario(name), changes or {})
    tapes = draw_cells(scenario, 0, 0, episodes)
    spec, mean_duration_s = cells_spec(scenario), mean_durations_s(scenario)
    return [episode_of(tapes, n, mean_duration_s, spec.blocks, **how) for n in range(episodes)]


def test_those_are_present_who_came_within_the_duration_of_their_application() -> None:
    episode = Episode(
        arrival_s=np.array([0.0, 10.0, 20.0, 30.0, 50.0]),
        mean_duration_s=np.array([100.0, 25.0, 100.0, 20.0, 10.0]),
        cell=np.array([0, 0, 1, 0, 0]),
        blocks=np.array([[1, 4], [2, 3], [5, 6], [0, 0], [1, 1]]),
        ratings=np.tile([2.0, 4.0], (5, 1)),
        capacity=7,
        asked=np.ones(5, np.bool_),
    )
    assert [episode.window(request).requests.tolist() for request in range(5)] == [[0], [0, 1], [2], [0, 1, 3], [0, 4]]
    window = episode.window(3)
    assert (window.cell, window.snapshot.capacity) == (0, 7)
    assert_array_equal(window.snapshot.blocks, [[0, 1, 4], [0, 2, 3], [0, 0, 0]])
    assert_array_equal(window.snapshot.valid, [[True, True, True], [True, True, True], [True, False, False]])
    weight = np.array([0.01, 0.04, 0.05]) / (0.1 / 3)  # 1/duration, one on the mean
    assert_allclose(window.snapshot.satisfaction[:, 2], [4.0 * weight[0], 4.0 * weight[1], 0.0])


def test_values_times_worth_are_ratings_per_second_and_saved_block_seconds_as_a_share_of_a_request_s_demand() -> None:
    for episode in drawn("personalized-city", {"episode.requests": "120"}):
        window = episode.window(119)
        users, snapshot = window.requests, window.snapshot
        rng = np.random.default_rng(0)
        level = np.where(snapshot.valid[:, 1], rng.integers(0, 6, len(users)), 0)
        rating = np.where(level > 0, episode.ratings[users, level - 1], 0.0)
        per_s = (rating / episode.mean_duration_s[users]).sum()
        saved = (episode.blocks[users, -1] - snapshot.blocks[np.arange(len(users)), level]).sum()
        demand_block_s = (episode.blocks[:, -1] * episode.mean_duration_s).mean()
        assert_allclose(snapshot.values(level[None])[0] * window.worth, [per_s, saved / demand_block_s])


def test_as_many_are_present_as_the_offered_load_on_the_mean() -> None:
    load = 6.0
    changes = {"service.load": str(load), "episode.requests": "400", "users.count": "300"}
    sizes = [len(e.window(m).requests) for e in drawn("personalized-cell", changes, 16) for m in range(150, 400, 5)]
    assert_allclose(np.mean(sizes) - 1.0, load, rtol=0.1)  # beside the request itself: arrivals see time averages


def test_a_window_knows_nothing_of_what_comes_later() -> None:
    episode = drawn("personalized-quick", episodes=1)[0]
    cut = {
        field.name: getattr(episode, field.name)[:31] for field in dataclasses.fields(Episode)
        if field.name != "capacity"
    }  # fmt: skip
    early, late = dataclasses.replace(episode, **cut).window(30), episode.window(30)
    assert_array_equal(early.requests, late.requests)
    assert_array_equal(early.worth, late.worth)
    assert_array_equal(early.snapshot.satisfaction, late.snapshot.satisfaction)


def test_ratings_are_predicted_unless_the_truth_is_asked_for() -> None:
    changes = {"satisfaction.predictor": "typical"}
    scenario = with_context(cells_scenario("personalized-quick"), changes)
    tapes = draw_cells(scenario, 0, 0, 4)
    assert (tapes.predicted != tapes.satisfaction).any()
    for truth, ratings in ((False, tapes.predicted), (True, tapes.satisfaction)):
        for n, episode in enumerate(drawn("personalized-quick", changes, truth=truth)):
            assert_array_equal(episode.ratings, ratings[n])


def test_who_is_out_of_reach_can_be_rejected_only() -> None:
    one, cell = np.ones(1), np.zeros(1, np.int64)
    episode = Episode(one, one, cell, np.zeros((1, 3), np.int64), np.ones((1, 3)), 5, np.ones(1, np.bool_))
    window = episode.window(0)
    assert_array_equal(window.snapshot.valid, [[True, False, False, False]])
    assert_array_equal(window.worth, [1.0, 0.0])
