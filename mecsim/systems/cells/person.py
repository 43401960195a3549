"""A user of the SimPy engine: all that was given so far, and what the user thought of it."""

import math
from collections.abc import Sequence

import numpy as np

from mecsim.core.rating import ADEQUATE_RATING
from mecsim.people.forms.zone import LEAST_ZONE_WIDTH
from mecsim.people.memory import COMBINATIONS
from mecsim.physics.satisfaction import zone_rating
from mecsim.systems.cells.layout import NEUTRAL_RATING, MemorySpec


class Expectation:
    """What someone is used to, above the middle of the own zone at rest: truly, or as is predicted."""

    def __init__(self, memory: MemorySpec, pace: Sequence[float]) -> None:
        self.memory = memory
        self.rise, self.fall = pace
        self.got: list[float] = []  # positions above that middle

    @property
    def shift(self) -> float:
        """A weighted mean of what was got, 0 at first."""
        used_to = 0.0
        for got in self.got:
            rate = self.rise if got > used_to else self.fall
            used_to = (1.0 - rate) * used_to + rate * got
        return used_to

    def levels(self, rest: Sequence[float]) -> tuple[float, float]:
        """The adequate and the desired position now, from those at rest; not a number without memory."""
        if not rest:
            return math.nan, math.nan
        adequate = rest[0] + self.memory.adequate * self.shift
        return adequate, max(rest[1] + self.memory.desired * self.shift, adequate + LEAST_ZONE_WIDTH)

    def rating(self, position: float, rest: Sequence[float]) -> float:
        """What someone thinks of a position."""
        return float(zone_rating(position, *self.levels(rest), self.memory.slope_below, self.memory.slope_above))

    def add(self, position: float, rest: Sequence[float]) -> None:
        """Somebody got a position."""
        self.got.append(position - (rest[0] + rest[1]) / 2.0)


class Person:
    """A user. Without memory only ratings are kept."""

    def __init__(self, memory: MemorySpec, pace: Sequence[float], ratings: Sequence[float] = ()) -> None:
        self.memory, self.pace = memory, pace
        self.ratings = list(ratings)
        self.truth, self.prediction = Expectation(memory, pace), Expectation(memory, pace)

    def after(self, rating: float) -> "Person":
        """The same user with one more rating, as far as ratings go."""
        return Person(self.memory, self.pace, [*self.ratings, rating])

    @property
    def overall(self) -> float:
        """What is left of the ratings."""
        combination = COMBINATIONS[self.memory.combination]
        if combination == "last":
            return float(np.mean(self.ratings[-self.memory.last :]))
        if combination == "peak_end":
            peak = max(self.ratings, key=lambda rating: (abs(rating - NEUTRAL_RATING), -rating))
            return (peak + self.ratings[-1]) / 2.0
        return float(np.mean(self.ratings))

    @property
    def total(self) -> float:
        """What is left, as often as there were ratings."""
        return self.overall * len(self.ratings) if self.ratings else 0.0

    @property
    def warnings(self) -> int:
        """Sessions of the window that were below the zone."""
        window = self.memory.churn_window
        return sum(map(_is_below, self.ratings[-window:])) if window else 0

    @property
    def left(self) -> bool:
        """Whether the user has left."""
        return 0 < self.memory.churn_below <= self.warnings

    @property
    def satisfied(self) -> bool:
        """Whether all in all the user is in the zone or above, and still there."""
        return bool(self.ratings) and not _is_below(self.overall) and not self.left


def _is_below(rating: float) -> bool:
    return rating < ADEQUATE_RATING - 1e-9  # whatever the last digit of a rating
