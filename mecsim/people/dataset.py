"""The request log of a population: who was given what when, and how satisfied that made them.

It is made in slices of some days, or of a part of a day, so that memory does not depend on the number of days. Each
slice has a generator of its own. The log of a seed has the same bytes whenever it is written with the same versions.
"""

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import atomic_write
from mecsim.errors import InputError
from mecsim.people.known import KnownPeople
from mecsim.people.people import People, draw_people_of
from mecsim.people.population import ACTIVITIES, DAY_CLASSES, PERIODS, Population
from mecsim.people.requests import DAY_S, Requests, draw_requests, mean_request_rate_per_s, period_factors
from mecsim.people.satisfaction import Satisfaction
from mecsim.people.zones import expected_ratings, noisy_ratings
from mecsim.version import __version__

if TYPE_CHECKING:
    from mecsim.people.log_file import Column

Array = NDArray[np.float64]

FORMAT = 1
FIRST_DATE = np.datetime64("2024-01-01")  # a Monday
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SPEED_RANGES = ("still", "below_2", "2_to_8", "from_8")
SPEED_EDGES_M_PER_S = (1e-9, 2.0, 8.0)  # on foot, and slow and fast vehicles
SLICE_REQUESTS = 2**17  # about as many are made at a time
SLICE_COUNTS = 2**21  # numbers of requests, of each person and period, that are drawn at a time
SUFFIXES = (".parquet", ".csv")

EXPLORATION = 0.3  # share of the requests whose level is drawn evenly


@runtime_checkable
class Peopled(Protocol):
    """A scenario of people who ask for something."""

    @property
    def population(self) -> Population:
        """Who they are."""

    @property
    def satisfaction(self) -> Satisfaction:
        """What satisfies them."""

    @property
    def levels(self) -> int:
        """At how many rates a request can be served."""

    @property
    def known_people(self) -> KnownPeople | None:
        """The people of a file, if it names one."""


@dataclass(frozen=True)
class Written:
    """What a log came to."""

    requests: int
    mean_satisfaction: float  # without noise
    mean_share_of_demand: float  # given rate relative to the demanded one


def write_dataset(
    path: Path,
    population: Population,
    satisfaction: Satisfaction,
    *,
    users: int | KnownPeople,
    days: int,
    seed: int,
    levels: int,
    run: "Run" = map,
) -> Written:
    """Write the log of people over `days` days, from a Monday on, to a Parquet or CSV file.

    Args:
        path: file to write, `.parquet` or `.csv`; one that is there is replaced once the new one is complete.
        population: who the people are.
        satisfaction: how satisfied they are.
        users: number of people, of whom the first ones are the same for any number; or those of a file, who are as it
            says, whatever is uncertain.
        days: number of days.
        seed: seed of people, requests, given rates and noise.
        levels: rates at which a request can be served, at least 2.
        run: makes the slices, in their order; other processes can.

    Raises:
        InputError: pyarrow is missing, or the name has another ending; OSError: the file cannot be written.
    """
    check_dataset_package()
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a file that ends in {' or '.join(SUFFIXES)}")
    from mecsim.people.log_file import LogFile

    people, ids = _people(population, satisfaction, users, seed)
    origin = {
        "format": FORMAT,
        "users": len(people),
        "days": days,
        "seed": seed,
        "levels": levels,
        "version": __version__,
    }
    rows, rating, share = 0, 0.0, 0.0
    with atomic_write(path) as partial, LogFile(partial, path.suffix == ".csv", origin) as file:
        for columns in log_slices(population, satisfaction, people, days, seed, levels, run):
            if ids is not None:
                columns["user"] = columns["user"], ids
            file.write(columns)
            rows += len(columns["request"])
            rating += float(np.sum(columns["satisfaction"]))
            share += float(np.sum(columns["given_rate_kbit_per_s"] / columns["demand_rate_kbit_per_s"]))
    return Written(rows, rating / max(rows, 1), share / max(rows, 1))


def _people(
    population: Population, satisfaction: Satisfaction, users: int | KnownPeople, seed: int
) -> tuple[People, tuple[str, ...] | None]:
    """The people of a log, and what it calls them; None for their numbers."""
    if isinstance(users, int):
        return draw_people_of(population, satisfaction, users, seed), None
    for one in users.ids:
        if set(one) & set(',"\r\n'):
            raise InputError(f"{users.path}: user '{one}': a log has no ids with commas, quotes or line ends")
    return users.people(population), users.ids


def check_dataset_package() -> None:
    """Raise InputError if the package is missing that writes logs."""
    if importlib.util.find_spec("pyarrow") is None:
        raise InputError("dataset needs pyarrow: pip install 'mecsim[data]'")


def log_slices(
    population: Population, satisfaction: Satisfaction, people: People, days: int, seed: int, levels: int,
    run: "Run" = map,
) -> "Iterator[dict[str, Any]]":  # fmt: skip
    """The log as consecutive slices in the order of time, each a dict of columns of one length.

    A column is an array of values, or a pair of indices and the names that they point to.
    """
    edges_s = _slice_edges_s(mean_request_rate_per_s(population, people), days)
    parts = [_Part(number, *edges) for number, edges in enumerate(pairwise(edges_s.tolist()))]
    first = 0
    for columns in run(_Slices(population, satisfaction, people, days, seed, levels), parts):
        columns["request"] += first
        first += len(columns["request"])
        yield columns


class _Part(NamedTuple):
    number: int
    begin_s: float
    end_s: float

    def __str__(self) -> str:
        return f"part {self.number} of the log"


@dataclass(frozen=True)
class _Slices:
    """Makes each slice by itself; requests are counted from its first one on."""

    population: Population
    satisfaction: Satisfaction
    people: People
    days: int
    seed: int
    levels: int

    def __call__(self, part: _Part) -> "dict[str, Any]":
        population, satisfaction, people = self.population, self.satisfaction, self.people
        rng = np.random.default_rng([self.seed, 1, part.number])
        requests = draw_requests(population, people, part.begin_s, part.end_s, rng)
        rate = requests.level_rates_bit_per_s(self.levels)
        given = rate[np.arange(len(requests)), log_levels(population, requests, self.levels, rng)]
        ratings = expected_ratings(population, satisfaction, people, requests, given[:, None])[:, 0]
        said = noisy_ratings(satisfaction, ratings, rng)
        return _columns(population, requests, _dates(self.days), given, ratings, said)


Run = Callable[[_Slices, Sequence[_Part]], Iterable[dict[str, Any]]]


def _slice_edges_s(rate_per_s: Array, days: int) -> Array:
    """Where slices begin and end: whole days, or equal parts of a day if that has too many requests for one slice."""
    per_day = rate_per_s.sum() * DAY_S
    whole_days = int(min(SLICE_REQUESTS / per_day, SLICE_COUNTS / (len(rate_per_s) * (len(PERIODS) + 1))))
    if whole_days >= 1:
        return np.append(np.arange(0, days, whole_days), days) * DAY_S
    parts = int(np.ceil(per_day / SLICE_REQUESTS))
    return np.append(np.arange(days * parts) * (DAY_S / parts), days * DAY_S)


def log_levels(population: Population, requests: Requests, levels: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At which level, 0 to K − 1, the policy of the log serves each request, (R,).

    What a network does, and enough else to learn from: with probability 1 − ε the demanded rate lowered by up to K − 1
    levels times the load, uniformly, where the load is the rate of requests in the period relative to that in the
    busiest one; else any level, uniformly (ε = 0.3).
    """
    factors = period_factors(population)
    load = (factors / factors.max())[requests.period]
    exploring, lowered = rng.random((2, len(requests)))
    usual = levels - 1 - np.floor(lowered * (load * (levels - 1) + 1.0)).astype(np.int64)
    any_level = rng.integers(0, levels, len(requests))
    return np.where(exploring < EXPLORATION, any_level, np.maximum(usual, 0))


@cache
def _times() -> tuple[str, ...]:
    """Each second of a day as text."""
    return tuple(f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(int(DAY_S)))


@cache
def _dates(days: int) -> tuple[str, ...]:
    return tuple(np.datetime_as_string(FIRST_DATE + np.arange(days)).tolist())


def _columns(
    population: Population,
    requests: Requests,
    dates: tuple[str, ...],
    given_bit_per_s: Array,
    ratings: Array,
    said: Array,
) -> "dict[str, Column]":
    """The columns of a slice, in their order. Rates have 1 bit/s, speeds mm/s and ratings 0.0001 as last digit."""
    day = (requests.time_s // DAY_S).astype(np.int64)
    second = np.minimum(requests.time_s - day * DAY_S, DAY_S - 1.0).astype(np.int64)
    minimum, demand, given = (
        np.round(rate / 1e3, 3)
        for rate in (requests.min_rate_bit_per_s, requests.demand_rate_bit_per_s, given_bit_per_s)
    )
    return {
        "request": np.arange(len(requests)),
        "user": requests.user,
        "date": (day, dates),
        "day": (day % len(DAYS), DAYS),
        "day_class": (requests.day_class, DAY_CLASSES),
        "time": (second, _times()),
        "period": (requests.period, PERIODS),
        "place": (requests.place, population.place_names),
        "activity": (requests.activity, ACTIVITIES),
        "speed_m_per_s": np.round(requests.speed_m_per_s, 3),
        "speed_range": (np.searchsorted(SPEED_EDGES_M_PER_S, requests.speed_m_per_s, side="right"), SPEED_RANGES),
        "persona": (requests.persona, tuple(population.personas)),
        "application": (requests.application, tuple(population.applications)),
        "duration_s": np.round(requests.duration_s, 3),
        "min_rate_kbit_per_s": minimum,
        "demand_rate_kbit_per_s": demand,
        "given_rate_kbit_per_s": given,
        "delta_kbit_per_s": np.round(demand - given, 3),
        "max_delta_kbit_per_s": np.round(demand - minimum, 3),
        "satisfaction": np.round(ratings, 4),
        "satisfaction_noisy": np.round(said, 4),
    }
