"""Laws of arrivals against renewal theory (Cox 1962), and numbers per step against the gaps behind them."""

from typing import ClassVar

import numpy as np
import pytest
from scipy import stats

from mecsim.physics.arrivals.base import ARRIVALS, Array, ArrivalLaw
from mecsim.physics.arrivals.gamma import GammaArrivals
from mecsim.physics.arrivals.poisson import PoissonArrivals


class Regular(ArrivalLaw):
    """Equal gaps, with numbers that the base makes of them."""

    ABOUT: ClassVar[str] = "one after each time unit."

    def draw_gaps(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        gaps = np.ones(shape)
        gaps[..., 0] = rng.random(shape[:-1])
        return gaps


@pytest.mark.parametrize("name", ["poisson", "gamma"])
def test_a_name_is_a_law(name: str) -> None:
    assert ARRIVALS.load(name).ABOUT.endswith(".")


def test_a_poisson_process_is_drawn_as_it_always_was() -> None:
    """Tapes of a seed stay what they are: one call each, in the order of the array."""
    law = PoissonArrivals()
    same = np.random.default_rng(3).standard_exponential((4, 7))
    np.testing.assert_array_equal(law.draw_gaps(np.random.default_rng(3), (4, 7)), same)
    numbers = np.random.default_rng(3).poisson(0.8, (4, 7))
    np.testing.assert_array_equal(law.draw_counts(np.random.default_rng(3), 0.8, (4, 7)), numbers)


@pytest.mark.parametrize("variation", [0.3, 1.0, 2.0, 5.0])
def test_gaps_are_gamma_distributed(variation: float) -> None:
    gaps = GammaArrivals(variation=variation).draw_gaps(np.random.default_rng(4), (4000, 6))
    shape = variation**-2
    for place in (1, 5):
        assert stats.kstest(gaps[:, place], stats.gamma(shape, scale=1.0 / shape).cdf).pvalue > 0.01
    assert abs(stats.spearmanr(gaps[:, 2], gaps[:, 3]).statistic) < 0.05


@pytest.mark.parametrize("variation", [0.3, 1.0, 2.0, 5.0])
def test_the_first_gap_is_what_is_left_of_one(variation: float) -> None:
    """Its density is the chance that a gap is longer, as the mean gap is 1; its mean is (1 + v²)/2."""
    first = GammaArrivals(variation=variation).draw_gaps(np.random.default_rng(5), (200_000, 1))[:, 0]
    law = stats.gamma(variation**-2, scale=variation**2)
    longer = stats.gamma(variation**-2 + 1.0, scale=variation**2)
    assert first.mean() == pytest.approx((1.0 + variation**2) / 2.0, rel=0.02)
    at = np.linspace(0.05, 3.0, 12) * (1.0 + variation**2) / 2.0
    below = [float((first <= x).mean()) for x in at]
    np.testing.assert_allclose(below, at * law.sf(at) + longer.cdf(at), atol=0.006)  # ∫ of the survival function


@pytest.mark.parametrize("variation", [0.3, 1.0, 2.0, 5.0])
def test_numbers_have_the_mean_from_the_first_step_on_and_in_the_long_run_the_variance(variation: float) -> None:
    """Their variance is v² times their mean, but for a constant."""
    counts = GammaArrivals(variation=variation).draw_counts(np.random.default_rng(6), 2.0, (8000, 400))
    error = variation * np.sqrt(2.0 / 8000) + 0.01
    assert counts[:, 0].mean() == pytest.approx(2.0, abs=5.0 * error)
    assert counts[:, -1].mean() == pytest.approx(2.0, abs=5.0 * error)
    total = counts.sum(axis=1)
    assert total.mean() == pytest.approx(800.0, rel=0.002 * max(variation, 1.0))
    assert total.var() / total.mean() == pytest.approx(variation**2, rel=0.07)


def test_a_variation_of_one_is_a_poisson_process() -> None:
    counts = GammaArrivals(variation=1.0).draw_counts(np.random.default_rng(7), 0.7, (300, 100))
    drawn = np.bincount(np.minimum(counts.ravel(), 5), minlength=6)
    expected = counts.size * np.append(stats.poisson(0.7).pmf(np.arange(5)), stats.poisson(0.7).sf(4))
    assert stats.chisquare(drawn, expected).pvalue > 0.01


def test_numbers_are_those_of_the_gaps() -> None:
    """One arrival per time unit from a random instant on; step j of 2.5 units has those from 2.5·j to 2.5·(j + 1)."""
    first = np.random.default_rng(8).random(60)
    at = first[:, None] + np.arange(30)
    expected = [[np.sum((row >= 2.5 * j) & (row < 2.5 * (j + 1))) for j in range(8)] for row in at]
    counts = Regular().draw_counts(np.random.default_rng(8), 2.5, (3, 20, 8))
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts.reshape(60, 8), expected)


def test_many_short_draws_are_one_long_one() -> None:
    """Bursts of more gaps than a draw has: the numbers are distributed as those of gaps that were drawn at once."""
    law = GammaArrivals(variation=4.0)
    counts = law.draw_counts(np.random.default_rng(9), 0.5, (60_000, 3))
    at = np.cumsum(law.draw_gaps(np.random.default_rng(10), (60_000, 150)), axis=1)
    assert (at[:, -1] > 1.5).all()
    known = np.stack([((at >= 0.5 * j) & (at < 0.5 * (j + 1))).sum(axis=1) for j in range(3)], axis=1)
    assert (known.sum(axis=1) > 14).mean() > 0.01  # two draws of 7 do not do
    edges = [0, 1, 2, 4, 8, 15, 25, 1000]
    for pick in (lambda numbers: numbers[:, 2], lambda numbers: numbers.sum(axis=1)):
        table = [np.histogram(pick(numbers), edges)[0] for numbers in (counts, known)]
        assert stats.chi2_contingency(table).pvalue > 0.01


@pytest.mark.parametrize("law", [PoissonArrivals(), GammaArrivals(variation=3.0), Regular()])
def test_without_a_rate_nothing_arrives(law: ArrivalLaw) -> None:
    counts = law.draw_counts(np.random.default_rng(11), 0.0, (5, 9))
    assert counts.shape == (5, 9)
    assert not counts.any()


@pytest.mark.parametrize("variation", [1e-9, 10.0])
def test_the_ends_of_the_range_can_be_drawn(variation: float) -> None:
    """Equal gaps, and bursts whose gaps are often too short for a number."""
    counts = GammaArrivals(variation=variation).draw_counts(np.random.default_rng(12), 1.0, (2000, 50))
    assert counts.mean() == pytest.approx(1.0, abs=0.15)
    assert (counts == 1).all() == (variation < 1.0)
