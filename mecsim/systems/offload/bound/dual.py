"""How a schedule's least cost is bounded from below: each task has a price at which servers buy it from the dispatcher.

A schedule gives each task to exactly one server. If that is relaxed, with a multiplier λ per task, servers decide on
their own: whatever the multipliers,

    Σ λ_j + Σ_servers min over its sets of tasks (cost of the set − Σ of their λ_j)

is at most the cost of any schedule (Lagrangian decomposition; Fisher 1981, Management Science 27). The minima come from
`labels`. The multipliers climb along deflected subgradients with Polyak's step towards the cost of a known schedule
(Camerini, Fratta and Maffioli 1975), scaled by what a task costs alone. They begin with what tasks cost more in that
schedule than alone, smoothed over time, as what they have in common is how crowded their time is.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import allocating_kernel, compiled
from mecsim.core.threads import over_rows
from mecsim.systems.offload.bound.inner import Inner
from mecsim.systems.offload.bound.labels import Labels, Offer, cheapest, joined, new_labels, served, shared_bit

Array = NDArray[np.float64]

SMOOTHING_STEPS = 6.0
STEP = 0.25
MEMORY = 0.9
PATIENCE, SHRINK = 15, 0.7
"""After so many tries without a better bound: back to the best multipliers, with a shorter step."""

LEAST_GAP = 1e-4  # of the schedule's cost, for a step
ROUNDING = 1e-9  # of a bound, so that no error of floating-point sums makes it one too many
ASCENT_US = 1_000_000  # an episode, or more


class Effort(NamedTuple):
    """How hard is tried; more makes bounds tighter and no less true."""

    steps: int = 100  # of the multipliers
    width: int = 64  # labels of a server while these climb
    final_width: int = 512  # at the end


class _Room(NamedTuple):
    """What an episode is worked on with."""

    one: Labels
    two: Labels
    bought: NDArray[np.bool_]  # (T,)
    times: Array  # (T,) how often a task is bought
    multiplier: Array  # (T,)


def lower_bounds(inner: Inner, servers: NDArray[np.int64], effort: Effort) -> tuple[Array, Array]:
    """A lower bound of each episode's least cost, and what a schedule costs, (N,) each.

    Args:
        inner: what there is to decide.
        servers: of the schedule that the multipliers start from, (N, T), as `Inner` counts them.
        effort: how hard is tried.
    """
    bound, cost = np.empty(len(servers)), np.empty(len(servers))
    over_rows(_bound_rows, len(servers), inner, servers, effort, bound, cost, cost=ASCENT_US)
    return bound, cost


@allocating_kernel
def _offer(inner: Inner, n: int, e: int, multiplier: Array) -> Offer:
    """What server e is offered in episode n."""
    steps = inner.order[n, e, : inner.offered[n, e]]
    return Offer(
        inner.join_s[n, e][steps], inner.size_bit[n][steps], inner.price[n, e][steps] - multiplier[steps],
        inner.s_per_bit[n, e], inner.bit_cost[n, e],
    )  # fmt: skip


@allocating_kernel
def set_cost(offer: Offer, taken: NDArray[np.bool_]) -> float:
    """What a set of the offered tasks costs, exactly."""
    residual_bit = np.zeros(len(taken) + 1)
    tasks, now_s, cost = 0, 0.0, 0.0
    for j in range(len(taken)):
        if taken[j]:
            tasks = served(residual_bit, tasks, offer.join_s[j] - now_s, offer.s_per_bit)
            now_s = offer.join_s[j]
            cost += offer.price[j] + offer.bit_cost * shared_bit(residual_bit, tasks, offer.size_bit[j])
            tasks = joined(residual_bit, tasks, offer.size_bit[j], len(residual_bit))
    return cost


@allocating_kernel
def _dual(inner: Inner, n: int, room: _Room, width: int) -> float:
    """The bound by the multipliers of the room; `times` tells which tasks are bought."""
    room.times[:] = 0.0
    value: float = room.multiplier.sum()
    for e in range(inner.offered.shape[1]):
        tasks = inner.offered[n, e]
        if tasks == 0:
            continue
        value += cheapest(_offer(inner, n, e, room.multiplier), width, room.one, room.two, room.bought)
        for j in range(tasks):
            room.times[inner.order[n, e, j]] += room.bought[j]
    return float(value)


@compiled
def _alone(inner: Inner, n: int, step: int) -> tuple[float, float]:
    """The least price of a task, and the least that its own execution costs, over the servers it can go to."""
    price = execution = np.inf
    for e in range(inner.offered.shape[1]):
        if inner.join_s[n, e, step] < np.inf:
            price = min(price, inner.price[n, e, step])
            execution = min(execution, inner.bit_cost[n, e] * inner.size_bit[n, step])
    return price, execution


@allocating_kernel
def _start(inner: Inner, n: int, servers: NDArray[np.int64], multiplier: Array) -> float:
    """Write multipliers to begin with, and return the cost of the schedule that they are read from."""
    steps = len(multiplier)
    insertion, total = np.full(steps, np.inf), 0.0
    for e in range(inner.offered.shape[1]):
        at = inner.order[n, e, : inner.offered[n, e]]
        offer = _offer(inner, n, e, np.zeros(steps))
        taken = servers[n][at] == e
        cost = set_cost(offer, taken)
        total += cost
        for j in range(len(at)):
            taken[j] = not taken[j]
            changed = set_cost(offer, taken) - cost
            taken[j] = not taken[j]
            insertion[at[j]] = min(insertion[at[j]], -changed if taken[j] else changed)
    for step in range(steps):
        multiplier[step] = 0.0
        if inner.size_bit[n, step] == 0.0:
            continue
        more, basis = 0.0, 0.0
        for other in range(steps):
            if inner.size_bit[n, other] > 0.0:
                near = math.exp(-0.5 * ((other - step) / SMOOTHING_STEPS) ** 2)
                price, execution = _alone(inner, n, other)
                more += near * (insertion[other] - price)
                basis += near * execution
        price, execution = _alone(inner, n, step)
        multiplier[step] = price + (more / basis * execution if basis > 0.0 else 0.0)
    return total


@allocating_kernel
def _bound_one(inner: Inner, n: int, servers: NDArray[np.int64], effort: Effort) -> tuple[float, float]:
    steps, labels = inner.size_bit.shape[1], 2 * max(effort.width, effort.final_width)
    room = _Room(new_labels(labels), new_labels(labels), np.zeros(steps, np.bool_), np.zeros(steps), np.zeros(steps))
    target = _start(inner, n, servers, room.multiplier)
    best, highest = room.multiplier.copy(), -np.inf
    scale, direction = np.zeros(steps), np.zeros(steps)
    for step in range(steps):
        if inner.size_bit[n, step] > 0.0:
            price, execution = _alone(inner, n, step)
            scale[step] = abs(price) + execution
    length, tries = STEP, 0
    for _ in range(effort.steps):
        value = _dual(inner, n, room, effort.width)
        tries += 1
        if value > highest:
            highest, tries = value, 0
            best[:] = room.multiplier
        elif tries >= PATIENCE:
            length, tries = length * SHRINK, 0
            room.multiplier[:] = best
            direction[:] = 0.0
        direction[:] = MEMORY * direction + np.where(scale > 0.0, 1.0 - room.times, 0.0)
        norm = (direction * direction * scale).sum()
        if norm == 0.0:
            break  # each task is bought once: nothing is relaxed
        room.multiplier[:] += length * max(target - value, LEAST_GAP * abs(target)) / norm * direction * scale
    room.multiplier[:] = best
    highest = max(highest, _dual(inner, n, room, effort.final_width))
    return highest - ROUNDING * abs(highest), target


@allocating_kernel
def _bound_rows(
    inner: Inner, servers: NDArray[np.int64], effort: Effort, bound: Array, cost: Array, first: int, last: int
) -> None:
    for n in range(first, last):
        bound[n], cost[n] = _bound_one(inner, n, servers, effort)
