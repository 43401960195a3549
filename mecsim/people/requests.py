"""Requests: who asks when, where, doing what, for which application, at which rates and for how long."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mecsim.people.people import People
from mecsim.people.population import ACTIVITIES, PERIOD_START_HOURS, PERIODS, PLACES, Population

Array = NDArray[np.float64]
Index = NDArray[np.int64]

HOUR_S, DAY_S = 3600.0, 86_400.0
DAYS_OF_WEEK, WORKING_DAYS = 7, 5  # from Monday
ROUTE = PLACES.index("route")
SEATED = tuple(ACTIVITIES.index(name) for name in ("laying", "sitting", "standing"))  # carried along on the route


@dataclass(frozen=True, eq=False)
class Requests:
    """R requests; all arrays are (R,). Indices are into the enumerations, and into the mappings of the scenario."""

    user: Index
    time_s: Array  # since Monday 0:00 of the first week
    persona: Index
    day_class: Index
    period: Index
    place: Index
    activity: Index
    speed_m_per_s: Array
    application: Index
    min_rate_bit_per_s: Array
    demand_rate_bit_per_s: Array
    duration_s: Array

    def __len__(self) -> int:
        return len(self.user)

    def select(self, index: Index | NDArray[np.bool_]) -> Self:
        """Those of the requests at `index`, in that order."""
        return replace(self, **{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def level_rates_bit_per_s(self, levels: int) -> Array:
        """The rates at which they can be served, (R, K): evenly from the minimum to the demanded rate."""
        share = np.linspace(0.0, 1.0, levels)
        low, high = self.min_rate_bit_per_s[:, None], self.demand_rate_bit_per_s[:, None]
        return np.asarray(low + (high - low) * share)


def period_of(time_s: Array) -> Index:
    """The period of the day, an index into `PERIODS`."""
    hour = np.asarray(time_s, np.float64) % DAY_S / HOUR_S
    return np.asarray(np.searchsorted(PERIOD_START_HOURS, hour, side="right") - 1, np.int64)


def day_class_of(time_s: Array) -> Index:
    """0 from Monday to Friday, 1 on Saturday and Sunday."""
    day = np.asarray(time_s, np.float64) // DAY_S % DAYS_OF_WEEK
    return np.asarray(day >= WORKING_DAYS, np.int64)


def period_factors(population: Population) -> Array:
    """Rate of requests in each period relative to the mean of the day, (6,)."""
    weight = np.array([getattr(population.profile, period) for period in PERIODS])
    hours = np.diff([*PERIOD_START_HOURS, 24.0])
    return np.asarray(weight * 24.0 / (weight * hours).sum())


def mean_request_rate_per_s(population: Population, people: People) -> Array:
    """Requests per second of each person on the mean of a day, (U,)."""
    per_day = np.array([persona.requests_per_day for persona in population.personas.values()])
    return np.asarray(per_day[people.persona] * people.request_factor / DAY_S)


def request_rate_per_s(population: Population, people: People, time_s: float) -> Array:
    """Expected requests per second of each person at a time since Monday 0:00, (U,)."""
    factor = period_factors(population)[period_of(np.array(time_s))]
    return np.asarray(mean_request_rate_per_s(population, people) * factor)


def mean_duration_s(population: Population, people: People) -> Array:
    """Mean duration of each person's sessions, over the applications, (U,)."""
    duration_s = np.array([application.duration_s for application in population.applications.values()])
    return np.asarray((_application_shares(population) @ duration_s)[people.persona])


def draw_requests(
    population: Population, people: People, first_s: float, until_s: float, rng: np.random.Generator
) -> Requests:
    """All requests of an interval of time, sorted by time: a Poisson process whose rate changes with the period."""
    edges_s = _period_edges_s(first_s, until_s)
    length_s = np.diff(edges_s)
    expected = period_factors(population)[period_of(edges_s[:-1])] * length_s
    counts = rng.poisson(mean_request_rate_per_s(population, people)[:, None] * expected)
    user, part = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    time_s = edges_s[part] + length_s[part] * rng.random(len(part))
    time_s = np.minimum(time_s, np.nextafter(until_s, first_s))  # rounding may reach the end
    order = np.argsort(time_s, kind="stable")
    return draw_contexts(population, people, user[order], time_s[order], rng)


def draw_contexts(
    population: Population, people: People, user: Index, time_s: Array, rng: np.random.Generator
) -> Requests:
    """The requests that people make at given times: where they are, what they do and what they ask for.

    Args:
        population: who the people are.
        people: all of them.
        user: who asks, (R,), indices into `people`.
        time_s: when, (R,), since Monday 0:00 of the first week.
        rng: what is random.
    """
    applications = list(population.applications.values())
    persona = people.persona[user]
    doing, asking, moving = rng.random((3, len(user)))
    unit_duration = rng.standard_exponential(len(user))

    place = _places(population, persona, time_s - people.schedule_shift_s[user], rng)
    activity = _pick(_activity_shares(population)[place], doing)
    application = _pick(_application_shares(population)[persona], asking)
    fixed = np.array([entry.duration_distribution == "fixed" for entry in applications])[application]
    duration_s = np.array([entry.duration_s for entry in applications])[application]
    return Requests(
        user=user,
        time_s=time_s,
        persona=persona,
        day_class=day_class_of(time_s),
        period=period_of(time_s),
        place=place,
        activity=activity,
        speed_m_per_s=_speeds_m_per_s(population, persona, place, activity, moving),
        application=application,
        min_rate_bit_per_s=np.array([entry.min_rate_bit_per_s for entry in applications])[application],
        demand_rate_bit_per_s=np.array([entry.demand_rate_bit_per_s for entry in applications])[application],
        duration_s=np.where(fixed, duration_s, duration_s * unit_duration),
    )


def _period_edges_s(first_s: float, until_s: float) -> Array:
    """The ends of an interval, and the beginnings of periods between them."""
    days = np.arange(first_s // DAY_S, until_s // DAY_S + 1.0)
    starts_s = (days[:, None] * DAY_S + np.multiply(PERIOD_START_HOURS, HOUR_S)).ravel()
    inside = starts_s[(starts_s > first_s) & (starts_s < until_s)]
    return np.concatenate([[first_s], inside, [until_s]])


def _places(population: Population, persona: Index, time_s: Array, rng: np.random.Generator) -> Index:
    """Where people are by their schedules at their own time, which differs from the clock by how late they are."""
    schedules = [list(day.items()) for entry in population.personas.values() for day in (entry.weekday, entry.weekend)]
    names = population.place_names
    longest = max(map(len, schedules))
    start_h = np.full((len(schedules), longest), np.inf)
    shares = np.zeros((len(schedules), longest + 1, len(names)))
    for own, schedule in enumerate(schedules):
        start_h[own, : len(schedule)] = [hour for hour, _ in schedule]
        mixes = [{place: 1.0} if isinstance(place, str) else place for _, place in schedule]
        mixes = [mixes[-1], *mixes]  # before the first start, the last place of the day
        shares[own, : len(mixes)] = [[mix.get(name, 0.0) for name in names] for mix in mixes]
    row = 2 * persona + day_class_of(time_s)
    begun = (start_h[row] <= (time_s % DAY_S / HOUR_S)[:, None]).sum(axis=1)
    if ((shares == 0.0) | (shares == 1.0)).all():  # nothing is left to chance
        return np.asarray(shares.argmax(axis=2)[row, begun])
    return _pick(shares[row, begun], rng.random(len(row)))


def _application_shares(population: Population) -> Array:
    """Share of each application in the requests of each persona."""
    names = list(population.applications)
    even = dict.fromkeys(names, 1.0 / len(names))
    mixes = [persona.applications or even for persona in population.personas.values()]
    return np.array([[mix.get(name, 0.0) for name in names] for mix in mixes])


def _activity_shares(population: Population) -> Array:
    """Share of each activity at each place."""
    return np.array([[mix.get(name, 0.0) for name in ACTIVITIES] for mix in population.place_activities])


def _pick(shares: Array, chance: Array) -> Index:
    """An index for each row of shares, by a uniform number from 0 to below 1."""
    edges = np.cumsum(shares, axis=1)
    edges /= edges[:, -1:]
    return np.asarray((chance[:, None] >= edges[:, :-1]).sum(axis=1), np.int64)


def _speeds_m_per_s(population: Population, persona: Index, place: Index, activity: Index, chance: Array) -> Array:
    """Speeds within the range of the activity; 0 for who is seated, except on the route."""
    ends = np.zeros((len(ACTIVITIES), 2))
    for name in type(population.speeds).model_fields:
        ends[ACTIVITIES.index(name)] = getattr(population.speeds, name)
    travel = np.array([entry.travel_speed_m_per_s for entry in population.personas.values()])
    carried = (place == ROUTE) & np.isin(activity, SEATED)
    low, high = np.where(carried[:, None], travel[persona], ends[activity]).T
    return np.asarray(low + (high - low) * chance)
