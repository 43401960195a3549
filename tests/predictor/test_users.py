"""What is believed of users: closed forms, convergence, Thompson sampling."""

import numpy as np
import pytest
from scipy import stats

from mecsim.predictor.trees import Trees
from mecsim.predictor.users import (
    CELLS,
    CELLS_PER_UNIT,
    LOW,
    VARIANCES,
    Reports,
    UserOffsets,
    felt_position,
    learned,
    roots_of,
    strangers,
)

SLOPE, MIDDLE = 2.0, 2.5


def line() -> Trees:
    """One tree whose value is a line in the position, of SLOPE and MIDDLE at ½: a chain of splits, one per cell."""
    at = LOW + np.arange(CELLS) / CELLS_PER_UNIT
    leaves = MIDDLE + SLOPE * (at - 0.5)
    inner = np.arange(CELLS - 1)  # each splits off one cell: node 2i is the split, 2i + 1 its leaf
    count = 2 * CELLS - 1
    kind = np.zeros(count, np.int8)
    kind[2 * inner] = 3
    value = np.zeros(count)
    value[2 * inner + 1] = leaves[:-1]
    value[-1] = leaves[-1]
    left, right, names = np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.int64)
    left[2 * inner], right[2 * inner], names[2 * inner] = 2 * inner + 1, 2 * inner + 2, inner
    return Trees(np.zeros(1, np.int64), kind, np.zeros(count, np.int8), left, right, value, names)


def told(
    offsets: UserOffsets, users: np.ndarray, position: np.ndarray, report: np.ndarray, deviation: float
) -> UserOffsets:
    """Beliefs after reports around the line."""
    count = len(users)
    variance = np.full(VARIANCES, deviation**2)
    codes, numbers = np.zeros((count, 6), np.int8), np.zeros((count, 3))
    return learned(offsets, line(), variance, offsets.rows(users), Reports(codes, numbers, position, report))


def test_one_report_is_the_closed_form_of_normal_distributions() -> None:
    """r = m + b(u − ½ − o) + noise, o ~ N(0, τ²): gain τ²b/(τ²b² + σ²)."""
    prior, deviation = 0.2, 0.3
    offsets = strangers(np.diag([prior**2, 0.0])).with_users(np.array([4]))
    after = told(offsets, np.array([4]), np.array([0.6]), np.array([2.4]), deviation)
    gain = prior**2 * SLOPE / (prior**2 * SLOPE**2 + deviation**2)
    residual = 2.4 - (MIDDLE + SLOPE * 0.1)
    assert after.mean[0] == pytest.approx([-gain * residual, 0.0], abs=1e-4)
    assert after.covariance[0, 0, 0] == pytest.approx(prior**2 * (1.0 - gain * SLOPE), rel=2e-3)
    np.testing.assert_array_equal(after.covariance[0].ravel()[1:], 0.0)
    np.testing.assert_array_equal(after.mean[1], 0.0)  # strangers are as before
    np.testing.assert_array_equal(after.covariance[1], offsets.covariance[1])


def test_reports_are_weighed_by_their_deviation_where_it_differs() -> None:
    """A normal likelihood has 1/σ: what is unlikely around one rating is less so around another that scatters more.

    Against the posterior on a fine grid, in logarithms; up to the rating 2.75 reports scatter a third as much.
    """
    prior, report = 0.3, 2.6
    deviation = np.where(np.arange(VARIANCES) < 11, 0.3, 0.9)  # bins are 0.25 wide
    offsets = strangers(np.diag([prior**2, 0.0])).with_users(np.array([0]))
    given = Reports(np.zeros((1, 6), np.int8), np.zeros((1, 3)), np.array([0.5]), np.array([report]))
    after = learned(offsets, line(), deviation**2, np.zeros(1, np.int64), given)
    offset = np.linspace(-2.0, 2.0, 200_001)
    rating = np.clip(MIDDLE - SLOPE * offset, 0.0, 5.0)
    spread = np.where(rating < 2.75, 0.3, 0.9)
    log_weight = stats.norm.logpdf(offset, 0.0, prior) + stats.norm.logpdf(report, rating, spread)
    weight = np.exp(log_weight - log_weight.max())
    mean = (weight * offset).sum() / weight.sum()
    variance = (weight * (offset - mean) ** 2).sum() / weight.sum()
    assert after.mean[0, 0] == pytest.approx(mean, abs=0.005)
    assert after.covariance[0, 0, 0] == pytest.approx(variance, rel=0.05)


def test_many_reports_are_the_closed_form_of_normal_distributions() -> None:
    """Mean and variance after n reports: those of a mean of n residuals, shrunk to 0."""
    prior, deviation, count = 0.2, 0.3, 60
    rng = np.random.default_rng(3)
    true = np.array([0.25, -0.1])
    users = np.tile([7, 9], count)
    position = rng.uniform(0.2, 0.8, 2 * count)
    report = MIDDLE + SLOPE * (position - 0.5 - np.tile(true, count)) + rng.normal(0.0, deviation, 2 * count)
    offsets = strangers(np.diag([prior**2, 0.0])).with_users(np.array([7, 9]))
    after = told(offsets, users, position, report, deviation)
    residual = -(report - MIDDLE - SLOPE * (position - 0.5)) / SLOPE
    precision = 1.0 / prior**2 + count * SLOPE**2 / deviation**2
    for row, user in enumerate((7, 9)):
        mean = residual[users == user].sum() * SLOPE**2 / deviation**2 / precision
        assert after.mean[row, 0] == pytest.approx(mean, abs=0.002)
        assert after.covariance[row, 0, 0] == pytest.approx(1.0 / precision, rel=0.05)


def test_offset_and_stretch_converge_to_those_of_the_user() -> None:
    rng = np.random.default_rng(5)
    true = np.array([0.12, 0.25])
    position = rng.uniform(0.0, 1.0, 1500)
    report = MIDDLE + SLOPE * (felt_position(position, *true) - 0.5) + rng.normal(0.0, 0.2, 1500)
    offsets = strangers(np.diag([0.15**2, 0.2**2])).with_users(np.array([0]))
    errors = []
    for first, last in ((0, 20), (20, 200), (200, 1500)):
        offsets = told(offsets, np.zeros(last - first, np.int64), position[first:last], report[first:last], 0.2)
        errors.append(np.abs(offsets.mean[0] - true).max())
        deviation = np.sqrt(np.diag(offsets.covariance[0]))
        assert (np.abs(offsets.mean[0] - true) < 4.0 * deviation).all()
    assert errors[-1] < 0.03
    assert (deviation < 0.02).all()


def test_a_report_that_is_far_too_good_moves_little() -> None:
    offsets = strangers(np.diag([0.1**2, 0.0])).with_users(np.array([0]))
    usual = told(offsets, np.zeros(1, np.int64), np.array([0.5]), np.array([3.0]), 0.1)
    slip = told(offsets, np.zeros(1, np.int64), np.array([0.5]), np.array([5.0]), 0.1)
    assert usual.mean[0, 0] < -0.15
    assert abs(slip.mean[0, 0]) < 0.5 * abs(usual.mean[0, 0])


def test_a_very_telling_report_leaves_some_doubt() -> None:
    """The grid is coarser than what would be known; no variance is 0."""
    offsets = strangers(np.diag([0.5**2, 0.0])).with_users(np.array([0]))
    after = told(offsets, np.zeros(1, np.int64), np.array([0.5]), np.array([2.5]), 1e-3)
    assert 0.0 < after.covariance[0, 0, 0] < 0.1**2


def test_thompson_samples_have_the_believed_mean_and_covariance() -> None:
    covariance = np.array([[[0.04, 0.01], [0.01, 0.09]], [[0.01, 0.0], [0.0, 0.0]]])
    mean = np.array([[0.3, -0.2], [0.0, 0.0]])
    offsets = UserOffsets(np.array([5]), mean, covariance)
    rng = np.random.default_rng(1)
    samples = [offsets.sample(rng) for _ in range(20_000)]
    drawn = np.array([sample.mean for sample in samples])
    assert all((sample.covariance == 0.0).all() for sample in samples[:3])
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.01)
    np.testing.assert_allclose(np.cov(drawn[:, 0].T), covariance[0], atol=0.003)
    np.testing.assert_allclose(np.cov(drawn[:, 1].T), covariance[1], atol=0.003)


def test_roots_of_covariances() -> None:
    covariance = np.array([[[4.0, 1.0], [1.0, 2.0]], [[0.0, 0.0], [0.0, 9.0]], [[1.0, 1.0], [1.0, 1.0]]])
    root = roots_of(covariance)
    np.testing.assert_allclose(root @ root.transpose(0, 2, 1), covariance, atol=1e-15)


def test_users_are_found_and_added() -> None:
    offsets = strangers(np.eye(2))
    np.testing.assert_array_equal(offsets.rows(np.array([-1, 0, 3])), 0)
    known = offsets.with_users(np.array([8, 3, 3, -1]))
    np.testing.assert_array_equal(known.user_ids, [3, 8])
    np.testing.assert_array_equal(known.rows(np.array([8, -1, 3, 4, 99])), [1, 2, 0, 2, 2])
    known.mean[1] = 0.5
    more = known.with_users(np.array([5]))
    np.testing.assert_array_equal(more.user_ids, [3, 5, 8])
    np.testing.assert_array_equal(more.mean[:, 0], [0.0, 0.0, 0.5, 0.0])
