"""Ratings: from 0 to 5, monotone in quality, with the landmarks of the zone, and close to what people said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.physics.satisfaction import (
    iqx_rating,
    log_position,
    logistic_rating,
    power_rating,
    rating_deviation_sos,
    waiting_s,
    zone_rating,
)

Array = NDArray[np.float64]

MINIMUMS = st.floats(1e3, 1e6)
RATIOS = st.floats(1.0, 100.0)  # of the demanded rate to the minimum
POSITIVE = st.floats(0.01, 20.0)
SHARES = st.lists(st.floats(0.0, 3.0), min_size=2, max_size=30)  # rates relative to the demanded one


def rates(shares: list[float], demand: float) -> Array:
    return np.sort(np.array([0.0, *shares])) * demand


def check_rising(ratings: Array) -> None:
    assert np.all((ratings >= 0.0) & (ratings <= 5.0))
    assert np.all(np.diff(ratings) >= -1e-12)


@given(SHARES, MINIMUMS, RATIOS, POSITIVE)
def test_power_rises_with_the_rate(shares: list[float], minimum: float, ratio: float, exponent: float) -> None:
    check_rising(power_rating(rates(shares, minimum * ratio), minimum, minimum * ratio, exponent))


@given(SHARES, MINIMUMS, RATIOS, st.floats(-1.0, 2.0), st.floats(0.05, 3.0), POSITIVE, POSITIVE)
def test_zone_rises_with_the_rate(
    shares: list[float], minimum: float, ratio: float, adequate: float, width: float, below: float, above: float
) -> None:
    position = log_position(rates(shares, minimum * ratio), minimum, minimum * ratio)
    check_rising(zone_rating(position, adequate, adequate + width, below, above))


@given(SHARES, MINIMUMS, RATIOS, st.floats(1e-3, 100.0), POSITIVE, POSITIVE)
def test_delay_forms_rise_with_the_rate(
    shares: list[float], minimum: float, ratio: float, wait_s: float, centre_s: float, per_s: float
) -> None:
    delay_s = waiting_s(rates(shares, minimum * ratio), minimum * ratio, wait_s)
    assert delay_s[0] == np.inf
    check_rising(logistic_rating(delay_s, centre_s, per_s))
    check_rising(iqx_rating(delay_s, per_s))


@given(st.floats(-1.0, 2.0), st.floats(0.01, 3.0), POSITIVE, POSITIVE)
def test_landmarks_of_the_zone(adequate: float, width: float, below: float, above: float) -> None:
    """2 at the adequate level, 4 at the desired one, 3 in the middle, whatever the slopes outside."""
    at = np.array([adequate, adequate + width / 2.0, adequate + width])
    np.testing.assert_allclose(zone_rating(at, adequate, adequate + width, below, above), [2.0, 3.0, 4.0], atol=1e-9)


@given(st.floats(-1.0, 2.0), st.floats(0.01, 3.0), st.floats(0.0, 0.5))
def test_the_default_zone_is_symmetric(adequate: float, width: float, outside: float) -> None:
    """What is lost below the zone is what is won above it, up to the end of the scale."""
    desired, step = adequate + width, outside * width
    lost = 2.0 - zone_rating(adequate - step, adequate, desired)
    won = zone_rating(desired + step, adequate, desired) - 4.0
    assert lost == pytest.approx(2.0 * outside, abs=1e-9)
    assert won == pytest.approx(2.0 * outside, abs=1e-9)


def test_slopes_outside_the_zone() -> None:
    position = np.array([-0.5, 0.0, 0.25, 1.25, 1.5, 3.0])
    np.testing.assert_allclose(zone_rating(position, 0.5, 1.0), [0.0, 0.0, 1.0, 5.0, 5.0, 5.0])
    np.testing.assert_allclose(zone_rating(position, 0.5, 1.0, 0.5, 0.25), [0.0, 1.0, 1.5, 4.25, 4.5, 5.0])
    np.testing.assert_allclose(zone_rating(position, 0.5, 1.0, 2.0, 2.0), [0.0, 0.0, 0.0, 5.0, 5.0, 5.0])


def test_positions() -> None:
    np.testing.assert_allclose(
        log_position(np.array([0.0, 50.0, 100.0, 1000.0, 10_000.0, 1e6]), 100.0, 10_000.0),
        [-np.inf, -0.150515, 0.0, 0.5, 1.0, 2.0],
        atol=1e-6,
    )


def test_no_room_between_minimum_and_demand() -> None:
    """All or nothing, as no rate lies between them."""
    given_rates = np.array([0.0, 63.9, 64.0, 100.0])
    np.testing.assert_array_equal(log_position(given_rates, 64.0, 64.0), [-np.inf, -np.inf, 1.0, 1.0])
    np.testing.assert_array_equal(power_rating(given_rates, 64.0, 64.0, 0.7), [0.0, 0.0, 5.0, 5.0])


def test_power_by_hand() -> None:
    given_rates = np.array([100.0, 300.0, 500.0, 900.0, 1000.0])
    for exponent, expected in ((1.0, [0, 0, 1.25, 3.75, 4.375]), (2.0, [0, 0, 0.3125, 2.8125, 3.828125])):
        np.testing.assert_allclose(power_rating(given_rates, 300.0, 1100.0, exponent), expected)
    assert power_rating(500.0, 300.0, 1100.0, 0.5) == pytest.approx(2.5)  # who is tolerant rates higher


def test_waits() -> None:
    np.testing.assert_allclose(waiting_s(np.array([0.0, 1e5, 1e6, 2e6]), 1e6, 0.3), [np.inf, 3.0, 0.3, 0.15])


def test_logistic_by_hand() -> None:
    """The median person of the study: the rating falls through 2.5 at the centre."""
    delay_s = np.array([0.0, 0.55, 1.25, 1e6, np.inf])
    expected = [5.0 / (1.0 + np.exp(-0.946)), 2.5, 5.0 / (1.0 + np.exp(1.204)), 0.0, 0.0]
    np.testing.assert_allclose(logistic_rating(delay_s, 0.55, 1.72), expected, atol=1e-12)


def test_iqx_is_the_published_curve_of_page_loads() -> None:
    """MOS = 4·e^{−0.25·t} + 1 on the scale from 1 to 5."""
    delay_s = np.linspace(0.0, 30.0, 50)
    mos = 4.0 * np.exp(-0.25 * delay_s) + 1.0
    np.testing.assert_allclose(1.0 + 0.8 * iqx_rating(delay_s, 0.25), mos)


def test_sos_spread_is_that_of_the_scale_from_one_to_five() -> None:
    mos = np.linspace(1.0, 5.0, 20)
    on_five = np.sqrt(np.maximum(0.28 * (-(mos**2) + 6.0 * mos - 5.0), 0.0))
    np.testing.assert_allclose(0.8 * rating_deviation_sos((mos - 1.0) * 1.25, 0.28), on_five, atol=1e-7)
