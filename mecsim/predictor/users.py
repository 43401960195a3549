"""How users differ from the typical person of their kind, as far as their ratings tell.

A user with offset o and stretch s feels a given rate at position u as the typical person feels position
(u − ½ − o)/e^s + ½: someone whose zone lies higher, or is wider. What is believed of a user is a normal distribution of
(o, s). It starts at that of the population (empirical Bayes) and follows each rating by Bayes' rule; the result is
taken as normal again, with its mean and covariance (assumed-density filtering). Where ratings are a line in the
position this is the closed form of normal distributions.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import allocating_kernel, compiled
from mecsim.core.rating import TOP_RATING
from mecsim.core.threads import over_rows
from mecsim.predictor.trees import MAX_PENDING, Trees, add_curve

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CELLS_PER_UNIT = 64  # of the position, for the trees
LOW, HIGH = -1.0, 2.0  # positions that are told apart; given rates lie in 0..1, but offsets move them
CELLS = int((HIGH - LOW) * CELLS_PER_UNIT) + 1
CENTRE = 0.5
VARIANCES = 20  # bins of the rating that have a variance of their own
MAX_SURPRISE = 16.0  # a report further off, in squared deviations, says no more: it may be a slip

# In deviations of what is believed. Narrower grids would take away a little variance with every report.
_OFFSET_NODES = np.linspace(-5.0, 5.0, 33)
_STRETCH_NODES = np.linspace(-5.0, 5.0, 11)
_NODE_STEP = float(_OFFSET_NODES[1] - _OFFSET_NODES[0])


@dataclass(frozen=True, eq=False)
class UserOffsets:
    """What is believed of U users: normal distributions of offset and stretch. Everybody else is a stranger.

    `mean` and `covariance` have one row more than there are users, the last: what is believed of a stranger.
    """

    user_ids: Index  # (U,) ascending
    mean: Array  # (U + 1, 2)
    covariance: Array  # (U + 1, 2, 2)

    def rows(self, users: Index) -> Index:
        """The rows of users, (R,); the last one for strangers."""
        if not len(self.user_ids):
            return np.zeros(len(users), np.int64)
        at = np.minimum(np.searchsorted(self.user_ids, users), len(self.user_ids) - 1)
        return np.where(self.user_ids[at] == users, at, len(self.user_ids))

    def with_users(self, users: Index) -> Self:
        """The same beliefs, and those of a stranger about each of `users` who is not known yet. Ids are from 0."""
        ids = np.union1d(self.user_ids, users[users >= 0])
        rows = np.append(self.rows(ids), len(self.user_ids))
        return replace(self, user_ids=ids, mean=self.mean[rows], covariance=self.covariance[rows])

    def sample(self, rng: np.random.Generator) -> Self:
        """Thompson sampling: as if users were known for sure to be as drawn from what is believed of them.

        To explore, decide by one sample for a while, learn, and draw again. All strangers share one draw.
        """
        drawn = self.mean + (roots_of(self.covariance) @ rng.standard_normal((len(self.mean), 2, 1)))[..., 0]
        return replace(self, mean=drawn, covariance=np.zeros_like(self.covariance))


def strangers(covariance: Array) -> UserOffsets:
    """Nobody is known; `covariance` (2, 2) is that of offset and stretch in the population, their means are 0."""
    return UserOffsets(np.empty(0, np.int64), np.zeros((1, 2)), covariance[None].copy())


def roots_of(covariance: Array) -> Array:
    """Lower triangular roots (…, 2, 2) of covariances that may be singular."""
    root = np.zeros_like(covariance)
    root[..., 0, 0] = np.sqrt(np.maximum(covariance[..., 0, 0], 0.0))
    positive = root[..., 0, 0] > 0.0
    root[..., 1, 0] = np.where(positive, covariance[..., 1, 0] / np.where(positive, root[..., 0, 0], 1.0), 0.0)
    root[..., 1, 1] = np.sqrt(np.maximum(covariance[..., 1, 1] - root[..., 1, 0] ** 2, 0.0))
    return root


def felt_position(position: Array, offset: Array, stretch: Array) -> Array:
    """The position at which the typical person feels as a user of this offset and stretch does."""
    return np.asarray((position - CENTRE - offset) * np.exp(-stretch) + CENTRE)


@compiled
def curve_at(curve: Array, position: float, offset: float, shrink: float) -> float:
    """The rating of a user, `shrink` being e^−s, on a typical person's curve: lines between the cells.

    Not even rounding makes it fall as the position rises.
    """
    at = ((position - CENTRE - offset) * shrink + CENTRE - LOW) * CELLS_PER_UNIT
    at = min(max(at, 0.0), CELLS - 1.000001)
    cell = int(at)
    rating: float = min(curve[cell] + (at - cell) * (curve[cell + 1] - curve[cell]), curve[cell + 1])
    return rating


@compiled
def variance_at(variance: Array, rating: float) -> float:
    """The variance of reports around a rating."""
    found: float = variance[int(min(max(rating, 0.0), 0.999999 * TOP_RATING) * (VARIANCES / TOP_RATING))]
    return found


class Grid(NamedTuple):
    """Where offsets and stretches are looked at, in deviations of what is believed."""

    offsets: Array
    stretches: Array
    step: float  # from one offset to the next


class Reports(NamedTuple):
    """What R users said, and on what: contexts and given rates as in RequestLog."""

    codes: NDArray[np.int8]  # (R, categories)
    numbers: Array  # (R, numbers)
    position: Array  # (R,) of the given rate
    report: Array  # (R,) 0 to 5


class _Turns(NamedTuple):
    """The reports of user row i are order[first[i]:first[i + 1]]."""

    order: Index
    first: Index


class _Beliefs(NamedTuple):
    """What is believed of users: offset and stretch."""

    mean: Array  # (users, 2)
    covariance: Array  # (users, 2, 2)


@compiled
def learn(
    curve: Array, position: float, report: float, variance: Array, mean: Array, covariance: Array, grid: Grid
) -> None:
    """Bayes' rule for one report: change `mean` (2,) and `covariance` (2, 2) of a user.

    The moments are sums over a grid that spans what was believed. Where the report is so telling that the grid would be
    too coarse, the variance of a value that is only known to lie near one node is added.
    """
    first = math.sqrt(max(covariance[0, 0], 0.0))
    mixed = covariance[1, 0] / first if first > 0.0 else 0.0
    second = math.sqrt(max(covariance[1, 1] - mixed * mixed, 0.0))
    total = sum_o = sum_s = sum_oo = sum_os = sum_ss = 0.0
    for stretch_node in grid.stretches:
        for offset_node in grid.offsets:
            offset = first * offset_node
            stretch = mixed * offset_node + second * stretch_node
            rating = curve_at(curve, position, mean[0] + offset, math.exp(-mean[1] - stretch))
            spread = variance_at(variance, rating)
            surprise = min((report - rating) ** 2 / spread, MAX_SURPRISE)
            weight = math.exp(-0.5 * (surprise + offset_node**2 + stretch_node**2)) / math.sqrt(spread)
            total += weight
            sum_o += weight * offset
            sum_s += weight * stretch
            sum_oo += weight * offset * offset
            sum_os += weight * offset * stretch
            sum_ss += weight * stretch * stretch
    sum_o /= total
    sum_s /= total
    mean[0] += sum_o
    mean[1] += sum_s
    apart = grid.step * first
    variance_o = sum_oo / total - sum_o * sum_o
    if variance_o < 0.25 * apart * apart:
        variance_o = max(variance_o, 0.0) + apart * apart / 12.0
    covariance[0, 0] = variance_o
    covariance[0, 1] = covariance[1, 0] = sum_os / total - sum_o * sum_s
    covariance[1, 1] = max(sum_ss / total - sum_s * sum_s, 0.0)


@allocating_kernel
def _learn_all(
    trees: Trees, variance: Array, reports: Reports, turns: _Turns, beliefs: _Beliefs, grid: Grid, first: int, last: int
) -> None:
    """Each user's reports in turn."""
    mean, covariance = beliefs.mean, beliefs.covariance
    for row in range(first, last):
        curve, pending = np.empty(CELLS), np.empty((MAX_PENDING, 3), np.int64)
        for at in range(turns.first[row], turns.first[row + 1]):
            one = turns.order[at]
            add_curve(trees, reports.codes[one], reports.numbers[one], curve, pending)
            learn(curve, reports.position[one], reports.report[one], variance, mean[row], covariance[row], grid)


def learned(offsets: UserOffsets, trees: Trees, variance: Array, rows: Index, reports: Reports) -> UserOffsets:
    """What is believed after R reports, which come in the order of time.

    Args:
        offsets: what was believed before.
        trees: ratings of the typical person.
        variance: of reports around each of VARIANCES equal bins of the rating.
        rows: of the users in `offsets`, (R,); what strangers say is not remembered.
        reports: of these users.
    """
    order = np.argsort(rows, kind="stable")
    first = np.searchsorted(rows[order], np.arange(len(offsets.user_ids) + 1))
    mean, covariance = offsets.mean.copy(), offsets.covariance.copy()
    stretches = _STRETCH_NODES if (covariance[:, 1, 1] > 0.0).any() else np.zeros(1)
    grid = Grid(_OFFSET_NODES, stretches, _NODE_STEP)
    turns, beliefs = _Turns(order, first), _Beliefs(mean, covariance)
    over_rows(_learn_all, len(first) - 1, trees, variance, reports, turns, beliefs, grid)
    return replace(offsets, mean=mean, covariance=covariance)
