"""The habits of the people of a log as the population of a scenario: where they are when, what they ask for, how often.

Habits are those of a persona; how often someone asks is of the person.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.people.population import ACTIVITIES, PERIOD_START_HOURS, PERIODS, PLACES, Population
from mecsim.people.requests import ROUTE, SEATED
from mecsim.predictor.data import CATEGORIES, Habits, RequestLog
from mecsim.predictor.zones import Zone
from mecsim.schema.mappings import hour_text
from mecsim.schema.units import Uniform, format_quantity, format_range

Counts = NDArray[np.int64]
Codes = NDArray[np.int64]  # what each request is of a category

HOURS_KNOWN = 0.9  # share of the requests whose hour has to be known, for a schedule by hours
ALIKE = 0.15  # hours are told as one if so much of their shares differs at most
RARE = 0.02  # places that are left out of an hour
LEAST_SHIFT = 0.005
DURATION_S = 120.0  # of sessions of whose length nothing tells
OTHER_MAGNITUDE = 100.0  # of rates, from which on they are taken for others
DIGITS = 4


def population_of(log: RequestLog, zones: dict[str, Zone], usual: Population) -> dict[str, Any]:
    """The population of a log as a scenario writes it; what the log does not tell is `usual`."""
    habits, names = log.habits, log.names
    code = _codes(habits)
    activities = _activities(code["place"], code["activity"], names["place"])
    own = {place: mix for place, mix in activities.items() if place not in PLACES}
    known = {place: mix for place, mix in activities.items() if place in PLACES}
    return {
        "personas": _personas(log, zones),
        "applications": _applications(habits, code["application"], names["application"], zones, usual),
        "profile": _profile(code["period"]),
        **({"activities": known} if known and "activity" not in habits.absent else {}),
        **({"places": own} if own else {}),
    }


def rate_problems(log: RequestLog, usual: Population) -> list[str]:
    """A line for each application whose demanded rate is of another order of magnitude than in a scenario."""
    problems = []
    application = log.habits.codes[:, CATEGORIES.index("application")]
    for code, name in enumerate(log.names["application"]):
        if name not in usual.applications or not (application == code).any():
            continue
        said = float(np.median(log.habits.demand_rate_bit_per_s[application == code]))
        known = usual.applications[name].demand_rate_bit_per_s
        if not 1.0 / OTHER_MAGNITUDE < said / known < OTHER_MAGNITUDE:
            problems.append(
                f"the demanded rate of {name} is {format_quantity(float(f'{said:.3g}'), 'bit_rate')} on the median, "
                f"{said / known:.3g} times that of the scenario, {format_quantity(known, 'bit_rate')}: are these the "
                "units? Columns are called demand_rate_bit_per_s, demand_rate_kbit_per_s or demand_rate_mbit_per_s"
            )
    return problems


def shares_of(counts: Counts, names: Sequence[str], rare: float = 0.0) -> dict[str, float]:
    """Counts as shares that sum to 1 as they are written; names without any, or that are rare, are left out."""
    share = counts / counts.sum()
    kept = np.flatnonzero((share > 0.0) & (share >= min(rare, share.max())))
    rounded = np.round(share[kept] / share[kept].sum(), DIGITS)
    rounded[rounded.argmax()] += 1.0 - rounded.sum()
    return {
        names[index]: round(value, DIGITS)
        for index, value in zip(kept.tolist(), rounded.tolist(), strict=True)
        if value > 0.0
    }


def _codes(habits: Habits) -> dict[str, Codes]:
    return {name: habits.codes[:, column].astype(np.int64) for column, name in enumerate(CATEGORIES)}


def requests_per_day(log: RequestLog) -> NDArray[np.float64]:
    """How often each user of a log asks, (U,)."""
    days = int(log.habits.day.max()) + 1
    return np.asarray(np.bincount(log.habits.user, minlength=len(log.users)) / days)


def _personas(log: RequestLog, zones: dict[str, Zone]) -> dict[str, Any]:
    habits, names = log.habits, log.names
    code = _codes(habits)
    persona, per_day = log.users.persona, requests_per_day(log)
    kinds = np.bincount(persona, minlength=len(names["persona"]))
    share = shares_of(kinds, names["persona"])
    personas: dict[str, Any] = {}
    for number, name in enumerate(names["persona"]):
        if name not in share:
            continue
        own = persona[habits.user] == number
        asked = np.bincount(code["application"][own], minlength=len(names["application"]))
        told: dict[str, Any] = {"share": share[name]}
        told["requests_per_day"] = round(float(per_day[persona == number].mean()), DIGITS)
        told |= _schedules(habits, own, code["day_class"], code["period"], code["place"], names["place"])
        told["applications"] = shares_of(asked, names["application"])
        travelling = own & (code["place"] == ROUTE) & np.isin(code["activity"], SEATED) & (habits.speed_m_per_s > 0.0)
        if travelling.any():
            slow, fast = np.quantile(habits.speed_m_per_s[travelling], [0.05, 0.95]).round(2).tolist()
            told["travel_speed"] = format_range(Uniform(max(slow, 0.01), max(fast, slow, 0.01)), "speed")
        if name in zones:
            zone = zones[name]
            told |= {"adequate": round(zone.adequate, DIGITS), "desired": round(zone.desired, DIGITS)}
            moving = {each: by for kind in ("period", "place", "activity") for each, by in zone.shifts[kind].items()}
            told["shifts"] = {each: round(by, DIGITS) for each, by in moving.items() if abs(by) >= LEAST_SHIFT}
        personas[name] = told
    return personas


def _schedules(
    habits: Habits, own: NDArray[np.bool_], day_class: Codes, period: Codes, place: Codes, names: Sequence[str]
) -> dict[str, Any]:
    """Shares of places by start hour, of weekdays and weekends; where there are no requests it is as before."""
    by_hour = np.isfinite(habits.hour[own]).mean() >= HOURS_KNOWN
    starts = tuple(float(hour) for hour in range(24)) if by_hour else PERIOD_START_HOURS
    when = np.nan_to_num(habits.hour).astype(np.int64) if by_hour else period
    schedules = {}
    for day, key in enumerate(("weekday", "weekend")):
        here = own & (day_class == day)
        here = here if here.any() else own
        counts = np.zeros((len(starts), len(names)), np.int64)
        np.add.at(counts, (when[here], place[here]), 1)
        schedules[key] = _told_schedule(counts, starts, names)
    return schedules


def _told_schedule(counts: Counts, starts: Sequence[float], names: Sequence[str]) -> dict[str, Any]:
    parts: list[tuple[float, Counts]] = []
    for start, here in zip(starts, counts, strict=True):
        if not here.sum():
            continue
        if parts and np.abs(here / here.sum() - parts[-1][1] / parts[-1][1].sum()).sum() / 2.0 <= ALIKE:
            parts[-1] = parts[-1][0], parts[-1][1] + here
        else:
            parts.append((start, here))
    schedule: dict[str, Any] = {}
    for start, here in parts:
        mix = shares_of(here, names, RARE)
        schedule[hour_text(start)] = next(iter(mix)) if len(mix) == 1 else mix
    return schedule


def _applications(
    habits: Habits, application: Codes, names: Sequence[str], zones: dict[str, Zone], usual: Population
) -> dict[str, Any]:
    shifts = next(iter(zones.values())).shifts["application"]
    applications = {}
    for code, name in enumerate(names):
        here = application == code
        if not here.any():
            continue
        minimum, demand = (
            float(f"{np.median(rates[here]):.4g}")
            for rates in (habits.min_rate_bit_per_s, habits.demand_rate_bit_per_s)
        )
        known = habits.duration_s[here][habits.duration_s[here] > 0.0]
        duration_s = float(f"{known.mean():.4g}") if len(known) else DURATION_S
        if not len(known) and name in usual.applications:
            duration_s = usual.applications[name].duration_s
        applications[name] = {
            "min_rate": format_quantity(min(minimum, demand), "bit_rate"),
            "demand_rate": format_quantity(demand, "bit_rate"),
            "duration": format_quantity(duration_s, "duration"),
            "shift": round(shifts.get(name, 0.0), DIGITS),
        }
    return applications


def _profile(period: Codes) -> dict[str, float]:
    hours = np.diff([*PERIOD_START_HOURS, 24.0])
    per_hour = np.bincount(period, minlength=len(PERIODS)) / hours
    return {name: round(float(rate), DIGITS) for name, rate in zip(PERIODS, per_hour / per_hour.max(), strict=True)}


def _activities(place: Codes, activity: Codes, names: Sequence[str]) -> dict[str, dict[str, float]]:
    counts = np.zeros((len(names), len(ACTIVITIES)), np.int64)
    np.add.at(counts, (place, activity), 1)
    return {name: shares_of(here, ACTIVITIES) for name, here in zip(names, counts, strict=True) if here.sum()}
