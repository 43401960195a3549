"""What an episode looks like, as plain data: a system says what there is to see, pages and pictures draw it."""

import heapq
from collections import defaultdict
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

BINS = 120  # of lines over time
MOST_BARS = 300  # more cannot be told apart
MOST_LANES = 20
MOST_LINES = 8
MOST_DOTS = 400


@dataclass(frozen=True, slots=True)
class Bars:
    """Intervals of time in lanes, such as tasks on servers."""

    title: str
    lanes: tuple[str, ...]
    kinds: tuple[str, ...]  # what a bar can be
    lane: Whole  # (I,)
    kind: Whole  # (I,)
    start_s: Array  # (I,)
    end_s: Array  # (I,)

    @property
    def rows(self) -> Whole:
        """The row of each bar within its lane, (I,), such that bars of a row do not overlap; as few rows as can be."""
        rows = np.zeros(len(self.lane), np.int64)
        busy: dict[int, list[tuple[float, int]]] = defaultdict(list)  # until when a row is taken, of each lane
        for bar in np.argsort(self.start_s, kind="stable").tolist():
            taken = busy[int(self.lane[bar])]
            free = taken and taken[0][0] <= self.start_s[bar]
            rows[bar] = heapq.heappop(taken)[1] if free else len(taken)
            heapq.heappush(taken, (float(self.end_s[bar]), int(rows[bar])))
        return rows


@dataclass(frozen=True, slots=True)
class Lines:
    """Quantities over time, each the mean of a bin."""

    title: str
    unit: str
    names: tuple[str, ...]
    edges_s: Array  # (P + 1,) of the bins
    values: Array  # (L, P)
    limit: float | None = None  # that they cannot exceed


@dataclass(frozen=True, slots=True)
class Group:
    """Points of one sort."""

    name: str
    x: Array  # (I,)
    y: Array  # (I,)
    words: tuple[str, ...] = ()  # of each point, if there are any
    joined: bool = False  # by a line, which NaN interrupts

    @staticmethod
    def at(name: str, places: Array, words: tuple[str, ...] = (), joined: bool = False) -> "Group":
        """Of places (I, 2)."""
        return Group(name, places[:, 0], places[:, 1], words, joined)


@dataclass(frozen=True, slots=True)
class Dots:
    """Points in a plane."""

    title: str
    x_label: str
    y_label: str
    groups: tuple[Group, ...]
    map: bool = False  # both axes are lengths, to one scale


Part: TypeAlias = Bars | Lines | Dots


@dataclass(frozen=True, slots=True)
class Timeline:
    """An episode."""

    until_s: float  # when everything has ended
    parts: tuple[Part, ...]


def bins_s(until_s: float, most: int = BINS) -> Array:
    """The edges of bins that cover an episode, at most `BINS` of them."""
    return np.linspace(0.0, until_s if until_s > 0.0 else 1.0, min(most, BINS) + 1)


def mean_active(start_s: Array, end_s: Array, edges_s: Array, weight: Array | float = 1.0) -> Array:
    """The mean over each bin of the summed weights of the intervals (I,) that are active, (P,)."""
    weights = np.broadcast_to(weight, start_s.shape)

    def since(times_s: Array) -> Array:
        """∫ Σ w·[time ≤ τ] dτ up to each edge."""
        order = np.argsort(times_s)
        known = np.concatenate([[0.0], np.cumsum(weights[order])])
        moments = np.concatenate([[0.0], np.cumsum((weights * times_s)[order])])
        count = np.searchsorted(times_s[order], edges_s)
        return np.asarray(known[count] * edges_s - moments[count])

    return np.asarray(np.diff(since(start_s) - since(end_s)) / np.diff(edges_s))


def merged(start_s: Array, end_s: Array) -> tuple[Array, Array]:
    """The union of intervals (I,) as disjoint ones, in order."""
    order = np.argsort(start_s)
    starts_s, until_s = start_s[order], np.maximum.accumulate(end_s[order])
    first = np.flatnonzero(np.concatenate([[True], starts_s[1:] > until_s[:-1]])[: len(order)])
    last = np.concatenate([first[1:] - 1, [len(order) - 1]])[: len(first)]
    return starts_s[first], until_s[last]


def fullest(counts: Whole, most: int) -> Whole:
    """The indices of the largest counts, at most so many and none that is 0, in their order."""
    largest = np.argsort(-counts, kind="stable")[:most]
    return np.sort(largest[counts[largest] > 0])
