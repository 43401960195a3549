"""What the tests of the cell engines share: small and extreme systems with tapes, tapes by hand, playing an engine."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.core.cuda import why_not
from mecsim.core.engine import Observation
from mecsim.core.target import in_numpy
from mecsim.systems.cells.batched import BatchedCellsEngine
from mecsim.systems.cells.cuda import CudaCellsEngine
from mecsim.systems.cells.engine import CellsEngine
from mecsim.systems.cells.layout import CellsSpec, cells_spec, mean_durations_s
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.simpy import SimpyCellsEngine
from mecsim.systems.cells.tape import CellsTapes

Array = NDArray[np.float64]
ENGINES: dict[str, Any] = {"simpy": SimpyCellsEngine, "batched": BatchedCellsEngine}
if not why_not():
    ENGINES["cuda"] = CudaCellsEngine


@dataclass(frozen=True)
class Case:
    """A scenario, episodes, and a number (M, N) to choose each action by."""

    scenario: CellsScenario
    tapes: CellsTapes
    wishes: NDArray[np.int64]

    @property
    def spec(self) -> CellsSpec:
        return cells_spec(self.scenario)

    @property
    def mean_duration_s(self) -> Array:
        return mean_durations_s(self.scenario)


def make_scenario(mean_duration_s: Sequence[float] = (3.0,), **changes: Any) -> CellsScenario:
    """One cell that a request can be served in at two levels, and an application for each mean duration.

    `changes` are of `SMALL`.
    """
    given = SMALL | changes
    assert given.keys() == SMALL.keys()
    applications = {
        f"a{index}": {"min_rate_bit_per_s": 1e6, "demand_rate_bit_per_s": 4e6, "duration_s": duration_s}
        for index, duration_s in enumerate(mean_duration_s)
    }
    return CellsScenario(
        mecsim=1,
        kind="cells",
        episode={"requests": given["requests"]},
        users={"count": given["users"]},
        service={"levels": given["levels"]},
        cells={name: given[key] for name, key in (("count", "cells"), ("blocks", "blocks"), ("candidates",) * 2)},
        population={"applications": applications},
        observation={
            "residual": {"bins": given["residual_bins"], "width_block_s": given["width_block_s"]},
            "rating_bins": given["rating_bins"],
            "cost_features": given["cost_features"],
        },
        memory=given["memory"],
    )


SMALL: dict[str, Any] = {
    "requests": 1, "users": 1, "levels": 2, "cells": 1, "blocks": 1, "candidates": 1, "residual_bins": 4,
    "width_block_s": 10.0, "rating_bins": 5, "cost_features": True, "memory": None,
}  # fmt: skip


def fitting(tapes: CellsTapes, blocks: int, mean_duration_s: Sequence[float] = (3.0,), **changes: Any) -> CellsScenario:
    """A scenario that the tapes fit, with the number of blocks per cell."""
    _, requests, candidates, levels = tapes.blocks.shape
    cells, users = int(tapes.cell.max()) + 1, int(tapes.user.max()) + 1
    shape = {"requests": requests, "users": users, "levels": levels, "cells": cells, "candidates": candidates}
    return make_scenario(mean_duration_s, blocks=blocks, **(shape | changes))


def hand_made(
    arrival_s: list[float],
    duration_s: list[float],
    blocks: list[list[int]],
    users: list[int] | None = None,
    satisfaction: list[list[float]] | None = None,
    zone: list[list[float]] | None = None,
) -> CellsTapes:
    """One episode of one cell and one application; `blocks` (M, K) of each level, 0 where it cannot be reached."""
    needed = np.array(blocks, np.int64)
    requests, levels = needed.shape
    zeros = np.zeros((1, requests), np.int64)
    rating = np.linspace(1.0, 5.0, levels) * np.ones((requests, 1)) if satisfaction is None else np.array(satisfaction)
    tapes = CellsTapes(
        arrival_s=np.array([arrival_s], np.float64),
        duration_s=np.array([duration_s], np.float64),
        user=zeros if users is None else np.array([users]),
        persona=zeros,
        period=zeros,
        place=zeros,
        activity=zeros,
        application=zeros,
        speed_m_per_s=np.zeros((1, requests)),
        min_rate_bit_per_s=np.full((1, requests), 1e6),
        demand_rate_bit_per_s=np.full((1, requests), 4e6),
        cell=zeros[:, :, None],
        cqi=np.where(needed[None, :, :1] > 0, 9, 0),
        rate_bit_per_s=np.broadcast_to(np.linspace(1e6, 4e6, levels), (1, requests, levels)).copy(),
        blocks=needed[None, :, None],
        satisfaction=rating[None],
        predicted=rating[None] * 0.9,
        zone=np.zeros((1, requests, 0)) if zone is None else np.array([zone], np.float64),
    )
    tapes._check()
    return tapes


def random_tapes(
    rng: np.random.Generator, spec: CellsSpec, episodes: int, tick_s: float, load: float, unreachable: float
) -> CellsTapes:
    """Requests of about `load` times all blocks; times are whole ticks, or any if `tick_s` is 0."""
    n, m, c, k = episodes, spec.requests, spec.candidates, spec.levels
    duration_s = rng.exponential(7.0, (n, m)) * (rng.random((n, m)) < 0.9)
    block_scale = max(1.0, 0.3 * spec.blocks)
    arrival_s = rng.uniform(0.0, 9.0, (n, 1)) + np.cumsum(
        rng.exponential(7.0 * block_scale / (load * spec.blocks * spec.cells), (n, m)), axis=1
    )
    if tick_s:
        duration_s, arrival_s = np.round(duration_s / tick_s) * tick_s, np.round(arrival_s / tick_s) * tick_s
    cqi = np.where(rng.random((n, m, c)) < unreachable, 0, rng.integers(1, 16, (n, m, c)))
    blocks = np.sort(np.ceil(rng.exponential(block_scale, (n, m, c, k))).astype(np.int64), axis=3)
    rates = np.sort(rng.uniform(1e4, 2e7, (n, m, k)), axis=2)
    ratings = np.sort(rng.uniform(0.0, 5.0, (2, n, m, k)), axis=3)
    ratings = np.where(rng.random((2, n, m, k)) < 0.3, np.round(ratings), ratings)  # as likely on edges of bins
    cell = np.argsort(rng.random((n, m, spec.cells)), axis=2)[:, :, :c]
    kinds = {
        "persona": 4,
        "period": 6,
        "place": 7,
        "activity": 6,
        "user": spec.users,
        "application": spec.applications,
    }
    tapes = CellsTapes(
        arrival_s=arrival_s,
        duration_s=duration_s,
        **{name: rng.integers(0, count, (n, m)) for name, count in kinds.items()},
        speed_m_per_s=rng.uniform(0.0, 30.0, (n, m)),
        min_rate_bit_per_s=rates[:, :, 0].copy(),
        demand_rate_bit_per_s=rates[:, :, -1].copy(),
        cell=cell,
        cqi=cqi,
        rate_bit_per_s=rates,
        blocks=blocks * (cqi > 0)[..., None],
        satisfaction=ratings[0],
        predicted=ratings[1],
        zone=_zones(rng, (n, m)) if spec.memory.on else np.zeros((n, m, 0)),
    )
    if spec.memory.on:  # a user is of one persona
        tapes.persona[:] = tapes.user % 4
    tapes._check()
    return tapes


def _zones(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Levels at rest, the predicted ones others than the true ones."""
    adequate = rng.uniform(0.0, 0.6, (*shape, 2))
    return np.stack([adequate, adequate + rng.uniform(0.05, 0.6, (*shape, 2))], axis=-1).reshape(*shape, 4)


@st.composite
def memories(draw: st.DrawFn) -> dict[str, Any]:
    """What people may remember; two personas have a pace of their own."""
    shares = st.sampled_from([0.3, 0.0, 1.0, 0.05])
    ratings = draw(st.sampled_from(["mean", "peak_end", "last"]))
    window = draw(st.sampled_from([5, 1, 3, 62]))
    churn = {"below": draw(st.integers(1, min(window, 4))), "window": window}
    return {
        **{name: draw(shares) for name in ("rise", "fall", "adequate", "desired")},
        "ratings": ratings,
        **({"last": draw(st.sampled_from([3, 1, 7]))} if ratings == "last" else {}),
        "churn": draw(st.sampled_from([churn, None])),
        "personas": {"professional": {"rise": draw(shares), "fall": draw(shares)}},
    }


@st.composite
def cases(draw: st.DrawFn, memory: bool = False) -> Case:
    """Any system an engine can be given, kept small: from idle to crowded, with times that coincide or do not."""
    cells = draw(st.sampled_from([1, 2, 4]))
    given: dict[str, Any] = {
        "requests": draw(st.sampled_from([25, 1, 2, 60])),
        "cells": cells,
        "blocks": draw(st.sampled_from([10, 1, 3, 50])),
        "candidates": draw(st.integers(1, cells)),
        "levels": draw(st.sampled_from([2, 5])),
    }
    applications = draw(st.integers(1, 4))
    given |= {
        "users": draw(st.sampled_from([4, 1, 30])),
        "residual_bins": draw(st.sampled_from([1, 3, 20])),
        "width_block_s": draw(st.sampled_from([10.0, 1.0, 1000.0])),
        "rating_bins": draw(st.sampled_from([10, 1, 5])),
        "cost_features": draw(st.booleans()),
    }
    if memory:
        given["memory"] = draw(memories())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scenario = make_scenario(rng.uniform(1e-6, 100.0, applications).tolist(), **given)
    episodes = draw(st.integers(1, 3))
    tapes = random_tapes(
        rng,
        cells_spec(scenario),
        episodes,
        tick_s=draw(st.sampled_from([1.0, 0.0, 0.1, 4.0])),
        load=draw(st.sampled_from([1.5, 0.2, 10.0])),
        unreachable=draw(st.sampled_from([0.2, 0.0, 1.0])),
    )
    wishes = rng.integers(0, 2**20, (scenario.episode.requests, episodes))
    if draw(st.booleans()):  # all as large as can be
        wishes[:] = -1
    return Case(scenario, tapes, wishes)


@dataclass(frozen=True)
class Played:
    """Everything an engine said about N episodes."""

    actions: NDArray[np.int64]  # (M, N)
    options: Array  # (M + 1, N, A, F)
    mask: NDArray[np.int8]  # (M + 1, N, A)
    context: Array  # (M + 1, N, G)
    option_rewards: Array  # (M + 1, N, A, Q)
    ratings: Array  # (M + 1, 2, N, K) true and predicted
    free_blocks: NDArray[np.int64]  # (M + 1, N, cells)
    reward: Array  # (M, N, Q)
    records: CellsRecords


def observed(engine: CellsEngine, spec: CellsSpec, episodes: int) -> Observation:
    """An observation in float64; what the engine forgets to write is 77."""
    out = Observation.empty(episodes, spec.shape, engine.xp.float64, engine.xp)
    for array in (out.options, out.mask, out.context):
        array[:] = 77
    engine.observe(out)
    return Observation(*map(in_numpy, out))


def wished(mask: NDArray[np.int8], wishes: NDArray[np.int64]) -> NDArray[np.int64]:
    """An option that the mask (N, A) allows: the one at position `wishes` (N,) modulo their number."""
    allowed = [np.flatnonzero(row) for row in mask]
    return np.array([row[wish % len(row)] for row, wish in zip(allowed, wishes, strict=True)], np.int64)


def play(name: str, case: Case, actions: NDArray[np.int64] | None = None) -> Played:
    """Play the given actions (M, N), or else what the case wishes, and note everything."""
    engine: CellsEngine = ENGINES[name](case.scenario)
    episodes = len(case.tapes)
    engine.begin(case.tapes)
    seen, promised, free, rewards, taken, felt = [], [], [], [], [], []
    for step in range(case.spec.requests + 1):
        seen.append(observed(engine, case.spec, episodes))
        promised.append(in_numpy(engine.option_rewards()))
        felt.append(np.stack([in_numpy(engine.ratings(truth)) for truth in (True, False)]))
        free.append(engine.free_blocks().copy())
        if step < case.spec.requests:
            taken.append(wished(seen[-1].mask, case.wishes[step]) if actions is None else actions[step])
            rewards.append(in_numpy(engine.step(taken[-1])))
    return Played(
        actions=np.stack(taken),
        options=np.stack([o.options for o in seen]),
        mask=np.stack([o.mask for o in seen]),
        context=np.stack([o.context for o in seen]),
        option_rewards=np.stack(promised),
        ratings=np.stack(felt),
        free_blocks=np.stack(free),
        reward=np.stack(rewards),
        records=engine.records(),
    )


def assert_same_records(one: CellsRecords, other: CellsRecords, rtol: float = 1e-9) -> None:
    """Whole numbers agree exactly, the others to `rtol`."""
    for field in fields(CellsRecords):
        assert_same(field.name, getattr(one, field.name), getattr(other, field.name), rtol)


def assert_same_play(one: Played, other: Played, atol: float = 0.0) -> None:
    """The same actions gave the same, to 1e-9 or `atol`, as memory makes differences of sums."""
    for field in fields(Played):
        if field.name != "records":
            assert_same(field.name, getattr(one, field.name), getattr(other, field.name), 1e-9, atol)
    assert_same_records(one.records, other.records)


def assert_same(name: str, one: NDArray[Any], other: NDArray[Any], rtol: float, atol: float = 0.0) -> None:
    """Two arrays of the same type agree."""
    assert one.dtype == other.dtype, name
    if np.issubdtype(one.dtype, np.floating):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=name)
    else:
        np.testing.assert_array_equal(one, other, err_msg=name)
