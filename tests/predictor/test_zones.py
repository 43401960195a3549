"""Zones and habits of the people of a log, against the truth that the log was made by."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.people.dataset import write_dataset
from mecsim.people.people import People, draw_people_of
from mecsim.people.population import PERIODS, Population
from mecsim.people.requests import draw_requests, mean_request_rate_per_s
from mecsim.predictor import fit as predictor_fit
from mecsim.predictor.data import CATEGORIES, RequestLog
from mecsim.predictor.fit import fit_predictor
from mecsim.predictor.habits import population_of, rate_problems, requests_per_day, shares_of
from mecsim.predictor.predictor import Predictor
from mecsim.predictor.read import read_log
from mecsim.predictor.zones import Levels, Zone, levels_of, zones_of
from mecsim.scenario import parse_scenario
from mecsim.systems.cells.scenario import CellsScenario

HIDDEN = parse_scenario(
    """
mecsim: 1
kind: cells
population:
  personas:
    clerk: {share: 0.5, requests_per_day: 30, adequate: 0.4, desired: 0.8, shifts: {office: 0.1},
            weekday: {0: flat, 8: office, 12: {park: 0.5, office: 0.5}, 14: office, 17: flat}, weekend: {0: flat}}
    driver: {share: 0.5, requests_per_day: 60, adequate: 0.2, desired: 0.5, shifts: {},
             weekday: {0: flat, 6: route, 18: flat}, weekend: {0: flat}}
  applications:
    call: {min_rate: 30 kbit/s, demand_rate: 100 kbit/s, duration: 100 s}
    film: {min_rate: 500 kbit/s, demand_rate: 5 Mbit/s, duration: 10 min, shift: 0.05}
  places: {flat: {laying: 0.5, sitting: 0.5}, office: {sitting: 1}, park: {walking: 1}}
  schedule_spread: 0 s
satisfaction: {spread: 0.3}
"""
)
assert isinstance(HIDDEN, CellsScenario)
POPULATION, SATISFACTION = HIDDEN.population, HIDDEN.satisfaction
USERS, DAYS, SEED = 24, 14, 3


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people_of(POPULATION, SATISFACTION, USERS, SEED)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> RequestLog:
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    write_dataset(path, POPULATION, SATISFACTION, users=USERS, days=DAYS, seed=SEED, levels=8)
    return read_log(path)


@pytest.fixture(scope="module")
def predictor(log: RequestLog) -> Predictor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictor_fit, "TREES", 60)
        return fit_predictor(log, np.random.default_rng(0))


@pytest.fixture(scope="module")
def zones(log: RequestLog, predictor: Predictor) -> dict[str, Zone]:
    return zones_of(log, predictor, np.random.default_rng(0))


@pytest.fixture(scope="module")
def levels(log: RequestLog, predictor: Predictor, zones: dict[str, Zone]) -> Levels:
    return levels_of(log, predictor, zones)


def test_zones_of_personas(zones: dict[str, Zone], people: People) -> None:
    """Thresholds in a context are the persona's, but for who its few people are."""
    for number, (name, persona) in enumerate(POPULATION.personas.items()):
        own = people.persona == number
        for place in ("office", "flat") if name == "clerk" else ("route", "flat"):
            for use, application in POPULATION.applications.items():
                moved = zones[name].shifts["place"][place] + zones[name].shifts["application"][use]
                true = application.shift.adequate + (0.1 if place == "office" else 0.0)
                assert zones[name].adequate + moved == pytest.approx(people.adequate[own].mean() + true, abs=0.06)
                assert zones[name].desired + moved == pytest.approx(people.desired[own].mean() + true, abs=0.06)
        assert persona.adequate < people.adequate.max()


def test_levels_of_people(levels: Levels, log: RequestLog, people: People) -> None:
    """People differ by 0.1; they are found within a hundredth, and how far off they are is told."""
    for found, deviation, true in (
        (levels.adequate, levels.adequate_deviation, people.adequate),
        (levels.desired, levels.desired_deviation, people.desired),
    ):
        for number in range(2):
            own = people.persona == number
            error = (found - true)[own]
            error -= error.mean()  # what a persona has in common may be in shifts as well
            assert error.std() < 0.2 * true[own].std()
            assert 0.4 < np.sqrt(np.mean((error / deviation[own]) ** 2)) < 2.5
    np.testing.assert_array_equal(levels.ratings, np.bincount(log.user, minlength=USERS))
    assert (np.abs(levels.correlation) <= 1.0).all()


def test_who_has_rated_little_is_like_the_persona(
    log: RequestLog, predictor: Predictor, zones: dict[str, Zone], levels: Levels
) -> None:
    """Without a rating as uncertain as people differ; with few in between."""
    counted = np.arange(len(log)) - np.searchsorted(np.sort(log.user), log.user)
    first, second = 0, 1
    few = (log.user != first) & ((log.user != second) | (np.cumsum(log.user == second) <= 5))
    found = levels_of(log.select(few), predictor, zones)
    assert found.ratings[[first, second]].tolist() == [0, 5]
    persona = zones[log.names["persona"][log.users.persona[first]]]
    assert found.adequate[first] == pytest.approx(persona.adequate, abs=1e-6)
    assert found.adequate_deviation[first] > found.adequate_deviation[second] > levels.adequate_deviation[second]
    assert counted.shape == log.user.shape


def test_habits_make_the_same_requests(log: RequestLog, zones: dict[str, Zone], people: People) -> None:
    """The population that is read off a log asks where, when and for what the log's does."""
    described = population_of(log, zones, Population())
    assert set(described["personas"]) == {"clerk", "driver"}
    assert set(described["places"]) == {"flat", "office", "park"}
    assert described["personas"]["driver"]["weekday"] == {"0": "flat", "6": "route", "18": "flat"}
    clerk = described["personas"]["clerk"]["weekday"]
    assert list(clerk) == ["0", "8", "12", "14", "17"]
    assert clerk["12"]["park"] == pytest.approx(0.5, abs=0.08)
    assert described["applications"]["film"]["demand_rate"] == "5 Mbit/s"
    scenario = parse_scenario(f"mecsim: 1\nkind: cells\npopulation: {described!r}")
    assert isinstance(scenario, CellsScenario)
    found = scenario.population
    for name, persona in POPULATION.personas.items():
        assert found.personas[name].share == pytest.approx(persona.share, abs=0.01)
    np.testing.assert_allclose(requests_per_day(log), mean_request_rate_per_s(POPULATION, people) * 86400.0, rtol=0.25)
    week = 7 * 86400.0
    first, second = (
        draw_requests(each, draw_people_of(each, SATISFACTION, 60, 0), 0.0, week, np.random.default_rng(1))
        for each in (POPULATION, found)
    )
    for kind, own, other in (
        ("period", PERIODS, PERIODS),
        ("place", POPULATION.place_names, found.place_names),
        ("application", tuple(POPULATION.applications), tuple(found.applications)),
    ):
        shares = [
            {name: (np.array(names)[getattr(requests, kind)] == name).mean() for name in names}
            for requests, names in ((first, own), (second, other))
        ]
        for name, share in shares[0].items():
            assert shares[1].get(name, 0.0) == pytest.approx(share, abs=0.06), (kind, name)


def test_periods_alone_tell_a_schedule_too(log: RequestLog, zones: dict[str, Zone]) -> None:
    blind = replace(log, habits=replace(log.habits, hour=np.full(len(log.habits.user), np.nan)))
    driver = population_of(blind, zones, Population())["personas"]["driver"]["weekday"]
    assert set(driver) <= {"0", "5", "8", "11", "14", "19"}
    assert driver["8"] == "route"


def test_what_the_log_does_not_tell_is_usual(log: RequestLog, zones: dict[str, Zone]) -> None:
    silent = replace(log, habits=replace(log.habits, duration_s=np.full(len(log.habits.user), np.nan)))
    applications = population_of(silent, zones, POPULATION)["applications"]
    assert applications["film"]["duration"] == "600 s"
    assert population_of(silent, zones, Population())["applications"]["film"]["duration"] == "120 s"


@pytest.mark.parametrize(("factor", "wrong"), [(1.0, 0), (3.0, 0), (1e3, 2), (1e-3, 2)])
def test_rates_of_another_order_of_magnitude(log: RequestLog, factor: float, wrong: int) -> None:
    rates = replace(log.habits, demand_rate_bit_per_s=factor * log.habits.demand_rate_bit_per_s)
    problems = rate_problems(replace(log, habits=rates), POPULATION)
    assert len(problems) == wrong
    assert all(f"{factor:.3g} times that of the scenario" in problem for problem in problems)
    assert rate_problems(replace(log, habits=rates), Population()) == []  # no application of that name


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_shares_can_be_written(counts: list[int]) -> None:
    names = [f"n{index}" for index in range(len(counts))]
    shares: dict[str, Any] = shares_of(np.array(counts), names)
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert all(share > 0.0 for share in shares.values())
    for name, count in zip(names, counts, strict=True):
        assert shares.get(name, 0.0) == pytest.approx(count / sum(counts), abs=2e-3)


def test_own_places_are_categories(log: RequestLog, tmp_path: Path) -> None:
    assert log.names["place"][-3:] == ("flat", "office", "park")
    assert set(np.array(log.names["place"])[log.codes[:, CATEGORIES.index("place")]]) == {
        "flat", "office", "park", "route",
    }  # fmt: skip
