"""Ratings of delays: known points, and the compiled form against the one for arrays."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mecsim.physics.delay_satisfaction import DelaySatisfaction
from tests.kernels import shortfall_of

ZONE = np.array([20.0, 5.0])  # adequate and desired delay, s


def zone(**changes: Any) -> DelaySatisfaction:
    return DelaySatisfaction(adequate_s=20.0, desired_s=5.0, **changes)


def logistic() -> DelaySatisfaction:
    return DelaySatisfaction(form="logistic", centre_s=8.0, steepness_per_s=0.5)


def test_zone_by_hand() -> None:
    """Each factor of two is a point, as the zone is two of them wide; from 0 on nothing is worse, from 5 on better."""
    delay_s = np.array([80.0, 40.0, 20.0, 10.0, 5.0, 2.5, 1.0, 0.0, 1e9])
    assert_allclose(zone().law.ratings(delay_s, ZONE), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 0.0], atol=1e-12)


def test_slopes_of_a_zone() -> None:
    steep = zone(slope_below=2.0, slope_above=0.5)
    assert_allclose(steep.law.ratings(np.array([40.0, 10.0, 2.5]), ZONE), [0.0, 3.0, 4.5], atol=1e-12)


def test_logistic_by_hand() -> None:
    rating = logistic().law.ratings(np.array([8.0, 0.0, 1e9]), np.array([8.0, 0.5]))
    assert_allclose(rating, [2.5, 5.0 / (1.0 + np.exp(-4.0)), 0.0], atol=1e-12)


def test_each_delay_by_its_own_user() -> None:
    patience = np.array([[20.0, 5.0], [40.0, 10.0]])
    assert_allclose(zone().law.ratings(np.array([20.0, 20.0]), patience), [2.0, 3.0])


@given(
    delay_s=st.floats(1e-9, 1e9) | st.sampled_from([0.0, 5.0, 20.0, 2.5, 80.0]),
    longer=st.floats(1.0, 1e3),
    slopes=st.tuples(st.floats(0.1, 10.0), st.floats(0.1, 10.0)),
    patience=st.tuples(st.floats(1e-3, 1e3), st.floats(1.05, 50.0)),
)
def test_the_compiled_form_is_the_same_and_falls_with_the_delay(
    delay_s: float, longer: float, slopes: tuple[float, float], patience: tuple[float, float]
) -> None:
    below, above = slopes
    level_s, ratio = patience
    forms = (
        (zone(slope_below=below, slope_above=above), False, level_s / ratio),
        (logistic(), True, ratio / level_s),
    )
    for satisfaction, is_logistic, second in forms:
        pair = np.array([level_s, second])
        ratings = satisfaction.law.ratings(np.array([delay_s, delay_s * longer]), pair)
        compiled = shortfall_of(delay_s, level_s, second, is_logistic, below, above)
        assert compiled == pytest.approx(5.0 - ratings[0], rel=1e-12, abs=1e-12)
        assert 0.0 <= ratings[1] <= ratings[0] <= 5.0
