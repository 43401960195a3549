"""Gauss-Markov processes keep their variance and forget exponentially."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.physics.correlation import correlate


def process(coordinate: np.ndarray, scale: float, episodes: int, seed: int = 0) -> np.ndarray:
    """Samples of one user and one server, (N, M)."""
    tasks = len(coordinate)
    values = np.random.default_rng(seed).standard_normal((episodes, tasks, 1))
    order = np.broadcast_to(np.arange(tasks), (episodes, tasks)).copy()
    along = np.broadcast_to(coordinate, (episodes, tasks)).copy()
    correlate(values, order, np.zeros((episodes, tasks), np.int64), along, scale)
    return values[:, :, 0]


def test_autocovariance() -> None:
    """E[x_i·x_j] = e^{−|δ|/c}, whatever the distances of the samples."""
    coordinate = np.array([0.0, 0.3, 1.0, 1.05, 4.0])
    values = process(coordinate, 2.0, 400_000)
    expected = np.exp(-np.abs(coordinate[:, None] - coordinate) / 2.0)
    np.testing.assert_allclose(values.T @ values / len(values), expected, atol=8e-3)


def test_a_complex_field_and_its_power() -> None:
    """|h|² of a field of correlation ρ is exponential with mean 1 and autocovariance ρ²."""
    parts = np.random.default_rng(1).standard_normal((400_000, 2, 1, 2)) * np.sqrt(0.5)
    field = parts.view(np.complex128)[..., 0]
    order = np.broadcast_to(np.arange(2), (len(field), 2)).copy()
    time_s = np.broadcast_to([0.0, 3.0], (len(field), 2)).copy()
    correlate(field, order, np.zeros((len(field), 2), np.int64), time_s, 10.0)
    before, after = (np.abs(field[:, :, 0]) ** 2).T
    assert after.mean() == pytest.approx(1.0, abs=0.01)
    assert np.mean(after > 1.5) == pytest.approx(np.exp(-1.5), abs=4e-3)
    assert np.mean((before - 1.0) * (after - 1.0)) == pytest.approx(np.exp(-0.6), abs=0.015)


def test_no_distance_is_no_change_and_great_distance_forgets() -> None:
    values = process(np.array([0.0, 0.0, 1e9]), 1.0, 1000)
    np.testing.assert_array_equal(values[:, 0], values[:, 1])
    untouched = np.random.default_rng(0).standard_normal((1000, 3, 1))[:, 2, 0]
    np.testing.assert_array_equal(values[:, 2], untouched)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_each_user_has_a_process_in_the_order_of_dispatch(data: st.DataObject) -> None:
    """Against the recursion, user by user, written down in plain Python."""
    tasks, users, servers = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3)), 2
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    order = rng.permutation(tasks)[: data.draw(st.integers(0, tasks))]
    steps = np.full(20, -1)
    at = np.sort(rng.choice(20, len(order), replace=False))
    steps[at] = order
    user = rng.integers(0, users, tasks)
    coordinate = np.zeros(tasks)
    coordinate[order] = at
    scale = rng.uniform(0.5, 20.0, (1, tasks, servers))
    values = rng.standard_normal((1, tasks, servers))
    expected = values[0].copy()
    last: dict[int, int] = {}
    for task in order:
        if (before := last.get(user[task])) is not None:
            rho = np.exp(-(coordinate[task] - coordinate[before]) / scale[0, task])
            expected[task] = rho * expected[before] + np.sqrt(1.0 - rho**2) * values[0, task]
        last[user[task]] = task
    correlate(values, steps[None], user[None], coordinate[None], scale)
    np.testing.assert_allclose(values[0], expected, rtol=1e-12, atol=1e-14)
