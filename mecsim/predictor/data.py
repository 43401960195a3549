"""A request log as arrays to learn from.

The log is one of `mecsim dataset`, or of a real network. Columns that nothing is learnt from may be missing, and so may
`satisfaction`, the noise-free truth, which only a simulation knows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.people.population import ACTIVITIES, DAY_CLASSES, PERIODS, PLACES, Population
from mecsim.people.requests import Requests
from mecsim.physics.satisfaction import log_position

Array = NDArray[np.float64]
Codes = NDArray[np.int8]

FIXED_NAMES = {"period": PERIODS, "day_class": DAY_CLASSES, "place": PLACES, "activity": ACTIVITIES}
CATEGORIES = ("persona", *FIXED_NAMES, "application")
FREE_NAMES = ("persona", "place", "application")  # categories of which a log may have names of its own
NUMBERS = 3  # of a context, as `context_numbers` has them


@dataclass(frozen=True, eq=False)
class LogUsers:
    """The users of a log: one id, one person. All are (U,), in the order of their numbers."""

    ids: tuple[str, ...]  # what the log calls them
    numbers: NDArray[np.int64]  # what a predictor calls them; ids that are numbers themselves
    persona: Codes  # index into the personas of the log; of who has several, the commonest

    def __len__(self) -> int:
        return len(self.ids)

    def numbers_of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """The numbers of users; −1 for those who are not in the log."""
        known = dict(zip(self.ids, self.numbers.tolist(), strict=True))
        return np.array([known.get(one, -1) for one in ids], np.int64)


@dataclass(frozen=True, eq=False)
class Habits:
    """When, where and for what the users of a log ask, of all its requests, rated or not, (R,) each."""

    user: NDArray[np.int64]  # indices into the users of the log
    day: NDArray[np.int64]  # from the first one of the file
    codes: Codes  # (R, categories)
    hour: Array  # of the day; NaN where only the period is known
    speed_m_per_s: Array
    min_rate_bit_per_s: Array
    demand_rate_bit_per_s: Array
    duration_s: Array  # NaN where it is unknown
    absent: tuple[str, ...]  # columns that the file lacks


@dataclass(frozen=True, eq=False)
class RequestLog:
    """The requests of a log that were served and rated, in the order of the file; R requests, U users."""

    names: dict[str, tuple[str, ...]]  # of each category, in the order of CATEGORIES
    users: LogUsers  # of all requests, rated or not
    user: NDArray[np.int64]  # (R,) indices into users
    day: NDArray[np.int64]  # (R,) from the first one of the file
    codes: Codes  # (R, categories) indices into names
    numbers: Array  # (R, NUMBERS)
    position: Array  # (R,) of the given rate between minimum and demand
    reported: Array  # (R,) ratings 0..5
    truth: Array | None  # (R,) noise-free ratings, where the file has them
    rejected: int  # requests of the file that got less than their minimum; nothing is learnt from them
    habits: Habits

    def __len__(self) -> int:
        return len(self.user)

    def select(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Some of the requests, with the same names and users."""
        return replace(
            self,
            user=self.user[index],
            day=self.day[index],
            codes=self.codes[index],
            numbers=self.numbers[index],
            position=self.position[index],
            reported=self.reported[index],
            truth=None if self.truth is None else self.truth[index],
        )


def rate_position(rate: Array, minimum: Array, demand: Array) -> Array:
    """Where rates of one unit lie between minimum and demand on a logarithmic axis, from 0 to 1."""
    return np.clip(log_position(rate, minimum, demand), 0.0, 1.0)


def context_numbers(speed_m_per_s: Array, minimum_bit_per_s: Array, demand_bit_per_s: Array) -> Array:
    """What is seen of a context beside its categories, (R, NUMBERS): speed, log10 of minimum and of demand in bit/s."""
    return np.stack([speed_m_per_s, np.log10(minimum_bit_per_s), np.log10(demand_bit_per_s)], axis=1)


def refuse_unknown(category: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise InputError for names of a category that are none of those that a predictor knows."""
    known = list(known)
    for name in names:
        if name not in known:
            raise InputError(
                f"the predictor knows no {category} '{name}', only {', '.join(known)}; "
                "fit it to a log of this scenario (mecsim dataset, mecsim fit)"
            )


def request_codes(requests: Requests, population: Population, names: dict[str, tuple[str, ...]]) -> Codes:
    """The categories of requests as indices into `names`, (R, categories).

    Raises:
        InputError: a persona or application that is asked for is none of `names`.
    """
    codes = np.empty((len(requests), len(CATEGORIES)), np.int8)
    own = {
        "persona": tuple(population.personas),
        "place": population.place_names,
        "application": tuple(population.applications),
    }
    for column, category in enumerate(CATEGORIES):
        index = getattr(requests, category)
        if category in own and own[category] != names[category]:
            known = {name: code for code, name in enumerate(names[category])}
            refuse_unknown(category, (own[category][each] for each in np.unique(index)), known)
            index = np.array([known.get(name, 0) for name in own[category]])[index]
        codes[:, column] = index
    return codes
