"""Rollouts, compiled: each option is tried on futures that greedy plays on. `futures` says what comes out of it."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled, compiled_inline, kernel, read_only
from mecsim.core.target import Target, each
from mecsim.physics.dispatch import arrival_steps
from mecsim.systems.offload.dynamics import (
    advance_all,
    copy_state,
    costs_of,
    dispatch_one,
    weighted_cost,
)
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.layout import OffloadSpec
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.state import State, spare_state
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY, TURN

LOOK_US = 500  # an episode, or more
_QUEUES = ("fifo", "priority", "edf")


class _Tasks(NamedTuple):
    """Tasks of P episodes, in the order of arrival."""

    arrivals: NDArray[np.int64]  # (P, T)
    first: NDArray[np.int64]  # (P, T) the first task that arrives at each step
    arrival_step: NDArray[np.int64]  # (P, M)
    user: NDArray[np.int64]  # (P, M)
    size_bit: NDArray[np.float64]  # (P, M)
    deadline_s: NDArray[np.float64]  # (P, M)
    priority: NDArray[np.int64]  # (P, M)
    link: NDArray[np.int64]  # (P, M)
    rate_bit_per_s: NDArray[np.float64]  # (P, K, A)
    snr: NDArray[np.float64]  # (P, K, A) or (P, 0, 0)

    @classmethod
    def of(cls, tapes: OffloadTapes) -> Self:
        return cls(
            arrivals=read_only(tapes.arrivals),
            first=read_only(np.cumsum(tapes.arrivals, axis=1) - tapes.arrivals),
            arrival_step=read_only(arrival_steps(tapes.arrivals, tapes.user.shape[1])),
            user=read_only(tapes.user),
            size_bit=read_only(tapes.size_bit),
            deadline_s=read_only(tapes.deadline_s),
            priority=read_only(tapes.priority),
            link=read_only(tapes.link),
            rate_bit_per_s=read_only(tapes.rate_bit_per_s),
            snr=read_only(tapes.snr),
        )


class _Sources(NamedTuple):
    """Where tasks of imagined futures come from."""

    known: _Tasks  # of the N episodes, up to the decision
    pool: _Tasks


class _Plan(NamedTuple):
    """How futures are made and played. `Futures` has the meaning of what has the same name."""

    step: int  # of the decision at hand
    step_s: float
    queue: int  # position in _QUEUES
    horizon: int
    own_links: bool
    member: NDArray[np.int64]
    offset: NDArray[np.int64]
    size_factor: NDArray[np.float64]
    low_bit: float
    high_bit: float
    weight: NDArray[np.float64]  # (N, 3) of delay, energy and shortfall


class _Room(NamedTuple):
    """What is written to, but for the spare state, and when tasks go."""

    leaves: NDArray[np.int64]  # (N, M) the step that dispatches each task, or one after the end of the episode
    oldest: NDArray[np.int64]  # (N, T) the first task that a step does not find dispatched, nor dispatches itself
    queue: NDArray[Any]  # (N, ...) of TURN: the imagined dispatch queue
    rank: NDArray[np.float64]  # (N, ...) what it is sorted by
    value: NDArray[np.float64]  # (N, A) what comes out


class Rollouts:
    """Room to imagine what the episodes of a batched engine may come to. The engine's own state stays as it is."""

    def __init__(
        self, scenario: OffloadScenario, spec: OffloadSpec, tapes: OffloadTapes, state: State, target: Target
    ) -> None:
        self._queue_kind = _QUEUES.index(scenario.dispatch.queue)
        self._spec, self._target = spec, target
        self._known = each(target.place, _Tasks.of(tapes))
        own = each(target.on_host, state)
        self._spare = each(target.place, spare_state(own))
        leaves: NDArray[np.int64] = np.full(tapes.user.shape, tapes.arrivals.shape[1] + 1)
        rows, steps = np.nonzero(own.turns["task"] != NOBODY)
        leaves[rows, own.turns["task"][rows, steps]] = steps
        latest = np.maximum.accumulate(leaves, axis=1)
        oldest = np.array([np.searchsorted(row, np.arange(spec.steps), side="right") for row in latest])
        self._leaves, self._oldest = target.place(leaves), target.place(oldest)
        self._pool: tuple[OffloadTapes, _Tasks] | None = None

    def values(self, state: State, step: int, futures: Futures, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `OffloadEngine.rollouts`; for the decision of `step`."""
        target, episodes = self._target, self._leaves.shape[0]
        if self._pool is None or self._pool[0] is not futures.pool:
            self._pool = futures.pool, each(target.place, _Tasks.of(futures.pool))
        pool = self._pool[1]
        room = self._leaves.shape[1] + pool.user.shape[1]
        plan = _Plan(
            step, self._spec.step_s, self._queue_kind, futures.horizon, futures.own_links, target.place(futures.member),
            target.place(futures.offset), target.place(futures.size_factor), futures.clip_bit.low,
            futures.clip_bit.high, target.place(weight),
        )  # fmt: skip
        value: NDArray[np.float64] = target.xp.empty((episodes, self._spec.max_options), dtype=target.xp.float64)
        queue, rank = target.place(np.zeros((episodes, room), TURN)), target.place(np.zeros((episodes, room)))
        desk = _Room(self._leaves, self._oldest, queue, rank, value)
        tasks = _Sources(self._known, pool)
        target.over_rows(_look, episodes, self._spec, state, self._spare, plan, tasks, desk, cost=LOOK_US)
        return value


@compiled_inline
def _rank_of(plan: _Plan, arrival_step: int, deadline_s: float, priority: int) -> float:
    """What the dispatch queue is sorted by; of equals the older goes first."""
    if plan.queue == 1:
        return float(priority)
    return arrival_step * plan.step_s + deadline_s if plan.queue == 2 else 0.0


@compiled
def _enqueue(plan: _Plan, room: _Room, n: int, at: int, tasks: _Tasks, p: int, j: int, arrival_step: int) -> None:
    """Put task j of row p of `tasks` into place `at` of the imagined dispatch queue."""
    entry = room.queue[n, at]
    entry.task = j
    entry.user = tasks.user[p, j]
    entry.arrival_step = arrival_step
    entry.size_bit = tasks.size_bit[p, j]
    entry.deadline_s = tasks.deadline_s[p, j]
    entry.priority = tasks.priority[p, j]
    room.rank[n, at] = _rank_of(plan, arrival_step, entry.deadline_s, entry.priority)


@compiled
def _set_links(spare: State, n: int, row: int, tasks: _Tasks, p: int, link: int) -> None:
    """Row `row` of the imagined links becomes row `link` of `tasks`."""
    for e in range(spare.rate_bit_per_s.shape[2]):
        spare.rate_bit_per_s[n, row, e] = tasks.rate_bit_per_s[p, link, e]
        if spare.snr.shape[1] > 0:
            spare.snr[n, row, e] = tasks.snr[p, link, e]


@compiled
def _wait(plan: _Plan, known: _Tasks, room: _Room, n: int) -> int:
    """Put who waits now into the imagined dispatch queue, as far as they may get their turn; how many these are."""
    tail = 0
    arrived = known.first[n, plan.step] + known.arrivals[n, plan.step]
    for j in range(room.oldest[n, plan.step], arrived):
        if room.leaves[n, j] > plan.step:
            if plan.queue == 0 and tail == plan.horizon:
                break
            _enqueue(plan, room, n, tail, known, n, j, known.arrival_step[n, j])
            tail += 1
    return tail


@compiled
def _imagine(spare: State, plan: _Plan, known: _Tasks, pool: _Tasks, room: _Room, n: int, f: int) -> None:
    """Write the turns of the steps after the decision: who waits now, then who arrives in a window of the pool."""
    p, rank = plan.member[n, f], room.rank
    of_episode = _wait(
        plan, known, room, n
    )  # the first so many places are tasks of the episode, the others of the pool
    head, tail = 0, of_episode
    for ahead in range(1, plan.horizon + 1):
        now, at = plan.step + ahead, plan.offset[n, f] + ahead - 1
        for j in range(pool.first[p, at], pool.first[p, at] + pool.arrivals[p, at]):
            _enqueue(plan, room, n, tail, pool, p, j, now)
            size_bit = pool.size_bit[p, j] * plan.size_factor[n, p]
            room.queue[n, tail].size_bit = min(max(size_bit, plan.low_bit), plan.high_bit)
            tail += 1
        turn = spare.turns[n, now]
        while head < tail and rank[n, head] == np.inf:  # gone already
            head += 1
        if head == tail:
            turn.task = NOBODY
            continue
        chosen = head
        if plan.queue != 0:
            for place in range(head + 1, tail):
                if rank[n, place] < rank[n, chosen]:
                    chosen = place
        spare.turns[n, now] = room.queue[n, chosen]
        rank[n, chosen] = np.inf
        turn.link = now
        if plan.own_links:
            _set_links(spare, n, now, known, n, turn.user)
        elif chosen < of_episode:  # its channel at that moment is not known yet: somebody's of the pool
            _set_links(spare, n, now, pool, p, pool.link[p, chosen % pool.link.shape[1]])
        else:
            _set_links(spare, n, now, pool, p, pool.link[p, turn.task])


@compiled
def _greedy(spec: OffloadSpec, state: State, n: int, step: int, weight: NDArray[np.float64]) -> int:
    """The option of the least immediate cost."""
    turn = state.turns[n, step]
    best, least = 0, np.inf
    for e in range(state.num_servers[n] + spec.device):
        cost = weighted_cost(weight, n, costs_of(spec, state, n, e, step, turn))
        if cost < least:
            best, least = e, cost
    return best


@compiled
def _played(spec: OffloadSpec, spare: State, n: int, plan: _Plan, option: int, cost: float) -> float:
    """`cost` and what a future costs that begins with an option."""
    weight = plan.weight
    for now in range(plan.step, plan.step + plan.horizon + 1):
        if spare.turns[n, now].task != NOBODY:
            chosen = option if now == plan.step else _greedy(spec, spare, n, now, weight)
            cost += weighted_cost(weight, n, dispatch_one(spec, spare, n, now, chosen))
        advance_all(spec, spare, n, now * spec.step_s, (now + 1) * spec.step_s)
    return cost


@compiled
def _look_one(
    spec: OffloadSpec, state: State, spare: State, plan: _Plan, known: _Tasks, pool: _Tasks, room: _Room, n: int
) -> None:
    """Total cost of each option of episode `n` over the futures; infinite for absent options."""
    options, step, value = state.num_servers[n] + spec.device, plan.step, room.value
    for e in range(value.shape[1]):
        value[n, e] = 0.0 if e < options else np.inf
    if state.turns[n, step].task == NOBODY:
        return
    spare.turns[n, step] = state.turns[n, step]
    spare.turns[n, step].link = step
    _set_links(spare, n, step, known, n, state.turns[n, step].link)
    for f in range(plan.member.shape[1]):
        _imagine(spare, plan, known, pool, room, n, f)
        for e in range(options):
            copy_state(spec, state, spare, n)
            value[n, e] = _played(spec, spare, n, plan, e, value[n, e])


@kernel
def _look(
    spec: OffloadSpec, state: State, spare: State, plan: _Plan, tasks: _Sources, room: _Room, first: int, last: int
) -> None:
    for n in range(first, last):
        _look_one(spec, state, spare, plan, tasks.known, tasks.pool, room, n)
