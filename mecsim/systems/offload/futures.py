"""Futures for planners: what may come after a decision, and what an option leads to if greedy goes on from there.

A future is a window of another episode: what arrives there arrives here. What waits in the dispatch queue and what the
servers have to do are known. `play_rollouts` defines the value of an option by playing; `rollouts` does the same fast.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Engine
from mecsim.physics.dispatch import dispatched_tasks
from mecsim.schema.units import Uniform
from mecsim.systems.offload.clock import clock_of
from mecsim.systems.offload.edges import server_powers
from mecsim.systems.offload.layout import ENERGY, MISSES, SHORTFALL, offload_spec
from mecsim.systems.offload.misses import counted_of
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY

PlayedEngine = Engine[OffloadTapes, OffloadRecords]


@dataclass(frozen=True)
class Futures:
    """F futures of each of N episodes; all options of an episode meet the same ones."""

    pool: OffloadTapes  # of P episodes with every server there can be, so that all links exist
    member: NDArray[np.int64]  # (N, F) the episode of the pool that a future is a window of
    offset: NDArray[np.int64]  # (N, F) its step whose arrivals are the next; from 1 where tasks decide
    horizon: int  # steps after the decision at hand, none beyond the end of the episode
    own_links: bool  # whether users keep the channels that they have in the episode; else those of the pool
    size_factor: NDArray[np.float64]  # (N, P) by which sizes of the pool are multiplied
    clip_bit: Uniform  # what they are then clipped to


def play_rollouts(
    make: Callable[[OffloadScenario], PlayedEngine], scenario: OffloadScenario, tapes: OffloadTapes,
    taken: Sequence[NDArray[np.int64]], futures: Futures, weight: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """`OffloadEngine.rollouts` by playing each future to its end with each option.

    Args:
        make: an engine, which then plays one episode.
        scenario: what is played.
        tapes: its N episodes.
        taken: the actions (N,) of all steps so far.
        futures: see there.
        weight: of all OBJECTIVES, (N, 5).
    """
    devices = int(scenario.servers.device is not None)
    told, counted = list(offload_spec(scenario).told), counted_of(tapes, _dispatched(scenario, tapes))
    value = np.full((len(tapes), scenario.max_servers + devices), np.inf)
    for n in range(len(tapes)):
        options = int(tapes.num_servers[n]) + devices
        value[n, :options] = 0.0
        turns = dispatched_of(scenario, tapes, n)
        if turns[len(taken)] == NOBODY:
            continue
        for f in range(futures.member.shape[1]):
            tape = imagined(scenario, tapes, len(taken), futures, n, f)
            engine = make(scenario)
            engine.begin(tape)
            for action in taken:
                engine.step(action[n : n + 1])
            worth = weight[n].copy()  # ratings and misses count as in the true episode
            worth[SHORTFALL] *= (dispatched_of(scenario, tape, 0) != NOBODY).sum() / (turns != NOBODY).sum()
            imagined_tasks, expired = (int(count[0]) for count in counted_of(tape, _dispatched(scenario, tape)))
            worth[MISSES] *= imagined_tasks / counted.tasks[n]
            still = (futures.horizon + 1) * worth[ENERGY] * _idle_j(scenario, int(tapes.num_servers[n]))
            still += (futures.horizon + 1) * worth[MISSES] * expired / (imagined_tasks * tapes.arrivals.shape[1])
            for option in range(options):
                value[n, option] += _cost(engine.fork(), option, options, futures.horizon, worth[told]) - still
    return value


def _cost(engine: PlayedEngine, option: int, options: int, horizon: int, weight: NDArray[np.float64]) -> float:
    """What an option of the one episode costs, and greedy after it; `weight` is of the engine's rewards, (Q,)."""
    reward = engine.step(np.array([option]))
    total = reward[0] @ weight
    for _ in range(horizon):
        promised = engine.option_rewards()[0, :options] @ weight
        total += engine.step(np.array([promised.argmax()]))[0] @ weight
    return -float(total)


def imagined(
    scenario: OffloadScenario, tapes: OffloadTapes, step: int, futures: Futures, n: int, f: int
) -> OffloadTapes:
    """Episode `n` of `tapes` up to the decision of `step`, with future `f` after it: a tape of one episode."""
    pool, p = futures.pool, futures.member[n, f]
    known = int(tapes.arrivals[n, : step + 1].sum())
    waiting = np.setdiff1d(np.arange(known), dispatched_of(scenario, tapes, n)[: step + 1])
    decision_s, at = _times_ahead_s(scenario, tapes.decision_s[n], step, futures, n, f, len(waiting))
    comes = (at >= futures.offset[n, f]) & (decision_s[step + 1 :][: len(at)] < clock_of(scenario).end_s)
    first = int(pool.arrivals[p, : futures.offset[n, f]].sum())
    coming = slice(first, first + int(pool.arrivals[p, at[comes]].sum()))
    arrivals = np.zeros_like(tapes.arrivals[n : n + 1])
    arrivals[0, : step + 1] = tapes.arrivals[n, : step + 1]
    arrivals[0, step + 1 : step + 1 + futures.horizon][comes] = pool.arrivals[p, at[comes]]
    user = np.concatenate([tapes.user[n, :known], pool.user[p, coming]])
    link = user
    if not futures.own_links:  # the channels of those who go later are not known yet: somebody's of the pool
        links = tapes.rate_bit_per_s.shape[1]
        link = np.concatenate([tapes.link[n, :known], links + pool.link[p, coming]])
        link[waiting] = links + pool.link[p, np.arange(len(waiting)) % pool.link.shape[1]]
    size_bit = np.clip(pool.size_bit[p, coming] * futures.size_factor[n, p], *futures.clip_bit)
    return OffloadTapes(
        num_servers=tapes.num_servers[n : n + 1],
        cpu_hz=tapes.cpu_hz[n : n + 1],
        decision_s=decision_s[None],
        arrivals=arrivals,
        user=user[None],
        size_bit=np.concatenate([tapes.size_bit[n, :known], size_bit])[None],
        deadline_s=np.concatenate([tapes.deadline_s[n, :known], pool.deadline_s[p, coming]])[None],
        priority=np.concatenate([tapes.priority[n, :known], pool.priority[p, coming]])[None],
        cycles_per_bit=np.concatenate([tapes.cycles_per_bit[n, :known], pool.cycles_per_bit[p, coming]])[None],
        output_bit=np.concatenate([tapes.output_bit[n, :known], pool.output_bit[p, coming]])[None],
        link=link[None],
        distance_m=np.concatenate([tapes.distance_m[n], pool.distance_m[p]])[None],
        snr=np.concatenate([tapes.snr[n], pool.snr[p]])[None],
        rate_bit_per_s=np.concatenate([tapes.rate_bit_per_s[n], pool.rate_bit_per_s[p]])[None],
        device_hz=tapes.device_hz[n : n + 1],
        patience=tapes.patience[n : n + 1],
    )


def _times_ahead_s(
    scenario: OffloadScenario, own_s: NDArray[np.float64], step: int, futures: Futures, n: int, f: int, waiting: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """When decisions are, (T + 1,), and which step of the pool each of the next ones stands for, (horizon,).

    Args:
        scenario: of the episode.
        own_s: when they are in the episode itself, (T + 1,); where tasks decide, those after `step` are not known.
        step: of the decision at hand.
        futures: see there, and `n` and `f` are row and column of them.
        n: the episode.
        f: the future.
        waiting: so many tasks are left in the dispatch queue; where tasks decide they are sent before anybody arrives.
    """
    offset, ahead = int(futures.offset[n, f]), np.arange(futures.horizon + 1)
    if not scenario.per_task:
        return own_s, offset + ahead[:-1]
    at = offset - waiting + ahead
    pool_s, decision_s = futures.pool.decision_s[futures.member[n, f]], own_s.copy()
    passed_s = pool_s[np.maximum(at, offset - 1)] - pool_s[offset - 1]
    decision_s[step + 1 :] = passed_s[-1] + own_s[step]
    decision_s[step + 1 :][: len(at)] = passed_s + own_s[step]
    return np.minimum(decision_s, clock_of(scenario).end_s), at[:-1]


def dispatched_of(scenario: OffloadScenario, tapes: OffloadTapes, n: int) -> NDArray[np.int64]:
    """The task that each step of episode `n` dispatches, (T,); NOBODY where none waits."""
    return np.asarray(_dispatched(scenario, tapes.select(slice(n, n + 1)))[0])


def _dispatched(scenario: OffloadScenario, tapes: OffloadTapes) -> NDArray[np.int64]:
    """Likewise of all episodes, (N, T)."""
    queue = scenario.dispatch.queue
    return dispatched_tasks(queue, tapes.arrivals, tapes.decision_s, tapes.priority, tapes.deadline_s)


def _idle_j(scenario: OffloadScenario, num_servers: int) -> float:
    """What the servers of an episode take in a step if they do nothing; zero where only work takes energy."""
    if scenario.energy.model != "power-curve":
        return 0.0
    return float(server_powers(scenario).idle_w(np.array([num_servers]))[0] * scenario.episode.step_s)
