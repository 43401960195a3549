"""How people rate a quality: what a typical person feels, and how the people of a kind differ from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mecsim.engines.cell_draw import DAYS
from mecsim.errors import InputError
from mecsim.physics.delay_rating import delay_rating
from mecsim.physics.satisfaction import waiting_s
from mecsim.population.patience import draw_patience
from mecsim.population.people import People, draw_people
from mecsim.population.requests import DAY_S, HOUR_S, Requests, draw_contexts
from mecsim.population.zones import expected_ratings, typical_ratings
from mecsim.scenario import AnyScenario, CellScenario
from mecsim.scenario.delay_satisfaction import DelaySatisfaction
from mecsim.scenario.mappings import FrozenDict
from mecsim.scenario.population import ACTIVITIES, PERIODS, PLACES, Population
from mecsim.scenario.text import nearest

Array = NDArray[np.float64]

PEOPLE = 500  # of each kind
POINTS = 121  # of each curve
QUANTILES = (0.1, 0.25, 0.75, 0.9)
AROUND = 10.0  # delays of tasks are shown from so much shorter than the zone to so much longer
NO_WIDTH = 1.2  # where minimum and demand are equal, rates are shown from so much lower to so much higher
LARGE_BIT_PER_S = 1e6


@dataclass(frozen=True, slots=True)
class RatingCurve:
    """Ratings, 0 to 5, of the people of one kind for one use."""

    people: str  # of which kind, in which context
    use: str  # an application, or empty
    quality: str  # what is rated, with its unit
    values: Array  # (K,) of the quality, ascending
    typical: Array  # (K,)
    quantiles: Array  # (QUANTILES, K) over the people


def rating_curves(scenario: AnyScenario, uses: Sequence[str], seed: int) -> list[RatingCurve]:
    """The curves of a scenario, for each application all personas; `uses` are the applications, all if there are none.

    Rates are from the minimum to the demanded one of an application. Where delays are rated, these are the delays to
    which such rates lead. The context of a persona is the commonest of its requests at the hours of an episode.

    Raises:
        InputError: nothing in the scenario rates a quality, or it has no such application.
    """
    if isinstance(scenario, CellScenario):
        known = tuple(scenario.population.applications)
        for use in uses:
            if use not in known:
                raise InputError(f"unknown application {use!r}, {nearest(use, list(known))}")
        return [
            _persona_curve(scenario, persona, use, seed)
            for use in uses or known
            for persona in scenario.population.personas
        ]
    if scenario.satisfaction is None:
        raise InputError("nothing is rated in this scenario, expected one of kind personalize or with satisfaction")
    if uses:
        raise InputError("this scenario has no applications, expected none to be named")
    return [_delay_curve(scenario.satisfaction, seed)]


def _persona_curve(scenario: CellScenario, persona: str, use: str, seed: int) -> RatingCurve:
    satisfaction, application = scenario.satisfaction, scenario.population.applications[use]
    alone = _only(scenario.population, persona)
    people = draw_people(alone, satisfaction, PEOPLE, np.random.default_rng(seed))
    asked, context = _commonest(scenario, alone, people, seed)
    low, high = application.min_rate_bit_per_s, application.demand_rate_bit_per_s
    requests = replace(
        asked,
        user=np.arange(PEOPLE),
        application=np.full(PEOPLE, list(alone.applications).index(use)),
        min_rate_bit_per_s=np.full(PEOPLE, low),
        demand_rate_bit_per_s=np.full(PEOPLE, high),
    )
    shown = (low / NO_WIDTH, high * NO_WIDTH) if low == high else (low, high)
    rate = np.geomspace(*shown, POINTS)
    rates = np.broadcast_to(rate, (PEOPLE, POINTS))
    ratings = expected_ratings(alone, satisfaction, people, requests, rates)
    typical = typical_ratings(alone, satisfaction, requests.select(np.zeros(1, np.int64)), rates[:1])[0]
    quantiles = np.quantile(ratings, QUANTILES, axis=0)
    kind = f"{persona.replace('_', ' ')}\n{context}"
    if satisfaction.wait_s:
        delay_s = waiting_s(rate, high, satisfaction.wait_s)
        return RatingCurve(kind, use, "delay (s)", delay_s[::-1], typical[::-1], quantiles[:, ::-1])
    unit, size = ("Mbit/s", 1e6) if high >= LARGE_BIT_PER_S else ("kbit/s", 1e3)
    return RatingCurve(kind, use, f"rate ({unit})", rate / size, typical, quantiles)


def _only(population: Population, persona: str) -> Population:
    """The population if all were of one persona."""
    alone = population.personas[persona].model_copy(update={"share": 1.0})
    return population.model_copy(update={"personas": FrozenDict({persona: alone})})


def _commonest(scenario: CellScenario, population: Population, people: People, seed: int) -> tuple[Requests, str]:
    """A request of the commonest context, as often as there are people, and the context in words."""
    rng = np.random.default_rng([seed, 1])
    days = rng.integers(*DAYS[scenario.episode.day], len(people))
    time_s = days * DAY_S + rng.uniform(*scenario.episode.hours, len(people)) * HOUR_S
    asked = draw_contexts(population, people, np.arange(len(people)), time_s, rng)
    shape = len(PERIODS), len(PLACES), len(ACTIVITIES)
    context = np.ravel_multi_index((asked.period, asked.place, asked.activity), shape)
    commonest = int(np.bincount(context).argmax())
    period, place, activity = (int(index) for index in np.unravel_index(commonest, shape))
    words = ", ".join((PERIODS[period], PLACES[place], ACTIVITIES[activity])).replace("_", " ")
    return asked.select(np.full(len(people), int((context == commonest).argmax()))), words


def _delay_curve(satisfaction: DelaySatisfaction, seed: int) -> RatingCurve:
    patience = draw_patience(satisfaction, 1, PEOPLE, np.random.default_rng(seed))[0]
    if satisfaction.form == "zone":
        median = np.array([satisfaction.adequate_s, satisfaction.desired_s])
        shortest_s, longest_s = satisfaction.desired_s / AROUND, satisfaction.adequate_s * AROUND
    else:
        median = np.array([satisfaction.centre_s, satisfaction.steepness_per_s])
        shortest_s, longest_s = satisfaction.centre_s / AROUND, satisfaction.centre_s * AROUND
    delay_s = np.geomspace(shortest_s, longest_s, POINTS)
    ratings = delay_rating(satisfaction, np.broadcast_to(delay_s, (PEOPLE, POINTS)), patience[:, None])
    return RatingCurve(
        people="users",
        use="",
        quality="delay of a task (s)",
        values=delay_s,
        typical=delay_rating(satisfaction, delay_s, median),
        quantiles=np.quantile(ratings, QUANTILES, axis=0),
    )
