"""Intervals by drawing episodes again: right in width where theory knows it, narrow where targets share their noise."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from mecsim.policies import Calibration
from mecsim.sweep import MEASURES, Front, estimates, half_width_95, hypervolume, preference_grid
from mecsim.sweep import bootstrap as module

CALIBRATION = Calibration(np.array([2.0, 4.0]), np.array([3.0, 3.0]), "given")


def front_of(points: ArrayLike, noise: NDArray[np.float64], target: str = "one") -> Front:
    """Means `points` (K, 2); the same noise (episodes,) in all of them."""
    totals = np.asarray(points, float)[:, None, :] * (1.0 + noise)[None, :, None]
    return Front(target, preference_grid(2, len(totals)), totals)


NOISE = np.random.default_rng(1).normal(0.0, 0.2, 400)
POINTS = [[2.0, 0.5], [1.0, 1.0], [0.5, 2.0]]


def test_a_mean_cost_has_students_interval() -> None:
    front = front_of(POINTS, NOISE[:200])  # so few are not drawn in groups
    cost = np.einsum("keo,ko->e", front.totals / CALIBRATION.scale, front.preferences) / 3
    found = estimates(front, CALIBRATION)["mean_cost"]
    assert found.resampled.shape == (module.RESAMPLES,)
    assert found.value == pytest.approx(cost.mean())
    assert_allclose(found.influence, cost - cost.mean(), atol=1e-12)
    assert found.ci95 == pytest.approx(float(half_width_95(cost)), rel=0.1)


def test_a_hypervolume_has_the_interval_of_its_linear_approximation() -> None:
    front = front_of(POINTS, NOISE)
    volume = [hypervolume(np.array(POINTS) * (1.0 + shift), CALIBRATION.reference) for shift in (-0.01, 0.01)]
    slope = (volume[1] - volume[0]) / 0.02
    found = estimates(front, CALIBRATION)["hypervolume"]
    assert found.ci95 == pytest.approx(abs(slope) * float(half_width_95(NOISE)), rel=0.12)


def test_intervals_of_skewed_costs_cover_more_than_percentiles_do() -> None:
    """40 episodes of costs whose logarithm is normal; a percentile interval is too short for them."""
    rng, trials, inside = np.random.default_rng(5), 250, np.zeros(2)
    truth = np.exp(0.5) / 2.0  # of the mean of such costs, at a mean weight of a half
    plain = Calibration(np.ones(2), np.ones(2), "given")
    for trial in range(trials):
        front = front_of([[1.0, 0.0]] * 2, rng.lognormal(0.0, 1.0, 40) - 1.0)
        found = estimates(front, plain, 200, trial)["mean_cost"]
        low, high = np.quantile(found.resampled, [0.025, 0.975])
        inside += [abs(found.value - truth) <= found.ci95, low <= truth <= high]
    assert inside[1] / trials < 0.9
    assert inside[0] > inside[1]
    assert inside[0] / trials > 0.89


def test_few_episodes_have_students_interval_of_the_jackknife() -> None:
    front = front_of(POINTS, NOISE[:5])
    found = estimates(front, CALIBRATION)["hypervolume"]
    without = [np.delete(front.totals, left_out, axis=1).mean(axis=1) for left_out in range(5)]
    volumes = np.array([hypervolume(points, CALIBRATION.reference) for points in without])
    jackknife = np.sqrt(4 / 5 * np.square(volumes - volumes.mean()).sum())
    assert found.ci95 == pytest.approx(stdtrit(4, 0.975) * jackknife)


def test_episodes_without_variation_leave_no_doubt() -> None:
    found = estimates(front_of(POINTS, np.zeros(50)), CALIBRATION, resamples=100)
    assert_allclose(found["hypervolume"].resampled, hypervolume(np.array(POINTS), CALIBRATION.reference))
    assert all(found[name].ci95 == pytest.approx(0.0, abs=1e-12) for name in MEASURES)


def test_points_beyond_the_reference_have_no_volume_and_no_interval_but_zero() -> None:
    found = estimates(front_of([[9.0, 9.0]] * 3, NOISE), CALIBRATION)["hypervolume"]
    assert (found.value, found.ci95) == (0.0, 0.0)


def test_a_rare_event_does_not_make_an_interval_endless() -> None:
    """One episode of 40 differs: a third of the resamples lack it and have no spread."""
    noise = np.zeros(40)
    noise[7] = 1.0
    found = estimates(front_of(POINTS, noise), CALIBRATION)["mean_cost"]
    assert found.ci95 == pytest.approx(stdtrit(39, 0.975) * found.influence.std(ddof=1) / np.sqrt(40))


def test_noise_that_two_targets_share_cancels_in_their_ratio() -> None:
    one, other = front_of(POINTS, NOISE), front_of(np.array(POINTS) * 1.1, NOISE, "other")
    found, reference = estimates(one, CALIBRATION)["mean_cost"], estimates(other, CALIBRATION)["mean_cost"]
    assert (found / reference).ci95 < 1e-9
    assert found.ci95 > 0.003
    assert (found - reference).ci95 == pytest.approx(0.1 * found.ci95, rel=1e-6)
    apart = found.ci95_of_difference(estimates(other, CALIBRATION, seed=1)["mean_cost"])
    assert apart == pytest.approx(np.hypot(found.ci95, reference.ci95), rel=0.15)


def test_resamples_depend_on_the_seed_alone() -> None:
    front = front_of(POINTS, NOISE)
    one, again, other = (estimates(front, CALIBRATION, 100, seed)["mean_cost"] for seed in (3, 3, 4))
    assert_array_equal(one.resampled, again.resampled)
    assert one.ci95 == again.ci95
    assert not np.array_equal(one.resampled, other.resampled)


def test_large_grids_have_fewer_resamples_of_larger_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    front = front_of(POINTS, NOISE)
    whole = estimates(front, CALIBRATION)["hypervolume"]
    monkeypatch.setattr(module, "WORK", 9 * 150)
    fewer = estimates(front, CALIBRATION)["hypervolume"]
    assert (len(fewer.resampled), len(fewer.influence)) == (150, 150)
    assert fewer.value == whole.value
    assert fewer.ci95 == pytest.approx(whole.ci95, rel=0.25)
    monkeypatch.setattr(module, "WORK", 1)
    assert len(estimates(front, CALIBRATION)["mean_cost"].resampled) == module.FEWEST_RESAMPLES


def test_what_has_no_interval_is_nan() -> None:
    alone = estimates(front_of(POINTS, np.zeros(1)), CALIBRATION)
    assert alone["hypervolume"].value == hypervolume(np.array(POINTS), CALIBRATION.reference)
    assert np.isnan(alone["hypervolume"].ci95)
    free = estimates(front_of(np.zeros((3, 2)), NOISE), CALIBRATION)["mean_cost"]
    ratio = estimates(front_of(POINTS, NOISE), CALIBRATION)["mean_cost"] / free
    assert np.isnan(ratio.value)
    assert np.isnan(ratio.ci95)
