"""What satisfies people in their contexts: as their parameters and the shifts say, and what they report."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mecsim.people.people import People, draw_people_of
from mecsim.people.population import Activities, Application, Persona, Population, Shift
from mecsim.people.requests import HOUR_S, Requests, draw_contexts, draw_requests
from mecsim.people.satisfaction import Satisfaction
from mecsim.people.zones import expected_ratings, in_zone, noisy_ratings, typical_ratings

Array = NDArray[np.float64]

FORMS = ("zone", "power", "logistic", "iqx")
MINIMUM, DEMAND = 1e5, 1e6
NOON_S = 12.0 * HOUR_S


def plain(shifts: dict[str, Any] | None = None, shift: Shift | None = None, **persona: float) -> Population:
    """People of one kind who sit at home and ask for one application."""
    application = Application(
        min_rate_bit_per_s=MINIMUM, demand_rate_bit_per_s=DEMAND, duration_s=10.0, shift=shift or Shift()
    )
    anyone = Persona(weekday={0: "home"}, weekend={0: "home"}, shifts=shifts or {}, **persona)
    return Population(
        personas={"anyone": anyone},
        applications={"any": application},
        activities=Activities(home={"sitting": 1.0}),
        schedule_spread_s=0.0,
    )


def one_request(population: Population, satisfaction: Satisfaction) -> tuple[People, Requests]:
    people = draw_people_of(population, satisfaction, 1, 0)
    user, time_s = np.zeros(1, np.int64), np.full(1, NOON_S)
    return people, draw_contexts(population, people, user, time_s, np.random.default_rng(0))


def rating(population: Population, rate: float, **satisfaction: Any) -> float:
    """Of the typical person."""
    chosen = Satisfaction(**satisfaction)
    _, request = one_request(population, chosen)
    return float(typical_ratings(population, chosen, request, np.array([[rate]]))[0, 0])


@pytest.mark.parametrize("form", FORMS)
def test_ratings_rise_with_the_level_and_lie_within_the_scale(form: Any) -> None:
    population, satisfaction = Population(), Satisfaction(form=form)
    people = draw_people_of(population, satisfaction, 200, 0)
    requests = draw_requests(population, people, 0.0, 2 * 86_400.0, np.random.default_rng(0))
    rate = requests.level_rates_bit_per_s(6)
    for ratings in (
        expected_ratings(population, satisfaction, people, requests, rate),
        typical_ratings(population, satisfaction, requests, rate),
    ):
        assert ratings.shape == rate.shape
        assert ratings.min() >= 0.0
        assert ratings.max() <= 5.0
        assert (np.diff(ratings, axis=1) >= 0.0).all()
        assert (ratings[:, -1] > ratings[:, 0] + 0.05).mean() > 0.9


def test_landmarks_without_shifts() -> None:
    """adequate 0.25 and desired 0.75 of the way between 0.1 and 1 Mbit/s, on a logarithmic axis."""
    population = plain()
    for rate, expected in ((1e5 * 10**0.25, 2.0), (1e5 * 10**0.5, 3.0), (1e5 * 10**0.75, 4.0), (1e5, 1.0), (1e6, 5.0)):
        assert rating(population, rate) == pytest.approx(expected)
    assert rating(population, 5.5e5, form="power") == pytest.approx(2.5)
    assert rating(population, DEMAND, form="logistic", wait_at_demand_s=0.55) == pytest.approx(2.5)
    assert rating(population, DEMAND / 4.0, form="iqx") == pytest.approx(5.0 * np.exp(-1.0))


@pytest.mark.parametrize("context", ["mid_day", "home", "sitting"])
def test_a_context_shifts_the_zone(context: str) -> None:
    """A shift by 0.1 costs 0.4 points within a zone that is half as wide as the axis."""
    middle = 1e5 * 10**0.5
    assert rating(plain({context: 0.1}), middle) == pytest.approx(2.6)
    assert rating(plain({context: -0.1}), middle) == pytest.approx(3.4)
    assert rating(plain({context: {"desired": 0.5}}), middle) == pytest.approx(2.5)  # a zone twice as wide
    assert rating(plain({"night": 1.0, "mall": 1.0, "walking": 1.0}), middle) == pytest.approx(3.0)  # others


def test_shifts_add_up() -> None:
    middle = 1e5 * 10**0.5
    three = {"mid_day": 0.1, "home": 0.05, "sitting": -0.2}
    assert rating(plain(three), middle) == pytest.approx(3.2)
    assert rating(plain(three, Shift(adequate=0.05, desired=0.05)), middle) == pytest.approx(3.0)


def test_shifts_of_exponent_and_delay() -> None:
    doubled = plain({"home": {"exponent": np.log(2.0)}})
    assert rating(doubled, 5.5e5, form="power") == pytest.approx(1.25)
    for form in ("logistic", "iqx"):
        assert rating(doubled, DEMAND, form=form) == pytest.approx(rating(plain(), DEMAND / 2.0, form=form))


def test_a_zone_keeps_some_width_however_it_is_shifted() -> None:
    squeezed = plain({"home": {"adequate": 5.0}})
    for rate in (MINIMUM, DEMAND):
        assert rating(squeezed, rate) == 0.0


def test_individuals_differ_from_the_typical_person_only_by_their_traits() -> None:
    population = plain()
    for form in FORMS:
        same = Satisfaction(form=form, spread=0.0, **({"delay_spread": "log-normal"} if form == "logistic" else {}))
        people, request = one_request(population, same)
        rate = request.level_rates_bit_per_s(5)
        np.testing.assert_allclose(
            expected_ratings(population, same, people, request, rate),
            typical_ratings(population, same, request, rate),
        )


def test_traits_of_the_user_who_asks_are_used() -> None:
    population, satisfaction = plain(), Satisfaction()
    people = draw_people_of(population, satisfaction, 3, 0)
    user = np.array([2, 0])
    requests = draw_contexts(population, people, user, np.full(2, NOON_S), np.random.default_rng(0))
    at_adequate = MINIMUM * 10.0 ** people.adequate[user]
    found = expected_ratings(population, satisfaction, people, requests, np.stack([at_adequate] * 2, axis=1))
    np.testing.assert_allclose(found, 2.0)


@pytest.mark.parametrize("form", FORMS)
def test_in_zone_means_at_least_adequate(form: Any) -> None:
    population, satisfaction = Population(), Satisfaction(form=form)
    people = draw_people_of(population, satisfaction, 100, 0)
    requests = draw_requests(population, people, 0.0, 86_400.0, np.random.default_rng(0))
    rate = requests.min_rate_bit_per_s * np.random.default_rng(1).uniform(0.5, 3.0, len(requests))
    found = in_zone(population, satisfaction, people, requests, rate)
    ratings = expected_ratings(population, satisfaction, people, requests, rate[:, None])[:, 0]
    np.testing.assert_array_equal(found, ratings >= 2.0)
    assert 0.02 < found.mean() < 0.98


def test_the_adequate_rate_itself_is_in_the_zone() -> None:
    population, satisfaction = plain(), Satisfaction()
    people = draw_people_of(population, satisfaction, 500, 0)
    requests = draw_contexts(population, people, np.arange(500), np.full(500, NOON_S), np.random.default_rng(0))
    adequate = MINIMUM * 10.0**people.adequate
    assert in_zone(population, satisfaction, people, requests, adequate).all()
    assert not in_zone(population, satisfaction, people, requests, adequate * 0.999).any()


def test_noise_has_its_deviation_and_stays_on_the_scale() -> None:
    rng = np.random.default_rng(0)
    level = np.full((40_000,), 2.5)
    assert noisy_ratings(Satisfaction(noise_deviation=0.4), level, rng).std() == pytest.approx(0.4, rel=0.03)
    sos = noisy_ratings(Satisfaction(noise="sos", sos=0.04), level, rng)
    assert sos.std() == pytest.approx(0.5, rel=0.03)
    ends = noisy_ratings(Satisfaction(noise_deviation=2.0), np.array([0.0, 5.0] * 100), rng)
    assert ends.min() == 0.0
    assert ends.max() == 5.0
    np.testing.assert_array_equal(noisy_ratings(Satisfaction(noise_deviation=0.0), level, rng), level)
    exact = np.array([0.0, 5.0])
    np.testing.assert_array_equal(noisy_ratings(Satisfaction(noise="sos"), exact, rng), exact)


def test_shifted_periods_order_as_in_the_published_sample() -> None:
    """Mean satisfaction there: after midnight 3.21, mid-day 3.11, afternoon 2.80, morning 2.50, early morning 2.39."""
    population, satisfaction = Population(), Satisfaction()
    people = draw_people_of(population, satisfaction, 300, 0)
    requests = draw_requests(population, people, 0.0, 7 * 86_400.0, np.random.default_rng(0))
    ratings = expected_ratings(population, satisfaction, people, requests, requests.level_rates_bit_per_s(3)[:, 1:2])
    mean = np.array([ratings[requests.period == period].mean() for period in range(6)])
    assert mean[1] < mean[2] < mean[4] < min(mean[0], mean[3])
