"""Intervals by resampling episodes: right in width where theory knows it, narrow where targets share their noise."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike, NDArray

from mecsim.policies import Calibration
from mecsim.sweep import Front, half_width_95, half_width_95_of, hypervolume, preference_grid, ratio, resample
from mecsim.sweep import bootstrap as module

CALIBRATION = Calibration(np.array([2.0, 4.0]), np.array([3.0, 3.0]), "given")


def front_of(points: ArrayLike, noise: NDArray[np.float64], target: str = "one") -> Front:
    """Means `points` (K, 2); the same noise (episodes,) in all of them."""
    totals = np.asarray(points, float)[:, None, :] * (1.0 + noise)[None, :, None]
    return Front(target, preference_grid(2, len(totals)), totals)


NOISE = np.random.default_rng(1).normal(0.0, 0.2, 400)
POINTS = [[2.0, 0.5], [1.0, 1.0], [0.5, 2.0]]


def test_a_mean_cost_has_students_interval() -> None:
    front = front_of(POINTS, NOISE)
    cost = np.einsum("keo,ko->e", front.totals / CALIBRATION.scale, front.preferences) / 3
    found = resample(front, CALIBRATION)
    assert found.mean_cost.shape == (module.RESAMPLES,)
    assert found.mean_cost.mean() == pytest.approx(cost.mean(), rel=0.005)
    assert half_width_95_of(found.mean_cost) == pytest.approx(float(half_width_95(cost)), rel=0.1)


def test_a_hypervolume_has_the_interval_of_its_linear_approximation() -> None:
    front = front_of(POINTS, NOISE)
    volume = [hypervolume(np.array(POINTS) * (1.0 + shift), CALIBRATION.reference) for shift in (-0.01, 0.01)]
    slope = (volume[1] - volume[0]) / 0.02
    expected = abs(slope) * float(half_width_95(NOISE))
    assert half_width_95_of(resample(front, CALIBRATION).hypervolume) == pytest.approx(expected, rel=0.12)


def test_episodes_without_variation_leave_no_doubt() -> None:
    found = resample(front_of(POINTS, np.zeros(5)), CALIBRATION, resamples=7)
    assert_allclose(found.hypervolume, hypervolume(np.array(POINTS), CALIBRATION.reference))
    assert half_width_95_of(found.expected_utility) == pytest.approx(0.0, abs=1e-12)


def test_noise_that_two_targets_share_cancels_in_their_ratio() -> None:
    one, other = front_of(POINTS, NOISE), front_of(np.array(POINTS) * 1.1, NOISE, "other")
    found, reference = resample(one, CALIBRATION), resample(other, CALIBRATION)
    assert half_width_95_of(ratio(found.mean_cost, reference.mean_cost)) < 1e-9
    assert half_width_95_of(found.mean_cost) > 0.003
    unpaired = ratio(found.mean_cost, resample(other, CALIBRATION, seed=1).mean_cost)
    assert half_width_95_of(unpaired) > 0.01


def test_resamples_depend_on_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    front = front_of(POINTS, NOISE)
    whole = resample(front, CALIBRATION, resamples=20, seed=3)
    assert not np.array_equal(whole.mean_cost, resample(front, CALIBRATION, resamples=20, seed=4).mean_cost)
    monkeypatch.setattr(module, "DRAWS_AT_ONCE", 900)  # two at once
    cut = resample(front, CALIBRATION, resamples=20, seed=3)
    assert_allclose(cut.hypervolume, whole.hypervolume, rtol=1e-12)
    assert_allclose(cut.mean_cost, whole.mean_cost, rtol=1e-12)


def test_large_grids_have_fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORK", 9 * 150)
    assert len(resample(front_of(POINTS, NOISE), CALIBRATION).mean_cost) == 150
    monkeypatch.setattr(module, "WORK", 1)
    assert len(resample(front_of(POINTS, NOISE), CALIBRATION).mean_cost) == module.FEWEST_RESAMPLES


def test_what_has_no_interval_is_nan() -> None:
    alone = resample(front_of(POINTS, np.zeros(1)), CALIBRATION)
    assert np.isnan(half_width_95_of(alone.hypervolume))
    assert_array_equal(ratio(np.array([1.0, 2.0]), np.array([0.0, 4.0])), [np.nan, 0.5])
    assert np.isnan(half_width_95_of(np.array([1.0, np.nan])))
