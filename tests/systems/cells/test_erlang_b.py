"""Cells of equal sessions against Erlang's loss formula, which depends on the load alone, not on how durations spread.

Sessions of one block, served whenever one is free. Tolerance 2 %, with so many requests that three standard errors,
measured over independent episodes, fit inside it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from mecsim.systems.cells.batched import BatchedCellsEngine
from mecsim.systems.cells.engine import CellsEngine
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.simpy import SimpyCellsEngine
from mecsim.systems.cells.tape import CellsTapes
from tests.systems.cells.cells import make_scenario
from tests.systems.offload.queues import Estimate

Array = NDArray[np.float64]
Durations = Literal["exponential", "fixed"]

EPISODES = 128
REQUESTS = 4_000
WARM_UP = 400  # at least five mean durations
ROUNDS = {(10, 5.0): 12, (10, 10.0): 2, (10, 15.0): 1, (50, 50.0): 7, (50, 75.0): 2}  # by blocks and load
LOADED = [(*key, durations) for key in ROUNDS for durations in ("exponential", "fixed")]


def erlang_b(load: float, blocks: int) -> float:
    """B(a, c) = (a^c/c!) / Σ_{k≤c} a^k/k! (Erlang 1917), by the inverse recursion 1/B_k = 1 + (k/a)/B_{k−1}."""
    inverse = 1.0
    for k in range(1, blocks + 1):
        inverse = 1.0 + inverse * k / load
    return 1.0 / inverse


def equal_sessions(blocks: int, episodes: int, requests: int) -> tuple[CellsScenario, CellsTapes]:
    """One cell, two levels of one block each, mean duration 1 s; times are still to be drawn."""
    per_request, per_level = (episodes, requests), (episodes, requests, 2)
    zeros, ones = np.zeros(per_request, np.int64), np.ones(per_request)
    tapes = CellsTapes(
        arrival_s=ones, duration_s=ones, user=zeros, persona=zeros, period=zeros, place=zeros, activity=zeros,
        application=zeros, speed_m_per_s=ones, min_rate_bit_per_s=ones, demand_rate_bit_per_s=ones,
        cell=zeros[..., None], cqi=zeros[..., None] + 15, rate_bit_per_s=np.ones(per_level),
        blocks=np.ones((episodes, requests, 1, 2), np.int64), satisfaction=np.ones(per_level),
        predicted=np.ones(per_level), zone=np.zeros((*per_request, 0)),
    )  # fmt: skip
    scenario = make_scenario(
        (1.0,), requests=requests, blocks=blocks, residual_bins=1, width_block_s=1.0, rating_bins=1, cost_features=False
    )
    return scenario, tapes


def drawn(tapes: CellsTapes, load: float, durations: Durations, rng: np.random.Generator) -> CellsTapes:
    """Poisson arrivals of `load` per second."""
    shape = tapes.arrival_s.shape
    return replace(
        tapes,
        arrival_s=np.cumsum(rng.exponential(1.0 / load, shape), axis=1),
        duration_s=rng.exponential(1.0, shape) if durations == "exponential" else np.ones(shape),
    )


def serve_if_it_fits(engine: CellsEngine, tapes: CellsTapes) -> CellsRecords:
    """Every request is served at level 1, unless no block is free."""
    engine.begin(tapes)
    for _ in range(tapes.arrival_s.shape[1]):
        engine.step((engine.free_blocks()[:, 0] > 0).astype(np.int64))
    return engine.records()


@dataclass(frozen=True)
class Loss:
    """Of each episode after its warm-up."""

    blocked: Array  # share of the requests
    carried: Array  # erlangs: block-seconds of the sessions served, by the second

    def of_all(self, other: "Loss") -> "Loss":
        return Loss(np.concatenate([self.blocked, other.blocked]), np.concatenate([self.carried, other.carried]))


@lru_cache
def loss(blocks: int, load: float, durations: Durations, rounds: int) -> Loss:
    """Simulate with a fixed seed. What the warm-up's requests hold is that of episodes that end with it."""
    scenario, tapes = equal_sessions(blocks, EPISODES, REQUESTS)
    short, short_tapes = equal_sessions(blocks, EPISODES, WARM_UP)
    engine = BatchedCellsEngine(scenario)
    warming = BatchedCellsEngine(short)
    found = Loss(np.empty(0), np.empty(0))
    for r in range(rounds):
        tapes = drawn(tapes, load, durations, np.random.default_rng([5, r]))
        times = {name: getattr(tapes, name)[:, :WARM_UP] for name in ("arrival_s", "duration_s")}
        records = serve_if_it_fits(engine, tapes)
        before_block_s = serve_if_it_fits(warming, replace(short_tapes, **times)).busy_block_s[:, 0]
        passed_s = tapes.arrival_s[:, -1] - tapes.arrival_s[:, WARM_UP - 1]
        carried = (records.busy_block_s[:, 0] - before_block_s) / passed_s
        found = found.of_all(Loss(records.blocked[:, WARM_UP:].mean(axis=1), carried))
    return found


@pytest.mark.parametrize(("blocks", "load", "durations"), LOADED)
def test_blocking_is_erlang_b(blocks: int, load: float, durations: Durations) -> None:
    blocked = loss(blocks, load, durations, ROUNDS[blocks, load]).blocked
    Estimate.of(blocked).assert_near(erlang_b(load, blocks))


@pytest.mark.parametrize(("blocks", "load", "durations"), LOADED)
def test_the_carried_load_is_what_is_not_blocked(blocks: int, load: float, durations: Durations) -> None:
    """a·(1 − B), by the integral of the occupied blocks."""
    carried = loss(blocks, load, durations, ROUNDS[blocks, load]).carried
    Estimate.of(carried).assert_near(load * (1.0 - erlang_b(load, blocks)), tolerance=0.01)


@pytest.mark.parametrize("durations", ["exponential", "fixed"])
def test_a_cell_at_half_its_load_blocks_next_to_nothing(durations: Durations) -> None:
    """50 blocks, 25 erlangs: B is 4e-6, so of half a million requests two are lost on average."""
    found = loss(50, 25.0, durations, 1)
    requests = found.blocked.size * (REQUESTS - WARM_UP)
    assert 1.0 < requests * erlang_b(25.0, 50) < 3.0
    assert found.blocked.sum() * (REQUESTS - WARM_UP) < 20.0
    Estimate.of(found.carried).assert_near(25.0)


@pytest.mark.parametrize(("blocks", "load"), ROUNDS)
def test_the_simpy_cell_blocks_the_same_requests(blocks: int, load: float) -> None:
    """Request by request: what holds for millions of them on one engine holds for the other."""
    scenario, tapes = equal_sessions(blocks, 2, 800)
    tapes = drawn(tapes, load, "exponential", np.random.default_rng(9))
    one, other = (serve_if_it_fits(kind(scenario), tapes) for kind in (SimpyCellsEngine, BatchedCellsEngine))
    np.testing.assert_array_equal(one.blocked, other.blocked)
    assert one.blocked.any()


def test_the_formula_is_erlangs() -> None:
    """The recursion against the definition, and against tabulated values."""
    for load, blocks in ((0.5, 1), (5.0, 10), (75.0, 50)):
        logs = [k * np.log(load) - np.log(np.arange(1, k + 1)).sum() for k in range(blocks + 1)]
        assert erlang_b(load, blocks) == pytest.approx(np.exp(logs[-1]) / np.exp(logs).sum(), rel=1e-12)
    assert erlang_b(1.0, 1) == 0.5
    assert erlang_b(5.0, 10) == pytest.approx(0.018385, abs=5e-7)
