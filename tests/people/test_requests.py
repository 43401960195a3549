"""Requests: as many as the intensity says, where schedules say, in the shares that the scenario says."""

from itertools import pairwise

import numpy as np
import pytest

from mecsim.people.people import People, draw_people_of
from mecsim.people.population import (
    ACTIVITIES,
    PERIODS,
    PLACES,
    Activities,
    Application,
    Persona,
    Population,
    Profile,
    Speeds,
)
from mecsim.people.requests import (
    DAY_S,
    HOUR_S,
    Requests,
    draw_contexts,
    draw_requests,
    mean_duration_s,
    period_of,
    request_rate_per_s,
)
from mecsim.people.satisfaction import Satisfaction
from mecsim.schema.units import Uniform

DEFAULT = Population()


def people_of(population: Population, count: int, seed: int = 0) -> People:
    return draw_people_of(population, Satisfaction(), count, seed)


def drawn(population: Population, count: int, first_s: float, until_s: float, seed: int = 0) -> Requests:
    return draw_requests(population, people_of(population, count), first_s, until_s, np.random.default_rng(seed))


def at_hours(population: Population, hours: list[float], copies: int = 1) -> Requests:
    """Requests of one person without lateness, at hours of the week."""
    time_s = np.repeat(np.array(hours) * HOUR_S, copies)
    people = people_of(population, 1)
    return draw_contexts(population, people, np.zeros(len(time_s), np.int64), time_s, np.random.default_rng(0))


def test_the_intensity_integrates_to_the_requests_of_a_day() -> None:
    people = people_of(DEFAULT, 200)
    hourly = np.stack([request_rate_per_s(DEFAULT, people, (hour + 0.5) * HOUR_S) * HOUR_S for hour in range(24)])
    per_day = np.array([persona.requests_per_day for persona in DEFAULT.personas.values()])
    np.testing.assert_allclose(hourly.sum(axis=0), per_day[people.persona] * people.request_factor)


@pytest.mark.parametrize(("first_h", "until_h"), [(0.0, 168.0), (7.25, 20.5), (30.0, 30.5), (160.0, 171.0)])
def test_counts_follow_the_integral_of_the_intensity(first_h: float, until_h: float) -> None:
    """All requests of an interval, and those of each hour: within five deviations of a Poisson number."""
    population, count = DEFAULT, 500
    requests = drawn(population, count, first_h * HOUR_S, until_h * HOUR_S)
    people = people_of(population, count)
    edges_h = np.unique(np.concatenate([[first_h, until_h], np.arange(np.ceil(first_h), until_h)]))
    expected = np.array(
        [
            request_rate_per_s(population, people, (low + high) / 2.0 * HOUR_S).sum() * (high - low) * HOUR_S
            for low, high in pairwise(edges_h.tolist())
        ]
    )
    found, _ = np.histogram(requests.time_s / HOUR_S, edges_h)
    assert found.sum() == len(requests)
    assert np.abs(found - expected).max() <= (5.0 * np.sqrt(expected) + 5.0).max()
    assert (np.abs(found - expected) <= 5.0 * np.sqrt(expected) + 5.0).all()
    assert len(requests) == pytest.approx(expected.sum(), abs=5.0 * np.sqrt(expected.sum()))


def test_counts_of_each_person_scatter_as_poisson_numbers_do() -> None:
    population = Population(personas={"anyone": Persona(requests_per_day=30.0)}, request_spread=0.0)
    requests = drawn(population, 4000, 0.0, DAY_S)
    counts = np.bincount(requests.user, minlength=4000)
    assert counts.mean() == pytest.approx(30.0, abs=0.45)
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.12)


def test_requests_are_sorted_and_lie_in_their_interval() -> None:
    requests = drawn(DEFAULT, 50, 1e5, 2e5)
    assert (np.diff(requests.time_s) >= 0.0).all()
    assert requests.time_s[0] >= 1e5
    assert requests.time_s[-1] < 2e5


def test_equal_generators_draw_equal_requests() -> None:
    one, same, other = (drawn(DEFAULT, 20, 0.0, DAY_S, seed) for seed in (3, 3, 4))
    for name in vars(one):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert len(one) != len(other) or (one.time_s != other.time_s).any()


def test_no_requests_at_all() -> None:
    population = Population(profile=Profile(after_midnight=0.0))
    requests = drawn(population, 50, 0.0, 5.0 * HOUR_S)
    assert len(requests) == 0
    assert requests.level_rates_bit_per_s(4).shape == (0, 4)


def test_periods_and_classes_of_days() -> None:
    hours = [0.0, 4.99, 5.0, 8.0, 10.99, 11.0, 14.0, 18.99, 19.0, 23.99]
    names = [PERIODS[index] for index in period_of(np.array(hours) * HOUR_S)]
    assert names == [
        "after_midnight", "after_midnight", "early_morning", "morning", "morning", "mid_day", "afternoon",
        "afternoon", "night", "night",
    ]  # fmt: skip
    days = at_hours(DEFAULT, [24.0 * day + 12.0 for day in range(14)])
    assert days.day_class.tolist() == [0, 0, 0, 0, 0, 1, 1] * 2


def test_places_are_those_of_the_schedule() -> None:
    schedule = {"7.5": "route", "8:30": "work", "17": "mall", "18": "home"}
    weekend = {"10": "restaurant", "12": "coffee_shop"}
    population = Population(personas={"anyone": Persona(weekday=schedule, weekend=weekend)}, schedule_spread_s=0.0)
    hours = [0.0, 7.49, 7.5, 8.49, 8.5, 16.99, 17.0, 18.0, 23.9]  # of Monday
    expected = ["home", "home", "route", "route", "work", "work", "mall", "home", "home"]
    hours += [hour + 24.0 * 5 for hour in (0.0, 9.99, 10.0, 12.0, 23.0)]  # of Saturday
    expected += ["coffee_shop", "coffee_shop", "restaurant", "coffee_shop", "coffee_shop"]
    assert [PLACES[index] for index in at_hours(population, hours).place] == expected
    assert [PLACES[index] for index in at_hours(population, [hour + 168.0 for hour in hours]).place] == expected


def test_who_is_late_is_late_everywhere() -> None:
    population = Population(
        personas={"anyone": Persona(weekday={0: "home", 9: "work"})}, schedule_spread_s=3600.0, request_spread=0.0
    )
    people = people_of(population, 400)
    user, time_s = np.arange(400), np.full(400, 9.0 * HOUR_S)
    requests = draw_contexts(population, people, user, time_s, np.random.default_rng(0))
    np.testing.assert_array_equal(requests.place == PLACES.index("work"), people.schedule_shift_s <= 0.0)
    assert 0.4 < (requests.place == PLACES.index("work")).mean() < 0.6


def test_shares_of_applications_and_activities() -> None:
    mix = {"voice": 0.7, "ar": 0.3}
    doing = {"sitting": 0.25, "walking": 0.75}
    population = Population(
        personas={"anyone": Persona(weekday={0: "home"}, applications=mix)}, activities=Activities(home=doing)
    )
    requests = at_hours(population, [12.0], copies=20_000)
    names = list(population.applications)
    found = np.bincount(requests.application, minlength=len(names)) / len(requests)
    np.testing.assert_allclose(found, [mix.get(name, 0.0) for name in names], atol=0.017)  # 5 deviations
    found = np.bincount(requests.activity, minlength=len(ACTIVITIES)) / len(requests)
    np.testing.assert_allclose(found, [doing.get(name, 0.0) for name in ACTIVITIES], atol=0.017)


def test_speeds_are_those_of_the_activity_and_the_route() -> None:
    population = Population(
        personas={"anyone": Persona(weekday={0: "home", 12: "route"}, travel_speed_m_per_s=Uniform(9.0, 10.0))},
        speeds=Speeds(walking=Uniform(1.0, 2.0)),
        activities=Activities(home={"sitting": 0.5, "walking": 0.5}, route={"sitting": 0.5, "walking": 0.5}),
        schedule_spread_s=0.0,
    )
    requests = at_hours(population, [6.0, 18.0], copies=2000)
    walking, route = requests.activity == ACTIVITIES.index("walking"), requests.place == PLACES.index("route")
    ranges = {(True, True): (1.0, 2.0), (True, False): (1.0, 2.0), (False, True): (9.0, 10.0), (False, False): (0, 0)}
    for (on_foot, travelling), (low, high) in ranges.items():
        speed = requests.speed_m_per_s[(walking == on_foot) & (route == travelling)]
        assert len(speed) > 800
        assert speed.min() == pytest.approx(low, abs=0.02)
        assert speed.max() == pytest.approx(high, abs=0.02)


def test_durations() -> None:
    applications = {
        name: Application(
            min_rate_bit_per_s=1e4, demand_rate_bit_per_s=1e5, duration_s=duration_s, duration_distribution=law
        )
        for name, duration_s, law in (("short", 20.0, "exponential"), ("long", 50.0, "fixed"))
    }
    mix = {"short": 0.75, "long": 0.25}
    population = Population(personas={"anyone": Persona(applications=mix)}, applications=applications)
    requests = at_hours(population, [12.0], copies=40_000)
    assert (requests.duration_s[requests.application == 1] == 50.0).all()
    short_s = requests.duration_s[requests.application == 0]
    assert short_s.mean() == pytest.approx(20.0, rel=0.03)
    assert short_s.std() == pytest.approx(20.0, rel=0.05)
    np.testing.assert_allclose(mean_duration_s(population, people_of(population, 3)), 27.5)


def test_levels_lie_evenly_between_minimum_and_demand() -> None:
    requests = drawn(DEFAULT, 10, 0.0, DAY_S)
    rate = requests.level_rates_bit_per_s(5)
    np.testing.assert_array_equal(rate[:, 0], requests.min_rate_bit_per_s)
    np.testing.assert_array_equal(rate[:, -1], requests.demand_rate_bit_per_s)
    np.testing.assert_allclose(np.diff(rate, axis=1), np.diff(rate[:, [0, -1]], axis=1) / 4.0 * np.ones(4))


def test_selections() -> None:
    requests = drawn(DEFAULT, 10, 0.0, DAY_S)
    chosen = requests.select(requests.user == 3)
    assert 0 < len(chosen) < len(requests)
    assert (chosen.user == 3).all()
    np.testing.assert_array_equal(requests.select(np.array([2, 0])).time_s, requests.time_s[[2, 0]])
