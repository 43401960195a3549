"""Small snapshots and all choices of them."""

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from mecsim.systems.cells.policies.snapshot import Snapshot


def snapshot_of_levels(
    satisfaction: ArrayLike, blocks: ArrayLike, capacity: int, valid: ArrayLike | None = None
) -> Snapshot:
    """A snapshot from the levels above the rejection."""
    satisfaction, blocks = np.array(satisfaction, np.float64), np.array(blocks, np.int64)
    valid = np.ones(blocks.shape, np.bool_) if valid is None else np.array(valid)
    parts = (satisfaction, blocks, valid)
    front = (0.0, 0, True)
    columns = [np.concatenate([np.full_like(of[:, :1], at), of], axis=1) for of, at in zip(parts, front, strict=True)]
    return Snapshot(columns[0], columns[1], columns[2], capacity)


def cell_snapshot(users: int, capacity: int, seed: int, levels: int = 8) -> Snapshot:
    """Users who demand 0.5 to 6 Mbit/s over links of any quality, with ratings 5·u^λ of the rate's position u."""
    rng = np.random.default_rng(seed)
    demand = rng.choice([0.5e6, 1.5e6, 2e6, 4e6, 6e6], users)[:, None]
    share = np.linspace(0.0, 1.0, levels)
    rate_bit_per_s = demand * (0.2 + 0.8 * share)
    per_block = 180e3 * rng.uniform(0.2, 5.5, users)[:, None]
    blocks = np.ceil(rate_bit_per_s / per_block).astype(np.int64)
    return snapshot_of_levels(5.0 * share ** rng.lognormal(0.0, 0.5, users)[:, None], blocks, capacity)


def all_choices(snapshot: Snapshot) -> NDArray[np.int64]:
    """Every feasible choice, (m, n)."""
    every = np.array(list(itertools.product(range(snapshot.top_level + 1), repeat=snapshot.users)))
    return every[snapshot.feasible(every)]


@st.composite
def small_snapshots(draw: st.DrawFn) -> Snapshot:
    """Up to 4 users and 4 levels; with levels that cost nothing, are dominated, do not exist or never fit, and ties."""
    users, levels = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    size = users * levels

    def table(of: st.SearchStrategy[Any]) -> NDArray[Any]:
        return np.array(draw(st.lists(of, min_size=size, max_size=size))).reshape(users, levels)

    blocks = table(st.integers(0, 6))
    if draw(st.booleans()):
        blocks = np.sort(blocks, axis=1)
    ratings = table(st.integers(0, 50)) / draw(st.sampled_from([10.0, 13.0]))
    return snapshot_of_levels(ratings, blocks, draw(st.integers(0, 20)), table(st.sampled_from([True, True, False])))
