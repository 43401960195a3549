"""People: personas by their shares, differences between people, and ratings of delays as a study measured them."""

import numpy as np
import pytest

from mecsim.people.people import draw_people, draw_people_of, typical_people
from mecsim.people.population import Persona, Population
from mecsim.people.satisfaction import Satisfaction
from mecsim.physics.satisfaction import logistic_rating

LOGISTIC = Satisfaction(form="logistic")
ONE_KIND = Population(personas={"anyone": Persona()})


@pytest.mark.parametrize("count", [20, 50, 1000])
def test_personas_have_their_shares_in_every_run_of_people(count: int) -> None:
    population = Population()
    people = draw_people(population, Satisfaction(), 3 * count, np.random.default_rng(count))
    expected = np.array([persona.share for persona in population.personas.values()]) * count
    for first in (0, count, 2 * count):
        found = np.bincount(people.persona[first : first + count], minlength=4)
        assert np.abs(found - expected).max() <= 3.0


def test_the_first_people_are_the_same_for_any_count() -> None:
    few, many = (draw_people_of(Population(), Satisfaction(), count, 7) for count in (5, 500))
    other = draw_people_of(Population(), Satisfaction(), 5, 8)
    for name in vars(few):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:5])
    assert (few.adequate != other.adequate).all()


def test_without_spread_everyone_is_typical() -> None:
    population = Population(request_spread=0.0, schedule_spread_s=0.0)
    satisfaction = Satisfaction(form="logistic", spread=0.0, delay_spread="log-normal")
    people = draw_people_of(population, satisfaction, 100, 0)
    typical = typical_people(population).select(people.persona)
    for name in vars(people):
        np.testing.assert_allclose(getattr(people, name), getattr(typical, name))


def test_people_differ_log_normally() -> None:
    people = draw_people_of(ONE_KIND, Satisfaction(spread=0.4), 20_000, 0)
    adequate, exponent = np.log(people.adequate / 0.25), np.log(people.exponent)
    width = np.log((people.desired - people.adequate) / 0.5)
    for logarithm in (adequate, exponent, width):
        assert logarithm.mean() == pytest.approx(0.0, abs=0.015)  # 5 standard errors
        assert logarithm.std() == pytest.approx(0.4, rel=0.03)
    np.testing.assert_allclose(adequate, exponent)  # who is strict is so in everything
    assert abs(np.corrcoef(adequate, width)[0, 1]) < 0.04
    assert people.request_factor.mean() == pytest.approx(1.0, abs=0.012)
    assert people.schedule_shift_s.std() == pytest.approx(1800.0, rel=0.03)


def test_quantiles_of_delays_are_the_measured_ones() -> None:
    people = draw_people_of(ONE_KIND, LOGISTIC, 50_000, 0)
    at = [0.1, 0.25, 0.5, 0.75, 0.9]
    np.testing.assert_allclose(np.quantile(people.delay_centre_s, at), [0.27, 0.39, 0.55, 1.24, 3.95], rtol=0.04)
    np.testing.assert_allclose(np.quantile(people.delay_steepness_per_s, at), [0.31, 0.96, 1.72, 3.43, 4.43], rtol=0.04)


def test_mean_ratings_of_delays_are_those_of_the_study() -> None:
    """28 people on a scale from 1 to 5. Only quantiles of single people were used to draw ours, not these means."""
    people = draw_people_of(ONE_KIND, LOGISTIC, 50_000, 1)
    delay_s = np.array([0.001, 0.11, 0.4, 0.6, 1.1, 1.5, 2.0])
    ours = logistic_rating(delay_s, people.delay_centre_s[:, None], people.delay_steepness_per_s[:, None]).mean(axis=0)
    np.testing.assert_allclose(1.0 + 0.8 * ours, [4.25, 3.93, 3.29, 2.86, 2.34, 2.07, 1.96], atol=0.21)
