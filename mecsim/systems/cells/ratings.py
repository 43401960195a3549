"""How the people of a scenario rate their rates: a typical one of each persona, and how the others differ."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mecsim.core.rating import CURVE_PEOPLE, CURVE_POINTS, CURVE_QUANTILES, RatingCurve
from mecsim.errors import InputError
from mecsim.people.people import People, draw_people
from mecsim.people.population import ACTIVITIES, PERIODS, Population
from mecsim.people.requests import DAY_S, HOUR_S, Requests, draw_contexts
from mecsim.people.zones import expected_ratings, typical_ratings
from mecsim.physics.satisfaction import waiting_s
from mecsim.schema.mappings import FrozenDict
from mecsim.schema.words import nearest
from mecsim.systems.cells.draw import DAYS
from mecsim.systems.cells.scenario import CellsScenario

NO_WIDTH = 1.2  # where minimum and demand are equal, rates are shown from so much lower to so much higher
LARGE_BIT_PER_S = 1e6


def rating_curves(scenario: CellsScenario, uses: Sequence[str], seed: int) -> list[RatingCurve]:
    """For each application the curves of all personas; `uses` are the applications, all if there are none.

    Rates are from the minimum to the demanded one of an application. Where delays are rated, these are the delays to
    which such rates lead. The context of a persona is the commonest of its requests at the hours of an episode.

    Raises:
        InputError: there is no such application.
    """
    known = tuple(scenario.population.applications)
    for use in uses:
        if use not in known:
            raise InputError(f"unknown application {use!r}, {nearest(use, known)}")
    return [
        _persona_curve(scenario, persona, use, seed)
        for use in uses or known
        for persona in scenario.population.personas
    ]


def _persona_curve(scenario: CellsScenario, persona: str, use: str, seed: int) -> RatingCurve:
    satisfaction, application = scenario.satisfaction, scenario.population.applications[use]
    alone = _only(scenario.population, persona)
    people = draw_people(alone, satisfaction, CURVE_PEOPLE, np.random.default_rng(seed))
    asked, context = _commonest(scenario, alone, people, seed)
    low, high = application.min_rate_bit_per_s, application.demand_rate_bit_per_s
    requests = replace(
        asked,
        user=np.arange(CURVE_PEOPLE),
        application=np.full(CURVE_PEOPLE, list(alone.applications).index(use)),
        min_rate_bit_per_s=np.full(CURVE_PEOPLE, low),
        demand_rate_bit_per_s=np.full(CURVE_PEOPLE, high),
    )
    shown = (low / NO_WIDTH, high * NO_WIDTH) if low == high else (low, high)
    rate = np.geomspace(*shown, CURVE_POINTS)
    rates = np.broadcast_to(rate, (CURVE_PEOPLE, CURVE_POINTS))
    ratings = expected_ratings(alone, satisfaction, people, requests, rates)
    typical = typical_ratings(alone, satisfaction, requests.select(np.zeros(1, np.int64)), rates[:1])[0]
    quantiles = np.quantile(ratings, CURVE_QUANTILES, axis=0)
    kind = f"{persona.replace('_', ' ')}\n{context}"
    if satisfaction.law.wait_s:
        delay_s = waiting_s(rate, high, satisfaction.law.wait_s)
        return RatingCurve(kind, use, "delay (s)", delay_s[::-1], typical[::-1], quantiles[:, ::-1])
    unit, size = ("Mbit/s", 1e6) if high >= LARGE_BIT_PER_S else ("kbit/s", 1e3)
    return RatingCurve(kind, use, f"rate ({unit})", rate / size, typical, quantiles)


def _only(population: Population, persona: str) -> Population:
    """The population if all were of one persona."""
    alone = population.personas[persona].model_copy(update={"share": 1.0})
    return population.model_copy(update={"personas": FrozenDict({persona: alone})})


def _commonest(scenario: CellsScenario, population: Population, people: People, seed: int) -> tuple[Requests, str]:
    """A request of the commonest context, as often as there are people, and the context in words."""
    rng = np.random.default_rng([seed, 1])
    days = rng.integers(*DAYS[scenario.episode.day], len(people))
    time_s = days * DAY_S + rng.uniform(*scenario.episode.hours, len(people)) * HOUR_S
    asked = draw_contexts(population, people, np.arange(len(people)), time_s, rng)
    shape = len(PERIODS), len(population.place_names), len(ACTIVITIES)
    context = np.ravel_multi_index((asked.period, asked.place, asked.activity), shape)
    commonest = int(np.bincount(context).argmax())
    period, place, activity = (int(index) for index in np.unravel_index(commonest, shape))
    words = ", ".join((PERIODS[period], population.place_names[place], ACTIVITIES[activity])).replace("_", " ")
    return asked.select(np.full(len(people), int((context == commonest).argmax()))), words
