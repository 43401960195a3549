"""What satisfies people in their contexts, and what they say about it."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.rating import ADEQUATE_RATING, TOP_RATING
from mecsim.people.forms.base import Choice
from mecsim.people.forms.zone import ZoneForm
from mecsim.people.people import People, typical_people
from mecsim.people.persona import Shift
from mecsim.people.population import ACTIVITIES, PERIODS, Population
from mecsim.people.requests import Index, Requests
from mecsim.people.satisfaction import Satisfaction
from mecsim.physics.satisfaction import rating_deviation_sos

Array = NDArray[np.float64]


def expected_ratings(
    population: Population, satisfaction: Satisfaction, people: People, requests: Requests, rate_bit_per_s: Array
) -> Array:
    """How satisfied each user would be with each rate, without noise, (R, K), from 0 to 5.

    Args:
        population: what personas and applications there are.
        satisfaction: the form of the rating.
        people: the users; `requests.user` are indices into them.
        requests: R requests.
        rate_bit_per_s: rates that they may be given, (R, K).
    """
    return _ratings(population, satisfaction, people.select(requests.user), requests, rate_bit_per_s)


def typical_ratings(
    population: Population, satisfaction: Satisfaction, requests: Requests, rate_bit_per_s: Array
) -> Array:
    """`expected_ratings`, were all users as their personas say."""
    person = typical_people(population).select(requests.persona)
    return _ratings(population, satisfaction, person, requests, rate_bit_per_s)


def zones(population: Population, law: ZoneForm, people: People, requests: Requests, typical: bool = False) -> Array:
    """Positions of the adequate and the desired level of each request's user in its context, (R, 2).

    `typical`: as if all users were as their personas say.
    """
    person = typical_people(population).select(requests.persona) if typical else people.select(requests.user)
    return law.levels(person, _shifts(population, requests))


def noisy_ratings(satisfaction: Satisfaction, ratings: Array, rng: np.random.Generator) -> Array:
    """What people say: ratings with normal noise, from 0 to 5, of the same shape."""
    deviation: Array | float = satisfaction.noise_deviation
    if satisfaction.noise == "sos":
        deviation = rating_deviation_sos(ratings, satisfaction.sos)
    return np.clip(ratings + deviation * rng.standard_normal(ratings.shape), 0.0, TOP_RATING)


def in_zone(
    population: Population, satisfaction: Satisfaction, people: People, requests: Requests, rate_bit_per_s: Array
) -> NDArray[np.bool_]:
    """Whether each given rate, (R,), is at least adequate for its user: inside the zone of tolerance or above, (R,)."""
    ratings = expected_ratings(population, satisfaction, people, requests, rate_bit_per_s[:, None])[:, 0]
    return np.asarray(ratings >= ADEQUATE_RATING - 1e-9)


def _ratings(
    population: Population, satisfaction: Satisfaction, person: People, requests: Requests, rate_bit_per_s: Array
) -> Array:
    """`person` are those who ask, (R,)."""
    minimum, demand = requests.min_rate_bit_per_s[:, None], requests.demand_rate_bit_per_s[:, None]
    return satisfaction.law.ratings(Choice(rate_bit_per_s, minimum, demand, person, _shifts(population, requests)))


def _shifts(population: Population, requests: Requests) -> Array:
    """How contexts move what satisfies: the shifts of period, place, activity and application added up, (R, 3)."""
    personas = [persona.shifts for persona in population.personas.values()]
    none = Shift()

    def of(names: tuple[str, ...], index: Index) -> Array:
        table = np.array([[shifts.get(name, none) for name in names] for shifts in personas])
        return np.asarray(table[requests.persona, index])

    moved = (
        of(PERIODS, requests.period) + of(population.place_names, requests.place) + of(ACTIVITIES, requests.activity)
    )
    by_application = np.array([application.shift for application in population.applications.values()])
    return np.asarray(moved + by_application[requests.application])
