"""From mean reports to median ones, on scales with and without steps."""

import numpy as np
import pytest

from mecsim.predictor.calibration import UNCALIBRATED, fitted_calibration, grouped_median


@pytest.mark.parametrize("felt", np.linspace(0.8, 4.2, 15).tolist())
def test_the_median_of_stars_is_what_is_felt(felt: float) -> None:
    """Whatever lies between two stars; the plain median is off by up to half a step."""
    rng = np.random.default_rng(0)
    stars = np.round((felt + rng.normal(0.0, 0.6, 20_000)) / 1.25).clip(0.0, 4.0) * 1.25
    assert grouped_median(stars, 1.25) == pytest.approx(felt, abs=0.1)


def test_without_steps_it_is_the_median() -> None:
    values = np.random.default_rng(0).random(100)
    assert grouped_median(values, 0.0) == np.median(values)


def test_who_all_say_the_same_say_it() -> None:
    assert grouped_median(np.full(7, 2.5), 1.25) == 2.5
    assert grouped_median(np.repeat([2.5, 3.75], 4), 1.25) == 3.125


@pytest.mark.parametrize("step", [0.0, 0.625, 1.25])
def test_a_curve_of_stars_is_no_staircase(step: float) -> None:
    """Noise is cut off at both ends, and ratings rounded: the curve leads back to what was felt.

    A step of half the scale's deviation or more leaves a rest of about a tenth of a point.
    """
    rng = np.random.default_rng(1)
    felt = rng.uniform(0.0, 5.0, 40_000)
    said = np.clip(felt + rng.normal(0.0, 0.5, len(felt)), 0.0, 5.0)
    said = np.round(said / step) * step if step else said
    edges = np.linspace(0.0, 5.0, 51)
    which = np.digitize(felt, edges[1:-1])
    mean = np.array([said[which == each].mean() for each in range(50)])[which]  # what a model of the mean report gives
    curve = fitted_calibration(mean, said)
    found = np.interp(mean, UNCALIBRATED, curve)
    inner = (felt > 0.6) & (felt < 4.4)
    assert np.abs(found - felt)[inner].mean() < 0.15
    assert np.diff(curve[10:90]).max() < 0.35
