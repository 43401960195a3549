"""Paths are followed, and random walks are in their stationary regime from the first moment on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mecsim.physics.mobility.paths import Paths, recorded_paths, uniform_places_m
from mecsim.physics.mobility.waypoint import mean_distance_m, random_waypoint
from mecsim.schema.units import Uniform

SQUARE = np.array([1000.0, 1000.0])


def at(paths: Paths, path: int, time_s: float) -> tuple[list[float], float]:
    place_m, travelled_m = paths.at(np.array([path]), np.array([time_s]))
    return place_m[0].tolist(), float(travelled_m[0])


def test_recorded_paths_by_hand() -> None:
    """Two users: one walks a corner of 3 m and 4 m, one has a single position."""
    user, time_s = np.array([0, 0, 0, 1]), np.array([10.0, 13.0, 15.0, 12.0])
    place_m = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0], [7.0, 7.0]])
    paths = recorded_paths(user, time_s, place_m, 2)
    assert at(paths, 0, -5.0) == ([0.0, 0.0], 0.0)  # held before the first sample
    assert at(paths, 0, 10.0) == ([0.0, 0.0], 0.0)
    assert at(paths, 0, 11.0) == ([1.0, 0.0], 1.0)
    assert at(paths, 0, 13.0) == ([3.0, 0.0], 3.0)
    assert at(paths, 0, 14.5) == ([3.0, 3.0], 6.0)
    assert at(paths, 0, 99.0) == ([3.0, 4.0], 7.0)  # held after the last one
    for time in (0.0, 12.0, 50.0):
        assert at(paths, 1, time) == ([7.0, 7.0], 0.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_positions_are_linear_between_samples(seed: int, users: int) -> None:
    """Against NumPy's interpolation."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 6, users)
    user = np.repeat(np.arange(users), counts)
    time_s = np.concatenate([np.sort(rng.choice(50, count, replace=False)) * 1.0 for count in counts])
    place_m = rng.uniform(-100.0, 100.0, (len(user), 2))
    path, when_s = rng.integers(0, users, 40), rng.uniform(-5.0, 60.0, 40)
    place, travelled = recorded_paths(user, time_s, place_m, users).at(path, when_s)
    for q in range(40):
        own = user == path[q]
        for axis in range(2):
            expected = np.interp(when_s[q], time_s[own], place_m[own, axis])
            assert place[q, axis] == pytest.approx(expected, rel=1e-12, abs=1e-9)
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(place_m[own], axis=0).T))])
        assert travelled[q] == pytest.approx(np.interp(when_s[q], time_s[own], along), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("area", [(1.0, 1.0), (2.0, 0.5), (1.0, 300.0), (1.0, 1e5)])
def test_mean_distance_in_a_rectangle(area: tuple[float, float]) -> None:
    ends = uniform_places_m(np.random.default_rng(6), (2, 400_000), np.array(area))
    sampled = np.hypot(*(ends[1] - ends[0]).T).mean()
    assert mean_distance_m(np.array(area)) == pytest.approx(sampled, rel=5e-3)


def test_mean_distance_of_the_unit_square() -> None:
    assert mean_distance_m(np.ones(2)) == pytest.approx(0.521405433, rel=1e-8)


WALKS = [
    (Uniform(1.0, 1.0), Uniform(0.0, 0.0)),
    (Uniform(0.5, 20.0), Uniform(0.0, 0.0)),
    (Uniform(2.0, 4.0), Uniform(0.0, 400.0)),
]


@pytest.mark.parametrize(("speed", "pause"), WALKS)
def test_nothing_drifts(speed: Uniform, pause: Uniform) -> None:
    """The spread of places and the mean speed are the same at the start and long after it."""
    walkers = 30_000
    paths = random_waypoint(np.random.default_rng(7), walkers, 2000.0, SQUARE, speed, pause)
    path = np.arange(walkers)
    spread, speeds = [], []
    for time_s in (0.0, 50.0, 1900.0):
        (place, before), (_, after) = (paths.at(path, np.full(walkers, time_s + later)) for later in (0.0, 0.1))
        assert (place >= 0.0).all()
        assert (place <= 1000.0).all()
        spread.append(((place - 500.0) ** 2).mean())
        speeds.append((after - before).mean() / 0.1)
    assert spread[0] < 0.99 * 1000.0**2 / 12.0  # denser in the middle than uniform places
    np.testing.assert_allclose(spread, spread[-1], rtol=0.02)
    np.testing.assert_allclose(speeds, speeds[-1], rtol=0.02)


def test_speeds_at_the_start_are_those_of_the_stationary_regime() -> None:
    """Without pauses the mean speed seen is the harmonic mean (v₁ − v₀)/ln(v₁/v₀), not the arithmetic one."""
    walkers = 100_000
    paths = random_waypoint(np.random.default_rng(8), walkers, 1.0, SQUARE, Uniform(1.0, 10.0), Uniform(0.0, 0.0))
    path, zero = np.arange(walkers), np.zeros(walkers)
    _, travelled = paths.at(path, zero + 0.01)
    assert travelled.mean() / 0.01 == pytest.approx(9.0 / np.log(10.0), rel=0.01)


def test_share_of_those_who_rest() -> None:
    """E[pause]/(E[pause] + E[distance]·E[1/speed]) of the walkers, at any time."""
    walkers = 50_000
    paths = random_waypoint(np.random.default_rng(9), walkers, 3000.0, SQUARE, Uniform(2.0, 4.0), Uniform(60.0, 300.0))
    resting = 180.0 / (180.0 + 521.405 * np.log(2.0) / 2.0)
    for time_s in (0.0, 777.0, 2900.0):
        (_, before), (_, after) = (paths.at(np.arange(walkers), np.full(walkers, t)) for t in (time_s, time_s + 1e-3))
        assert np.mean(after == before) == pytest.approx(resting, abs=0.01)


def test_rests_before_and_after_the_first_walk() -> None:
    """Who walks at time 0 rests afterwards like anybody; who is met resting is met in a long rest, in the midst of it.

    The rest of a rest that is met has the distribution function (E[min(pause, x)])/E[pause].
    """
    low, high = 20.0, 120.0
    paths = random_waypoint(np.random.default_rng(12), 40_000, 1.0, SQUARE, Uniform(1.0, 2.0), Uniform(low, high))
    _, walked_s, rested_s = (paths.time_s[paths.first[:-1] + point] for point in range(3))
    walking = walked_s > 0.0
    assert stats.kstest((rested_s - walked_s)[walking], stats.uniform(low, high - low).cdf).pvalue > 0.01

    def met(x: np.ndarray) -> np.ndarray:
        beyond = np.clip(x, low, high) - low
        return (np.minimum(x, low) + beyond - 0.5 * beyond**2 / (high - low)) / (0.5 * (low + high))

    assert stats.kstest(rested_s[~walking], met).pvalue > 0.01


def test_walks_cover_the_whole_episode() -> None:
    """Nobody stands still because the path has come to its end."""
    paths = random_waypoint(np.random.default_rng(10), 50, 1000.0, SQUARE, Uniform(30.0, 40.0), Uniform(0.0, 0.0))
    assert (paths.time_s[paths.first[1:] - 1] >= 1000.0).all()
    _, travelled = paths.at(np.arange(50), np.full(50, 1000.0))
    assert (travelled > 29_000.0).all()
