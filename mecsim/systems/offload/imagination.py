"""Imagined futures, compiled: the turns and links that follow a decision, and episodes that go on with them.

`futures` says what a future is.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled, compiled_inline, kernel, read_only
from mecsim.core.target import Host, Target, each
from mecsim.physics.dispatch import arrival_times_s
from mecsim.systems.offload.clock import Clock, clock_of, time_ahead_s, waiting_first
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.state import WRITTEN, State
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY, TURN

FILL_US = 1  # a row, or more
KEPT = ("num_servers", "cpu_hz", "rate_bit_per_s", "snr", "patience")  # fields of a state that are read only
_QUEUES = ("fifo", "priority", "edf")


class _Tasks(NamedTuple):
    """Tasks of P episodes, in the order of arrival."""

    decision_s: NDArray[np.float64]  # (P, T + 1)
    arrivals: NDArray[np.int64]  # (P, T)
    first: NDArray[np.int64]  # (P, T) the first task that arrives at each step
    arrival_s: NDArray[np.float64]  # (P, M)
    user: NDArray[np.int64]  # (P, M)
    size_bit: NDArray[np.float64]  # (P, M)
    work_of_bit: NDArray[np.float64]  # (P, M)
    output_bit: NDArray[np.float64]  # (P, M)
    deadline_s: NDArray[np.float64]  # (P, M)
    priority: NDArray[np.int64]  # (P, M)
    link: NDArray[np.int64]  # (P, M)
    rate_bit_per_s: NDArray[np.float64]  # (P, K, A)
    snr: NDArray[np.float64]  # (P, K, A) or (P, 0, 0)

    @classmethod
    def of(cls, tapes: OffloadTapes, cycles_per_bit: float) -> Self:
        """Of tapes of a scenario of so many cycles per bit."""
        return cls(
            decision_s=read_only(tapes.decision_s),
            arrivals=read_only(tapes.arrivals),
            first=read_only(np.cumsum(tapes.arrivals, axis=1) - tapes.arrivals),
            arrival_s=read_only(arrival_times_s(tapes.arrivals, tapes.user.shape[1], tapes.decision_s)),
            user=read_only(tapes.user),
            size_bit=read_only(tapes.size_bit),
            work_of_bit=read_only(tapes.cycles_per_bit / cycles_per_bit),
            output_bit=read_only(tapes.output_bit),
            deadline_s=read_only(tapes.deadline_s),
            priority=read_only(tapes.priority),
            link=read_only(tapes.link),
            rate_bit_per_s=read_only(tapes.rate_bit_per_s),
            snr=read_only(tapes.snr),
        )


class Known(NamedTuple):
    """The tasks of N episodes, and when they go."""

    tasks: _Tasks
    leaves: NDArray[np.int64]  # (N, M) the step that dispatches each task, or one after the end of the episode
    oldest: NDArray[np.int64]  # (N, T) the first task that a step does not find dispatched, nor dispatches itself


class Plan(NamedTuple):
    """What futures are made of. `Futures` has the meaning of what has the same name."""

    step: int  # of the decision at hand
    clock: Clock
    queue: int  # position in _QUEUES
    horizon: int
    own_links: bool
    member: NDArray[np.int64]
    offset: NDArray[np.int64]
    size_factor: NDArray[np.float64]
    low_bit: float
    high_bit: float
    known: Known  # up to the decision
    pool: _Tasks


class Room(NamedTuple):
    """What is worked in, a row for each that is imagined."""

    queue: NDArray[Any]  # (R, ...) of TURN: the imagined dispatch queue
    rank: NDArray[np.float64]  # (R, ...) what it is sorted by


class Rows(NamedTuple):
    """Episodes to go on with, each with one of its futures."""

    episode: NDArray[np.int64]  # (R,)
    future: NDArray[np.int64]  # (R,)


class Imagination:
    """What is known of the episodes of a batched engine, to make futures of."""

    def __init__(self, scenario: OffloadScenario, tapes: OffloadTapes, turns: NDArray[Any], target: Target) -> None:
        """`turns` (N, T + 1) are NumPy's."""
        self._queue, self._clock, self._target = _QUEUES.index(scenario.dispatch.queue), clock_of(scenario), target
        self._cycles_per_bit = scenario.tasks.cycles_per_bit
        leaves: NDArray[np.int64] = np.full(tapes.user.shape, tapes.arrivals.shape[1] + 1)
        rows, steps = np.nonzero(turns["task"] != NOBODY)
        leaves[rows, turns["task"][rows, steps]] = steps
        latest = np.maximum.accumulate(leaves, axis=1)
        oldest = np.array([np.searchsorted(row, np.arange(tapes.arrivals.shape[1]), side="right") for row in latest])
        self._known = each(target.place, Known(_Tasks.of(tapes, self._cycles_per_bit), leaves, oldest))
        self._pool: tuple[OffloadTapes, _Tasks] | None = None

    def plan(self, step: int, futures: Futures) -> Plan:
        """Of the decision of `step`."""
        place = self._target.place
        if self._pool is None or self._pool[0] is not futures.pool:
            self._pool = futures.pool, each(place, _Tasks.of(futures.pool, self._cycles_per_bit))
        return Plan(
            step, self._clock, self._queue, futures.horizon, futures.own_links, place(futures.member),
            place(futures.offset), place(futures.size_factor), futures.clip_bit.low, futures.clip_bit.high,
            self._known, self._pool[1],
        )  # fmt: skip

    def room(self, plan: Plan, rows: int) -> Room:
        """For as many futures at a time."""
        places = rows, plan.known.leaves.shape[1] + plan.pool.user.shape[1]
        return Room(self._target.place(np.zeros(places, TURN)), self._target.place(np.zeros(places)))


@compiled_inline
def _rank_of(plan: Plan, arrival_s: float, deadline_s: float, priority: int) -> float:
    """What the dispatch queue is sorted by; of equals the older goes first."""
    if plan.queue == 1:
        return float(priority)
    return arrival_s + deadline_s if plan.queue == 2 else 0.0


@compiled
def _enqueue(plan: Plan, room: Room, row: int, at: int, tasks: _Tasks, p: int, j: int, arrival_s: float) -> None:
    """Put task j of row p of `tasks` into place `at` of the imagined dispatch queue."""
    entry = room.queue[row, at]
    entry.task = j
    entry.user = tasks.user[p, j]
    entry.arrival_s = arrival_s
    entry.size_bit = tasks.size_bit[p, j]
    entry.work_bit = tasks.size_bit[p, j] * tasks.work_of_bit[p, j]
    entry.output_bit = tasks.output_bit[p, j]
    entry.deadline_s = tasks.deadline_s[p, j]
    entry.priority = tasks.priority[p, j]
    room.rank[row, at] = _rank_of(plan, arrival_s, entry.deadline_s, entry.priority)


@compiled
def _set_links(spare: State, row: int, link: int, tasks: _Tasks, p: int, given: int) -> None:
    """Link `link` of the imagined ones becomes link `given` of row p of `tasks`."""
    for e in range(spare.rate_bit_per_s.shape[2]):
        spare.rate_bit_per_s[row, link, e] = tasks.rate_bit_per_s[p, given, e]
        if spare.snr.shape[1] > 0:
            spare.snr[row, link, e] = tasks.snr[p, given, e]


@compiled
def _wait(plan: Plan, room: Room, row: int, n: int) -> int:
    """Put who waits now into the imagined dispatch queue, as far as they may get their turn; how many these are."""
    known, tail = plan.known.tasks, 0
    arrived = known.first[n, plan.step] + known.arrivals[n, plan.step]
    for j in range(plan.known.oldest[n, plan.step], arrived):
        if plan.known.leaves[n, j] > plan.step:
            if plan.queue == 0 and tail == plan.horizon:
                break
            _enqueue(plan, room, row, tail, known, n, j, known.arrival_s[n, j])
            tail += 1
    return tail


@compiled
def keep_turn(state: State, n: int, spare: State, row: int, plan: Plan) -> None:
    """The turn of the decision at hand, of episode `n`, becomes that of a row of `spare`."""
    spare.turns[row, plan.step] = state.turns[n, plan.step]
    spare.turns[row, plan.step].link = plan.step
    if state.turns[n, plan.step].task != NOBODY:
        _set_links(spare, row, plan.step, plan.known.tasks, n, state.turns[n, plan.step].link)


@compiled
def imagine(spare: State, row: int, plan: Plan, room: Room, n: int, f: int) -> None:
    """Write the turns of the steps after the decision: who waits now, then who arrives in a window of the pool.

    And the time of the step after these. Into a row of `spare`, which has the turn of the decision already, for future
    `f` of episode `n`.
    """
    known, pool, p, rank = plan.known.tasks, plan.pool, plan.member[n, f], room.rank
    of_episode = _wait(plan, room, row, n)  # so many places are tasks of the episode, the others of the pool
    head, tail = 0, of_episode
    last = spare.turns[row, plan.step]
    begins = plan.offset[n, f] - waiting_first(plan.clock, of_episode)  # of the pool's steps, that of the next one here
    queued_tasks, queued_bit = last.queued_tasks, last.queued_bit
    if last.task != NOBODY:
        queued_tasks -= 1
        queued_bit -= last.size_bit
    for ahead in range(1, plan.horizon + 2):
        now, at = plan.step + ahead, begins + ahead - 1
        now_s = time_ahead_s(plan.clock, last.now_s, now, pool.decision_s, p, at, plan.offset[n, f])
        elapsed_s = now_s - spare.turns[row, now - 1].now_s
        spare.turns[row, now].now_s, spare.turns[row, now].elapsed_s = now_s, elapsed_s
        if ahead > plan.horizon:
            break
        coming = pool.arrivals[p, at] if at >= plan.offset[n, f] and now_s < plan.clock.end_s else 0
        for j in range(pool.first[p, at], pool.first[p, at] + coming):
            _enqueue(plan, room, row, tail, pool, p, j, now_s)
            size_bit = min(max(pool.size_bit[p, j] * plan.size_factor[n, p], plan.low_bit), plan.high_bit)
            room.queue[row, tail].size_bit = size_bit
            room.queue[row, tail].work_bit = size_bit * pool.work_of_bit[p, j]
            tail += 1
            queued_tasks += 1
            queued_bit += size_bit
        turn = spare.turns[row, now]
        while head < tail and rank[row, head] == np.inf:  # gone already
            head += 1
        if head == tail:
            turn.task = NOBODY
            turn.queued_tasks = 0
            turn.queued_bit = queued_bit = 0.0
            continue
        chosen = head
        if plan.queue != 0:
            for place in range(head + 1, tail):
                if rank[row, place] < rank[row, chosen]:
                    chosen = place
        spare.turns[row, now] = room.queue[row, chosen]
        turn.now_s, turn.elapsed_s = now_s, elapsed_s
        rank[row, chosen] = np.inf
        turn.queued_tasks, turn.queued_bit = queued_tasks, queued_bit
        queued_tasks -= 1
        queued_bit -= turn.size_bit
        turn.link = now
        if plan.own_links:
            _set_links(spare, row, now, known, n, turn.user)
        elif chosen < of_episode:  # its channel at that moment is not known yet: somebody's of the pool
            _set_links(spare, row, now, pool, p, pool.link[p, chosen % pool.link.shape[1]])
        else:
            _set_links(spare, row, now, pool, p, pool.link[p, turn.task])


def imagined_state(state: State, imagination: Imagination, step: int, futures: Futures, rows: Rows) -> State:
    """The state of R episodes at the decision of `step`, in NumPy's arrays, as are those of the others.

    What is known of them is what is known of the episodes that they are; after that comes a future. Links have a row
    per step. The task of a step before the decision is not told.
    """
    count, (_, turns), (_, _, options) = len(rows.episode), state.turns.shape, state.rate_bit_per_s.shape
    links = (count, turns, options)
    chosen = (*WRITTEN, "num_servers", "cpu_hz", "patience", "task_share", "miss_share", "expired", "idle_w")
    own: dict[str, Any] = {name: each(lambda array: array[rows.episode], getattr(state, name)) for name in chosen}
    spare = state._replace(
        **own,
        turns=np.zeros((count, turns), TURN),
        rate_bit_per_s=np.zeros(links),
        snr=np.zeros(links if state.snr.size else (count, 0, 0)),
    )
    spare.turns["task"] = NOBODY
    plan = imagination.plan(step, futures)
    Host.over_rows(_fill, count, state, spare, plan, imagination.room(plan, count), rows, cost=FILL_US)
    kept: dict[str, Any] = {
        name: read_only(getattr(spare, name)) for name in KEPT
    }  # as in any state, for which kernels are compiled
    return spare._replace(**kept)


@kernel
def _fill(state: State, spare: State, plan: Plan, room: Room, rows: Rows, first: int, last: int) -> None:
    for row in range(first, last):
        keep_turn(state, rows.episode[row], spare, row, plan)
        imagine(spare, row, plan, room, rows.episode[row], rows.future[row])
