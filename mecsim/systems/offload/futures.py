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
from mecsim.systems.offload.edges import server_powers
from mecsim.systems.offload.layout import ENERGY, SHORTFALL
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
    offset: NDArray[np.int64]  # (N, F) its step that comes after the decision at hand
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
        weight: of delay, energy and shortfall, (N, 3).
    """
    devices = int(scenario.servers.device is not None)
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
            worth = weight[n].copy()  # ratings count in the mean of the true episode
            worth[SHORTFALL] *= (dispatched_of(scenario, tape, 0) != NOBODY).sum() / (turns != NOBODY).sum()
            idle = (futures.horizon + 1) * worth[ENERGY] * _idle_j(scenario, int(tapes.num_servers[n]))
            for option in range(options):
                value[n, option] += _cost(engine.fork(), option, options, futures.horizon, worth) - idle
    return value


def _cost(engine: PlayedEngine, option: int, options: int, horizon: int, weight: NDArray[np.float64]) -> float:
    """What an option of the one episode costs, and greedy after it."""
    reward = engine.step(np.array([option]))
    total = reward[0] @ weight[: reward.shape[1]]
    for _ in range(horizon):
        promised = engine.option_rewards()[0, :options] @ weight[: reward.shape[1]]
        total += engine.step(np.array([promised.argmax()]))[0] @ weight[: reward.shape[1]]
    return -float(total)


def imagined(
    scenario: OffloadScenario, tapes: OffloadTapes, step: int, futures: Futures, n: int, f: int
) -> OffloadTapes:
    """Episode `n` of `tapes` up to the decision of `step`, with future `f` after it: a tape of one episode."""
    pool, p = futures.pool, futures.member[n, f]
    window = slice(int(futures.offset[n, f]), int(futures.offset[n, f]) + futures.horizon)
    first = int(pool.arrivals[p, : window.start].sum())
    coming = slice(first, first + int(pool.arrivals[p, window].sum()))
    known = int(tapes.arrivals[n, : step + 1].sum())
    arrivals = np.zeros_like(tapes.arrivals[n : n + 1])
    arrivals[0, : step + 1] = tapes.arrivals[n, : step + 1]
    arrivals[0, step + 1 : step + 1 + futures.horizon] = pool.arrivals[p, window]
    user = np.concatenate([tapes.user[n, :known], pool.user[p, coming]])
    link = user
    if not futures.own_links:  # the channels of those who go later are not known yet: somebody's of the pool
        links = tapes.rate_bit_per_s.shape[1]
        link = np.concatenate([tapes.link[n, :known], links + pool.link[p, coming]])
        waiting = np.setdiff1d(np.arange(known), dispatched_of(scenario, tapes, n)[: step + 1])
        link[waiting] = links + pool.link[p, np.arange(len(waiting)) % pool.link.shape[1]]
    size_bit = np.clip(pool.size_bit[p, coming] * futures.size_factor[n, p], *futures.clip_bit)
    return OffloadTapes(
        num_servers=tapes.num_servers[n : n + 1],
        cpu_hz=tapes.cpu_hz[n : n + 1],
        arrivals=arrivals,
        user=user[None],
        size_bit=np.concatenate([tapes.size_bit[n, :known], size_bit])[None],
        deadline_s=np.concatenate([tapes.deadline_s[n, :known], pool.deadline_s[p, coming]])[None],
        priority=np.concatenate([tapes.priority[n, :known], pool.priority[p, coming]])[None],
        link=link[None],
        distance_m=np.concatenate([tapes.distance_m[n], pool.distance_m[p]])[None],
        snr=np.concatenate([tapes.snr[n], pool.snr[p]])[None],
        rate_bit_per_s=np.concatenate([tapes.rate_bit_per_s[n], pool.rate_bit_per_s[p]])[None],
        device_hz=tapes.device_hz[n : n + 1],
        patience=tapes.patience[n : n + 1],
    )


def dispatched_of(scenario: OffloadScenario, tapes: OffloadTapes, n: int) -> NDArray[np.int64]:
    """The task that each step of episode `n` dispatches, (T,); NOBODY where none waits."""
    one, step_s = slice(n, n + 1), scenario.episode.step_s
    queue, arrivals = scenario.dispatch.queue, tapes.arrivals[one]
    return np.asarray(dispatched_tasks(queue, arrivals, step_s, tapes.priority[one], tapes.deadline_s[one])[0])


def _idle_j(scenario: OffloadScenario, num_servers: int) -> float:
    """What the servers of an episode take in a step if they do nothing; zero where only work takes energy."""
    if scenario.energy.model != "power-curve":
        return 0.0
    return float(server_powers(scenario).idle_w(np.array([num_servers]))[0] * scenario.episode.step_s)
