"""What there is to see of an episode at a moment, as plain data: a system says it, environments draw it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.seeds import Stream

MOST_BARS = 16  # more cannot be told apart


class Drawn(NamedTuple):
    """Which episode is played."""

    seed: int
    stream: Stream
    number: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A stack of amounts, one of each kind."""

    name: str
    amounts: tuple[float, ...]
    note: str = ""

    @property
    def total(self) -> float:
        """Its length."""
        return float(sum(self.amounts))


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacks of the same kinds, side by side."""

    title: str
    unit: str
    kinds: tuple[str, ...]
    bars: tuple[Bar, ...]
    limit: float | None = None  # that none exceeds


@dataclass(frozen=True, slots=True)
class Spots:
    """Places of one sort."""

    name: str
    place_m: NDArray[np.float64]  # (P, 2) east and north
    words: tuple[str, ...] = ()  # of each of them, if there are any


@dataclass(frozen=True, slots=True)
class Scene:
    """A moment of an episode."""

    now: str  # the time, and what is to be decided
    panels: tuple[Bars, ...]
    spots: tuple[Spots, ...] = ()  # of a map, if there are places
    corners_m: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)  # of that map: west, east, south, north


def fullest(bars: list[Bar], title: str) -> tuple[str, tuple[Bar, ...]]:
    """The bars that can be shown, the longest ones in their order, and a title that says so if these are not all."""
    if len(bars) <= MOST_BARS:
        return title, tuple(bars)
    longest = sorted(sorted(range(len(bars)), key=lambda place: -bars[place].total)[:MOST_BARS])
    return f"{title} (the longest of {len(bars)})", tuple(bars[place] for place in longest)
