"""Sizes have the moments they promise; the balanced mean loads the servers as it promises."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mecsim.physics.workload import SizeDistribution, balanced_mean_size_bit, unit_mean_sizes
from mecsim.systems.offload.draw.tapes import draw_tapes
from tests.one_system import offload_scenario
from tests.systems.offload.offloading import make_scenario

COUNT = 2_000_000


def draw(distribution: SizeDistribution, scv: float = 4.0) -> NDArray[np.float64]:
    return unit_mean_sizes(distribution, np.random.default_rng(2), (COUNT,), scv)


@pytest.mark.parametrize(
    ("distribution", "scv", "expected_scv"),
    [
        ("deterministic", 4.0, 0.0),
        ("exponential", 4.0, 1.0),
        ("uniform", 4.0, 1.0 / 3.0),
        ("hyperexponential", 1.5, 1.5),
        ("hyperexponential", 4.0, 4.0),
        ("hyperexponential", 20.0, 20.0),
    ],
)
def test_mean_and_variation(distribution: SizeDistribution, scv: float, expected_scv: float) -> None:
    sizes = draw(distribution, scv)
    assert sizes.shape == (COUNT,)
    assert (sizes >= 0.0).all()
    assert sizes.mean() == pytest.approx(1.0, rel=0.01)
    assert sizes.var() / sizes.mean() ** 2 == pytest.approx(expected_scv, rel=0.03)


def test_shapes_beyond_two_moments() -> None:
    assert np.mean(draw("exponential") > 2.0) == pytest.approx(np.exp(-2.0), rel=0.01)
    uniform = draw("uniform")
    assert uniform.max() < 2.0
    assert np.mean(uniform < 0.5) == pytest.approx(0.25, rel=0.01)
    p = 0.5 * (1.0 + np.sqrt(3.0 / 5.0))  # scv 4
    tail = p * np.exp(-2.0 * p * 3.0) + (1.0 - p) * np.exp(-2.0 * (1.0 - p) * 3.0)
    assert np.mean(draw("hyperexponential") > 3.0) == pytest.approx(tail, rel=0.02)


def test_balanced_mean_of_the_published_system() -> None:
    """Cloud 4 GHz, six edges of 2 GHz, 10 users, 0.1 tasks/s each, 1000 cycles/bit: 16 Mbit."""
    assert balanced_mean_size_bit(1.0, np.array(16e9), 1000.0, 10, 0.1) == pytest.approx(16e6)
    assert balanced_mean_size_bit(0.5, np.array(16e9), 1000.0, 10, 0.1) == pytest.approx(8e6)


@pytest.mark.parametrize("load", [0.4, 1.0])
def test_offered_load_is_what_the_scenario_says(load: float) -> None:
    """Work that arrives over what all servers of the episode can do in its time, without clipping."""
    scenario = make_scenario(
        users={"count": 20, "arrival_rate_per_s": 0.3}, tasks={"size": {"load": load, "clip_bit": None}}
    )
    tapes = draw_tapes(scenario, 6, 0, 256)
    seconds = scenario.episode.steps * scenario.episode.step_s
    offered = tapes.size_bit.sum(axis=1) * 1000.0 / (tapes.cpu_hz.sum(axis=1) * seconds)
    assert 3.0 * offered.std() / 16.0 < 0.02 * load
    assert offered.mean() == pytest.approx(load, rel=0.02)


def test_arrivals_are_poisson_and_users_uniform() -> None:
    scenario = offload_scenario("gmorl")
    tapes = draw_tapes(scenario, 6, 0, 1024)
    assert tapes.arrivals.mean() == pytest.approx(1.0, rel=0.02)
    assert tapes.arrivals.var() == pytest.approx(1.0, rel=0.02)
    assert np.mean(tapes.arrivals == 0) == pytest.approx(np.exp(-1.0), rel=0.02)
    exists = tapes.size_bit > 0.0
    np.testing.assert_array_equal(exists.sum(axis=1), tapes.arrivals.sum(axis=1))
    share = np.bincount(tapes.user[exists], minlength=10) / exists.sum()
    np.testing.assert_allclose(share, 0.1, rtol=0.05)


def test_sizes_are_clipped() -> None:
    tapes = draw_tapes(offload_scenario("gmorl-e6"), 6, 0, 512)
    sizes = tapes.size_bit[tapes.size_bit > 0.0]
    assert (sizes.min(), sizes.max()) == (0.1e6, 100e6)
    assert np.mean(sizes == 100e6) == pytest.approx(np.exp(-100.0 / 16.0), rel=0.15)
