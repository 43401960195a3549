"""Lookahead: each option is tried on sampled futures, which greedy plays on.

A one-step rollout policy (Bertsekas, Tsitsiklis and Wu 1997): for the task at hand every option is taken in turn, then
the episode goes on for a horizon with sampled arrivals and greedy decisions; the option with the least mean cost wins.
All options meet the same futures. What waits in the dispatch queue and the state of all servers are known. The
channels of the users are known where they last an episode, else they are sampled as well.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled, compiled_inline, compiled_parallel, threads_for
from mecsim.core.episodes import Arrays
from mecsim.core.seeds import Stream
from mecsim.errors import InputError
from mecsim.policies.calibration import calibrate
from mecsim.policies.policy import Actions, Preferences
from mecsim.policies.registry import policy
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.dynamics import (
    State,
    advance_all,
    copy_state,
    costs_of,
    dispatch_one,
    spare_state,
    weighted_cost,
)
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.layout import OffloadSpec, objective_columns
from mecsim.systems.offload.objectives import OBJECTIVES
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY, TURN

FUTURES = 16
HORIZON = 25
POOL = 64
"""Episodes of which futures are windows."""

_QUEUES = ("fifo", "priority", "edf")


class _Tasks(NamedTuple):
    """Tasks of episodes, in the order of arrival."""

    arrivals: NDArray[np.int64]  # (P, T)
    first: NDArray[np.int64]  # (P, T) the first task that arrives at each step
    user: NDArray[np.int64]  # (P, M)
    size_bit: NDArray[np.float64]  # (P, M)
    deadline_s: NDArray[np.float64]  # (P, M)
    priority: NDArray[np.int64]  # (P, M)
    link: NDArray[np.int64]  # (P, M)
    rate_bit_per_s: NDArray[np.float64]  # (P, K, A)
    snr: NDArray[np.float64]  # (P, K, A) or (P, 0, 0)


class _Future(NamedTuple):
    """How futures are made; the same for all episodes."""

    queue: int  # position in _QUEUES
    horizon: int
    own_links: bool  # whether users keep the channels that they have in the episode
    size_factor: NDArray[np.float64]  # (N, P) sizes of the pool, relative to those of an episode
    low_bit: float
    high_bit: float


class LookaheadPolicy:
    """The least mean cost over sampled futures."""

    def __init__(
        self,
        scenario: OffloadScenario,
        scale: NDArray[np.float64],
        seed: int,
        futures: int = FUTURES,
        horizon: int = HORIZON,
    ) -> None:
        self._scenario = scenario
        self._scale = scale
        self._rng = np.random.default_rng([seed, Stream.PLANNING])
        self._futures = futures
        self._horizon = horizon
        self._tapes: OffloadTapes | None = None

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The option of the least expected cost in each episode. Raises InputError on another engine than batched."""
        engine = episodes.engine
        if not isinstance(engine, BatchedOffloadEngine):
            raise InputError("lookahead plans on the batched engine only: use --engine batched")
        if self._tapes is not episodes.tapes and episodes.tapes is not None:
            self._begin(engine, episodes.tapes)
        count, left = len(preference), engine.spec.steps - engine.step_index - 1
        horizon = min(self._horizon, left)
        pool_steps = self._pool.arrivals.shape[1]
        future = self._future._replace(horizon=horizon)
        member = self._rng.integers(0, len(self._pool.user), (count, self._futures))
        offset = self._rng.integers(0, pool_steps - horizon + 1, (count, self._futures))
        weight = column_weights(self._scenario, preference / self._scale)
        value = np.empty((count, engine.spec.max_options))
        with threads_for(count * 64):  # an item is a thousand times what the rule of threads expects
            _look(
                engine.spec, engine.state, self._spare, engine.step_index, future, self._known, self._leaves,
                self._pool, member, offset, weight, self._queue, self._rank, value,
            )  # fmt: skip
        return np.asarray(value.argmin(axis=1))

    def _begin(self, engine: BatchedOffloadEngine, tapes: OffloadTapes) -> None:
        self._tapes = tapes
        self._spare = spare_state(engine.state)
        pool_tapes = _pool(self._scenario)
        self._pool, self._known = _tasks_of(pool_tapes), _tasks_of(tapes)
        size = self._scenario.tasks.size
        factor = np.ones((len(tapes), len(pool_tapes)))
        if size.mean_bit == "balanced" and self._scenario.tasks.trace.file is None:
            factor = tapes.cpu_hz.sum(axis=1)[:, None] / pool_tapes.cpu_hz.sum(axis=1)
        clip = size.clip_bit or Uniform(0.0, np.inf)
        self._future = _Future(
            queue=_QUEUES.index(self._scenario.dispatch.queue),
            horizon=0,
            own_links=bool((tapes.link == tapes.user).all()),
            size_factor=factor,
            low_bit=clip.low,
            high_bit=clip.high,
        )
        # When each task leaves the dispatch queue; after the end of the episode if it never does.
        self._leaves = np.full(tapes.user.shape, tapes.arrivals.shape[1] + 1)
        rows, steps = np.nonzero(engine.state.turns["task"] != NOBODY)
        self._leaves[rows, engine.state.turns["task"][rows, steps]] = steps
        room = tapes.user.shape[1] + self._pool.user.shape[1]
        self._queue = np.zeros((len(tapes), room), TURN)
        self._rank = np.zeros((len(tapes), room))


@lru_cache(maxsize=4)
def _pool(scenario: OffloadScenario) -> OffloadTapes:
    """Episodes with every server there can be, so that all links exist."""
    edge = scenario.servers.edge
    every = edge.model_copy(update={"count": CountRange(edge.count.high, edge.count.high)})
    servers = scenario.servers.model_copy(update={"edge": every})
    return draw_tapes(scenario.model_copy(update={"servers": servers}), 0, 0, POOL, Stream.PLANNING)


def _tasks_of(tapes: OffloadTapes) -> _Tasks:
    return _Tasks(
        arrivals=tapes.arrivals,
        first=np.cumsum(tapes.arrivals, axis=1) - tapes.arrivals,
        user=tapes.user,
        size_bit=tapes.size_bit,
        deadline_s=tapes.deadline_s,
        priority=tapes.priority,
        link=tapes.link,
        rate_bit_per_s=tapes.rate_bit_per_s,
        snr=tapes.snr,
    )


def column_weights(scenario: OffloadScenario, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the engines' cost columns, (N, 3), from those of the scenario's objectives, (N, objectives)."""
    columns = np.zeros((len(weight), len(OBJECTIVES)))
    columns[:, objective_columns(scenario)] = weight
    return columns


@compiled_inline
def _rank_of(queue: int, step_s: float, arrival_step: int, deadline_s: float, priority: int) -> float:
    """What the dispatch queue is sorted by; of equals the older goes first."""
    if queue == 1:
        return float(priority)
    return arrival_step * step_s + deadline_s if queue == 2 else 0.0


@compiled
def _enqueue(
    spec: OffloadSpec, future: _Future, queue: Any, rank: NDArray[np.float64], n: int, at: int, tasks: _Tasks, p: int,
    j: int, arrival_step: int, size_bit: float,
) -> None:  # fmt: skip
    """Put task j of row p of `tasks` into place `at` of the imagined dispatch queue."""
    entry = queue[n, at]
    entry.task = j
    entry.user = tasks.user[p, j]
    entry.arrival_step = arrival_step
    entry.size_bit = size_bit
    entry.deadline_s = tasks.deadline_s[p, j]
    entry.priority = tasks.priority[p, j]
    rank[n, at] = _rank_of(future.queue, spec.step_s, arrival_step, entry.deadline_s, entry.priority)


@compiled
def _set_links(spare: State, n: int, row: int, tasks: _Tasks, p: int, link: int) -> None:
    """Row `row` of the imagined links becomes row `link` of `tasks`."""
    for e in range(spare.rate_bit_per_s.shape[2]):
        spare.rate_bit_per_s[n, row, e] = tasks.rate_bit_per_s[p, link, e]
        if spare.snr.shape[1] > 0:
            spare.snr[n, row, e] = tasks.snr[p, link, e]


@compiled
def _imagine(
    spec: OffloadSpec, spare: State, n: int, step: int, future: _Future, known: _Tasks, leaves: NDArray[np.int64],
    pool: _Tasks, p: int, offset: int, queue: Any, rank: NDArray[np.float64],
) -> None:  # fmt: skip
    """Write the turns of the steps after `step`: who waits now, then who arrives in a window of the pool."""
    tail = 0
    arrived = known.first[n, step] + known.arrivals[n, step]
    for j in range(arrived):
        if leaves[n, j] > step:
            came = 0
            while came < step and known.first[n, came] + known.arrivals[n, came] <= j:
                came += 1
            _enqueue(spec, future, queue, rank, n, tail, known, n, j, came, known.size_bit[n, j])
            tail += 1
    of_episode = tail  # the first so many places are tasks of the episode, the others of the pool
    head = 0
    for ahead in range(1, future.horizon + 1):
        at = offset + ahead - 1
        for j in range(pool.first[p, at], pool.first[p, at] + pool.arrivals[p, at]):
            size_bit = min(max(pool.size_bit[p, j] * future.size_factor[n, p], future.low_bit), future.high_bit)
            _enqueue(spec, future, queue, rank, n, tail, pool, p, j, step + ahead, size_bit)
            tail += 1
        turn = spare.turns[n, step + ahead]
        while head < tail and rank[n, head] == np.inf:  # gone already
            head += 1
        if head == tail:
            turn.task = NOBODY
            continue
        chosen = head
        if future.queue != 0:
            for place in range(head + 1, tail):
                if rank[n, place] < rank[n, chosen]:
                    chosen = place
        spare.turns[n, step + ahead] = queue[n, chosen]
        rank[n, chosen] = np.inf
        turn.link = step + ahead
        if future.own_links:
            _set_links(spare, n, step + ahead, known, n, turn.user)
        elif chosen < of_episode:  # its channel at that moment is not known yet: somebody's of the pool
            _set_links(spare, n, step + ahead, pool, p, pool.link[p, chosen % pool.link.shape[1]])
        else:
            _set_links(spare, n, step + ahead, pool, p, pool.link[p, turn.task])


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
def _look_one(
    spec: OffloadSpec, state: State, spare: State, n: int, step: int, future: _Future, known: _Tasks,
    leaves: NDArray[np.int64], pool: _Tasks, member: NDArray[np.int64], offset: NDArray[np.int64],
    weight: NDArray[np.float64], queue: Any, rank: NDArray[np.float64], value: NDArray[np.float64],
) -> None:  # fmt: skip
    """Total cost of each option of episode `n` over the futures, in `value[n]`; infinite for absent options."""
    options = state.num_servers[n] + spec.device
    for e in range(value.shape[1]):
        value[n, e] = 0.0 if e < options else np.inf
    if state.turns[n, step].task == NOBODY:
        return
    spare.turns[n, step] = state.turns[n, step]
    spare.turns[n, step].link = step
    _set_links(spare, n, step, known, n, state.turns[n, step].link)
    for f in range(member.shape[1]):
        _imagine(spec, spare, n, step, future, known, leaves, pool, member[n, f], offset[n, f], queue, rank)
        for e in range(options):
            copy_state(spec, state, spare, n, step)
            for ahead in range(future.horizon + 1):
                now = step + ahead
                if spare.turns[n, now].task != NOBODY:
                    chosen = e if ahead == 0 else _greedy(spec, spare, n, now, weight)
                    value[n, e] += weighted_cost(weight, n, dispatch_one(spec, spare, n, now, chosen))
                advance_all(spec, spare, n, now * spec.step_s, (now + 1) * spec.step_s)


@compiled_parallel
def _look(
    spec: OffloadSpec, state: State, spare: State, step: int, future: _Future, known: _Tasks, leaves: NDArray[np.int64],
    pool: _Tasks, member: NDArray[np.int64], offset: NDArray[np.int64], weight: NDArray[np.float64], queue: Any,
    rank: NDArray[np.float64], value: NDArray[np.float64],
) -> None:  # fmt: skip
    for n in numba.prange(len(value)):
        _look_one(
            spec, state, spare, n, step, future, known, leaves, pool, member, offset, weight, queue, rank, value
        )  # fmt: skip


@policy("lookahead", "each option tried on sampled futures that greedy plays on")
def lookahead(scenario: OffloadScenario, seed: int) -> LookaheadPolicy:
    """In the scales of the scenario."""
    return LookaheadPolicy(scenario, calibrate(scenario).scale, seed)
