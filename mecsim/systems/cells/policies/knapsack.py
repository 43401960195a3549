"""The exact Pareto front of a snapshot, its convex hull, and the simplest ways to share the blocks.

To choose a level for each user within a number of blocks is a multiple-choice knapsack problem (Sinha and Zoltners,
Operations Research 27, 1979). Blocks are whole and few, so dynamic programming over them is exact and quick: about
users · levels · blocks operations, and a byte for each user and number of blocks to recover the choices. The convex
hull, which holds the best choice for every weighting of the objectives, needs no more than a sort.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.core.compiled import kernel
from mecsim.errors import InputError
from mecsim.systems.cells.policies.snapshot import Array, Choice, Snapshot

MOST_LEVELS = 255  # of a user, as back-pointers are bytes
MOST_BYTE = 2**32  # of back-pointers

_ROUNDING = 1e-13  # of the sum of all ratings; more blocks have to bring more than that

Blocks = NDArray[np.int64]


class _Offers(NamedTuple):
    """The levels that may be part of a best choice, by user, with ascending blocks and ascending ratings."""

    first: NDArray[np.int64]  # (n + 1,) where each user's begin
    level: NDArray[np.int64]  # (L,)
    blocks: NDArray[np.int64]  # (L,)
    rating: Array  # (L,)


@dataclass(frozen=True, eq=False)
class Front:
    """P points of a snapshot by ascending number of used blocks; none is dominated by another."""

    snapshot: Snapshot
    used_blocks: Blocks  # (P,) ascending
    satisfaction: Array  # (P,) mean over the users; ascending

    def __len__(self) -> int:
        return len(self.used_blocks)

    @cached_property
    def values(self) -> Array:
        """Mean satisfaction and saved share of all points, (P, 2), as of `Snapshot.values`."""
        return np.stack([self.satisfaction, self.snapshot.saved(self.used_blocks)], axis=1)

    def _indices(self, points: ArrayLike | None) -> NDArray[np.int64]:
        every = np.arange(len(self))
        return every if points is None else np.atleast_1d(every[np.asarray(points)])


@dataclass(frozen=True, eq=False)
class ExactFront(Front):
    """All non-dominated points of a snapshot."""

    _offers: _Offers
    _taken: NDArray[np.uint8]  # (n, W + 1) the offer of each user in the best choice for users up to it and W blocks
    _reach: Blocks  # (n + 1,) blocks that the users before each can use at most

    def choices(self, points: ArrayLike | None = None) -> Choice:
        """Choices that reach the points with these indices (all by default), (m, n)."""
        used = self.used_blocks[self._indices(points)]
        choice = np.zeros((len(used), self.snapshot.users), np.int64)
        _recover(self._offers, self._taken, self._reach, used, choice)
        return choice


@dataclass(frozen=True, eq=False)
class HullFront(Front):
    """Supported points of a snapshot."""

    _start: Choice  # (n,) the choice of the first point
    _user: NDArray[np.int64]  # (P − 1,) whose level changes from each point to the next
    _level: NDArray[np.int64]  # (P − 1,) the level after it

    def choices(self, points: ArrayLike | None = None) -> Choice:
        """Choices that reach the points with these indices (all by default), (m, n)."""
        wanted = self._indices(points)
        choice = np.tile(self._start, (len(wanted), 1))
        for row, point in enumerate(wanted):
            choice[row, self._user[:point]] = self._level[:point]  # of a user's several steps the last one counts
        return choice


def exact_front(snapshot: Snapshot) -> ExactFront:
    """All non-dominated points: for each number of blocks the most satisfaction, where it is more than with fewer.

    Exact up to the rounding of sums of floats: what brings less than 1e-13 of the sum of all ratings is no gain. Of
    choices that are equal the one found keeps the later users at their lower levels.

    Raises:
        InputError: more than 255 levels, or back-pointers of more than 4 GiB.
    """
    offers = _offers(snapshot)
    most = np.array([offers.blocks[last - 1] for last in offers.first[1:]])
    reach = np.minimum(np.concatenate([[0], np.cumsum(most)]), snapshot.capacity)
    if snapshot.top_level > MOST_LEVELS:
        raise InputError(f"exact front: expected at most {MOST_LEVELS} levels, got {snapshot.top_level}")
    if snapshot.users * (int(reach[-1]) + 1) > MOST_BYTE:
        raise InputError("exact front: needs more than 4 GiB, expected fewer users or blocks: see lagrangian_front")
    taken = np.zeros((snapshot.users, int(reach[-1]) + 1), np.uint8)
    best = np.zeros(int(reach[-1]) + 1)
    _best_sums(offers, reach, best, taken)
    used = _rises(best, _ROUNDING * best[-1])
    return ExactFront(snapshot, used, best[used] / snapshot.users, offers, taken, reach)


def lagrangian_front(snapshot: Snapshot) -> HullFront:
    """Supported points: those that are best for some weighting of the objectives were the cell unlimited, and fit.

    With a price on blocks users decide for themselves, so the points follow from the users' own convex hulls: from one
    point to the next the user steps up who gains most satisfaction per block (Sinha and Zoltners 1979). Users who gain
    alike step one by one, so not every point is a corner of the hull. All lie on the exact front; beyond the last
    one, where a next step does not fit, the exact front may go on.
    """
    offers = _offers(snapshot)
    slope = np.full(len(offers.level), -1.0)
    _mark_corners(offers, slope)
    corner = slope >= 0.0
    user = np.repeat(np.arange(snapshot.users), np.diff(offers.first))[corner]
    level, blocks, rating = offers.level[corner], offers.blocks[corner], offers.rating[corner]
    step = np.flatnonzero(user[1:] == user[:-1]) + 1
    step = step[np.argsort(-slope[corner][step], kind="stable")]  # a user's own steps stay in order
    used = np.concatenate([[0], np.cumsum(blocks[step] - blocks[step - 1])])
    start = np.flatnonzero(np.diff(user, prepend=-1))
    total = rating[start].sum() + np.concatenate([[0.0], np.cumsum(rating[step] - rating[step - 1])])
    fit = int(np.searchsorted(used, snapshot.capacity, side="right"))
    taken = step[: fit - 1]
    return HullFront(snapshot, used[:fit], total[:fit] / snapshot.users, level[start], user[taken], level[taken])


def best_for(snapshot: Snapshot, weights: Array) -> Choice:
    """The choice (n,) with the greatest weighted sum of the objectives, `values` · weights (2,), none negative. Exact.

    Where everyone can have what is best for them at these weights that is it; only where it does not fit the exact
    front is needed. Of equal choices one with few blocks.
    """
    alone = _cheapest_best(snapshot, snapshot.scores(weights))
    if snapshot.used_blocks(alone) <= snapshot.capacity:
        return alone
    front = exact_front(snapshot)
    choice: Choice = front.choices((front.values @ weights).argmax())[0]
    return choice


def universal_fit(snapshot: Snapshot, level: int | None = None) -> Choice:
    """What networks do today: in the order of arrival everyone gets the demanded level if it still fits, or nothing.

    Returns the choice, (n,). With another `level` everyone is offered that one: 1 is the minimum for all.

    Raises:
        InputError: there is no such level.
    """
    offered = snapshot.top_level if level is None else level
    if not 0 <= offered <= snapshot.top_level:
        raise InputError(f"universal fit: expected a level from 0 to {snapshot.top_level}, got {offered}")
    is_offered = np.arange(snapshot.top_level + 1) == offered
    scores = np.where(is_offered & snapshot.valid, 1.0, -np.inf)
    scores[:, 0] = 0.0
    return _chosen_in_turn(snapshot, scores)


def greedy_choice(snapshot: Snapshot, weights: Array) -> Choice:
    """In the order of arrival everyone gets what of the levels that still fit is best for the weights (2,): (n,)."""
    return _chosen_in_turn(snapshot, snapshot.scores(weights))


def _chosen_in_turn(snapshot: Snapshot, scores: Array) -> Choice:
    choice = np.zeros(snapshot.users, np.int64)
    _choose_in_turn(scores, snapshot.blocks, snapshot.capacity, choice)
    return choice


def _cheapest_best(snapshot: Snapshot, scores: Array) -> Choice:
    """For each user, of the levels with the highest score one with the fewest blocks."""
    best = scores == scores.max(axis=1, keepdims=True)
    return np.asarray(np.where(best, snapshot.blocks, np.iinfo(np.int64).max).argmin(axis=1))


def _offers(snapshot: Snapshot) -> _Offers:
    """What is left when each user's levels that others dominate, or that exceed the cell, are taken away."""
    blocks = np.where(snapshot.valid & (snapshot.blocks <= snapshot.capacity), snapshot.blocks, np.iinfo(np.int64).max)
    rating = np.where(blocks < np.iinfo(np.int64).max, snapshot.satisfaction, -np.inf)
    order = np.lexsort((-rating, blocks), axis=1)
    blocks, rating = np.take_along_axis(blocks, order, axis=1), np.take_along_axis(rating, order, axis=1)
    before = np.maximum.accumulate(rating, axis=1)[:, :-1]
    kept = np.concatenate([np.ones((snapshot.users, 1), np.bool_), rating[:, 1:] > before], axis=1)
    first = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return _Offers(first, order[kept], blocks[kept], rating[kept])


def _rises(best: Array, least: float) -> Blocks:
    """Where an ascending array rises by more than `least` above where it rose last; its first index is one."""
    at = [0]
    for index in np.flatnonzero(np.diff(best) > 0.0) + 1:
        if best[index] - best[at[-1]] > least:
            at.append(int(index))
    return np.array(at, np.int64)


@kernel
def _best_sums(offers: _Offers, reach: Blocks, best: Array, taken: NDArray[np.uint8]) -> None:
    """The greatest sum of ratings within each number of blocks, (W + 1,), and the offers that lead there.

    Users are added one by one. Each time only numbers of blocks count that the users so far can use.
    """
    for user in range(len(taken)):
        known, now = reach[user], reach[user + 1]
        for blocks in range(known + 1, now + 1):
            best[blocks] = best[known]
        first, last = offers.first[user], offers.first[user + 1]
        base = offers.rating[first]
        for blocks in range(now, -1, -1):  # downwards, so that what is read does not include this user yet
            most, which = best[blocks] + base, 0
            for offer in range(first + 1, last):
                if offers.blocks[offer] > blocks:
                    break
                total = best[blocks - offers.blocks[offer]] + offers.rating[offer]
                if total > most:
                    most, which = total, offer - first
            best[blocks] = most
            taken[user, blocks] = which


@kernel
def _recover(offers: _Offers, taken: NDArray[np.uint8], reach: Blocks, used: Blocks, choice: Choice) -> None:
    """Follow the offers back from each number of blocks to choices (m, n)."""
    for point in range(len(used)):
        left = used[point]
        for user in range(len(taken) - 1, -1, -1):
            left = min(left, reach[user + 1])
            offer = offers.first[user] + taken[user, left]
            choice[point, user] = offers.level[offer]
            left -= offers.blocks[offer]


@kernel
def _mark_corners(offers: _Offers, slope: Array) -> None:
    """Give the offers on the upper convex hull of each user's the slope that leads there, ∞ to the first."""
    for user in range(len(offers.first) - 1):
        at, last = offers.first[user], offers.first[user + 1]
        slope[at] = np.inf
        while at + 1 < last:
            steepest, best = at + 1, -1.0
            for offer in range(at + 1, last):
                here = (offers.rating[offer] - offers.rating[at]) / (offers.blocks[offer] - offers.blocks[at])
                if here >= best:
                    steepest, best = offer, here
            slope[steepest] = min(best, slope[at])  # rounding must not put a step before the one it follows
            at = steepest


@kernel
def _choose_in_turn(scores: Array, blocks: Blocks, capacity: int, choice: Choice) -> None:
    """Each user in turn takes the level with the highest score that fits, of equal ones the lowest."""
    free = capacity
    for user in range(len(scores)):
        best = 0
        for level in range(1, scores.shape[1]):
            if blocks[user, level] <= free and scores[user, level] > scores[user, best]:
                best = level
        choice[user] = best
        free -= blocks[user, best]
