"""The cheapest tasks for one server: which of those that could join it to take, at what cost at least.

Tasks join in a known order. Each is taken or not, at a price that may be negative, and if it is taken it adds to the
delays what `processor_sharing` has: (L + 2·Σ_i min(r_i, L))/speed for a size L and residuals r of those it finds. What
is still to come costs the more, the larger the residuals are, sorted and compared one by one. So

- of two sets of tasks taken so far, one that costs no more and has no larger residuals makes the other one needless;
- two sets that are replaced by one of the smaller cost and the smaller residuals can only make the result cheaper.

The first keeps the result exact. The second, which keeps the sets few, makes it a lower bound: a relaxed decision
diagram (Bergman, Cire, van Hoeve and Hooker 2016). A set is known by its label: its cost and its residuals.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import allocating_kernel, compiled

Array = NDArray[np.float64]

MOST_TASKS = 24
"""Residuals of a label; the smallest of more are forgotten, which makes nothing dearer."""

GUIDE = 2.0
"""What residuals r are thought to cost what is still to come, in Σ r²/(mean size × speed): which labels to keep."""

NEAR = 0.003
"""Slack below which a label is kept as if it were the best, in the cost of a task of mean size times the tasks."""


class Offer(NamedTuple):
    """J tasks that could join a server, in the order in which they would."""

    join_s: Array  # (J,)
    size_bit: Array  # (J,)
    price: Array  # (J,) of taking it, but for the delay from then on
    s_per_bit: float
    bit_cost: float  # of the time that the server needs for a bit


class Labels(NamedTuple):
    """Room for labels."""

    residual_bit: Array  # (M, MOST_TASKS) largest first
    tasks: NDArray[np.int64]  # (M,) how many residuals there are
    cost: Array  # (M,)
    work_bit: Array  # (M,) sum of the residuals
    burden: Array  # (M,) sum of their squares
    origin: NDArray[np.int64]  # (M,) twice the label before the latest task, plus 1 where it was taken


@compiled
def served(residual_bit: Array, tasks: int, time_s: float, s_per_bit: float) -> int:
    """Let the `tasks` residuals of a server, largest first, shrink for a while; how many tasks remain."""
    received_bit = 0.0
    while tasks > 0:
        needed_s = (residual_bit[tasks - 1] - received_bit) * tasks * s_per_bit
        if needed_s > time_s:
            received_bit += time_s / (s_per_bit * tasks)
            for i in range(tasks):
                residual_bit[i] -= received_bit
            return tasks
        time_s -= needed_s
        received_bit = residual_bit[tasks - 1]
        tasks -= 1
    return 0


@compiled
def shared_bit(residual_bit: Array, tasks: int, size_bit: float) -> float:
    """L + 2·Σ_i min(r_i, L): what a task of size L adds to the total delay, in bit."""
    total_bit = size_bit
    for i in range(tasks):
        total_bit += 2.0 * min(residual_bit[i], size_bit)
    return total_bit


@compiled
def joined(residual_bit: Array, tasks: int, size_bit: float, most: int) -> int:
    """Sort a task into `tasks` residuals, largest first, and forget the smallest of more than `most`; how many."""
    if tasks == most:
        if residual_bit[most - 1] >= size_bit:
            return most
        tasks -= 1
    at = tasks
    while at > 0 and residual_bit[at - 1] < size_bit:
        residual_bit[at] = residual_bit[at - 1]
        at -= 1
    residual_bit[at] = size_bit
    return tasks + 1


@allocating_kernel
def new_labels(count: int) -> Labels:
    """Room for so many."""
    return Labels(
        np.zeros((count, MOST_TASKS)), np.zeros(count, np.int64), np.zeros(count), np.zeros(count), np.zeros(count),
        np.zeros(count, np.int64),
    )  # fmt: skip


@compiled
def _measure(labels: Labels, a: int) -> None:
    """Write what is derived from the residuals of a label."""
    labels.work_bit[a] = labels.burden[a] = 0.0
    for i in range(labels.tasks[a]):
        labels.work_bit[a] += labels.residual_bit[a, i]
        labels.burden[a] += labels.residual_bit[a, i] * labels.residual_bit[a, i]


@compiled
def _copy(source: Labels, a: int, labels: Labels, b: int) -> None:
    """Label b becomes label a of `source`."""
    for i in range(source.tasks[a]):
        labels.residual_bit[b, i] = source.residual_bit[a, i]
    labels.tasks[b], labels.cost[b], labels.origin[b] = source.tasks[a], source.cost[a], source.origin[a]
    labels.work_bit[b], labels.burden[b] = source.work_bit[a], source.burden[a]


@compiled
def _dominated(labels: Labels, count: int, source: Labels, b: int) -> bool:
    """Whether one of the first `count` labels, none of which costs more than label b of `source`, makes it needless."""
    for a in range(count):
        if labels.work_bit[a] > source.work_bit[b] or labels.tasks[a] > source.tasks[b]:
            continue
        smaller = True
        for i in range(labels.tasks[a]):
            if labels.residual_bit[a, i] > source.residual_bit[b, i]:
                smaller = False
                break
        if smaller:
            return True
    return False


@compiled
def _offered(labels: Labels, count: int, offer: Offer, j: int, waited_s: float) -> int:
    """Let time pass for all labels, and add one with task j to each; how many there are then."""
    size_bit = offer.size_bit[j]
    for a in range(count):
        labels.tasks[a] = served(labels.residual_bit[a], labels.tasks[a], waited_s, offer.s_per_bit)
        labels.origin[a] = 2 * a
        _measure(labels, a)
        b = count + a
        _copy(labels, a, labels, b)
        added_bit = shared_bit(labels.residual_bit[a], labels.tasks[a], size_bit)
        labels.cost[b] += offer.price[j] + offer.bit_cost * added_bit
        labels.tasks[b] = joined(labels.residual_bit[b], labels.tasks[b], size_bit, MOST_TASKS)
        labels.origin[b] += 1
        _measure(labels, b)
    return 2 * count


@allocating_kernel
def _needed(source: Labels, count: int, labels: Labels) -> int:
    """Copy those labels of `source` that no other makes needless, by rising cost; how many these are."""
    kept = 0
    for b in np.argsort(source.cost[:count]):
        if not _dominated(labels, kept, source, b):
            _copy(source, b, labels, kept)
            kept += 1
    return kept


@allocating_kernel
def _halved(labels: Labels, count: int, width: int, guide: float, near: float) -> int:
    """Replace pairs of neighbours by one label each, where least is lost, until there are `width`; how many remain.

    No label belongs to two pairs, so one call may not be enough. What a pair loses counts less the further both are
    from the best.
    """
    value = labels.cost[:count] + guide * labels.burden[:count]
    best, loss = value.min(), np.empty(count - 1)
    for a in range(count - 1):
        burden = 0.0
        for i in range(min(labels.tasks[a], labels.tasks[a + 1])):
            least_bit = min(labels.residual_bit[a, i], labels.residual_bit[a + 1, i])
            burden += least_bit * least_bit
        lost = max(value[a], value[a + 1]) - labels.cost[a] - guide * burden
        loss[a] = lost / (min(value[a], value[a + 1]) - best + near)
    free, surplus = np.ones(count, np.bool_), count - width
    gone = np.zeros(count, np.bool_)
    for a in np.argsort(loss):
        if surplus == 0:
            break
        if free[a] and free[a + 1]:
            free[a] = free[a + 1] = False
            gone[a + 1] = True
            surplus -= 1
            labels.tasks[a] = min(labels.tasks[a], labels.tasks[a + 1])  # of the two costs, its own is the smaller
            for i in range(labels.tasks[a]):
                labels.residual_bit[a, i] = min(labels.residual_bit[a, i], labels.residual_bit[a + 1, i])
            _measure(labels, a)
    kept = 0
    for a in range(count):
        if not gone[a]:
            if kept < a:
                _copy(labels, a, labels, kept)
            kept += 1
    return kept


@allocating_kernel
def cheapest(offer: Offer, width: int, one: Labels, two: Labels, taken: NDArray[np.bool_]) -> float:
    """A lower bound of the cost of the cheapest set; the set that it was found with is written to `taken`, (J,).

    It is exact where `width` labels are enough. Both rooms have to hold 2·`width` labels.
    """
    tasks = len(offer.size_bit)
    history, asked = np.zeros((tasks, width), np.int64), np.zeros(tasks, np.int64)
    mean_bit = max(1e-300, offer.size_bit.mean()) if tasks > 0 else 1.0
    guide, near = GUIDE * offer.bit_cost / mean_bit, NEAR * offer.bit_cost * mean_bit * tasks + 1e-300
    one.tasks[0], one.cost[0] = 0, 0.0
    count, turns, now_s = 1, 0, 0.0
    for j in range(tasks):
        taken[j] = False
        if offer.price[j] + offer.bit_cost * offer.size_bit[j] >= 0.0:
            continue  # brings nothing even to an idle server
        count = _offered(one, count, offer, j, offer.join_s[j] - now_s)
        now_s = offer.join_s[j]
        count = _needed(one, count, two)
        while count > width:
            count = _halved(two, count, width, guide, near)
        history[turns, :count] = two.origin[:count]
        asked[turns] = j
        turns += 1
        one, two = two, one
    at = np.argmin(one.cost[:count])
    least: float = one.cost[at]
    for turn in range(turns - 1, -1, -1):
        taken[asked[turn]] = history[turn, at] % 2 == 1
        at = history[turn, at] // 2
    return least
