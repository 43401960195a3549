"""The index of a long queue against a sorted list."""

from bisect import insort

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.physics.records import NONE
from mecsim.physics.threshold_index import index_room
from tests.kernels import (
    index_attained_bit,
    index_clear,
    index_count_until,
    index_insert,
    index_remove_first,
    index_shared_bit,
    index_sum_bit,
)

TASKS, SERVERS = 400, 3
TREE = 0, TASKS + 1  # of episode 0 and server 1


class Index:
    """A tree of the second server, and the same as a list of (threshold, task) in the order of departure."""

    def __init__(self) -> None:
        self.nodes, self.listed, self.added = index_room(1, TASKS, SERVERS), list[tuple[float, int]](), 0
        self.nodes[0, TASKS :: SERVERS - 1]["left"] = 77  # other servers' trees are not touched
        index_clear(self.nodes, *TREE)

    def insert(self, threshold_bit: float) -> None:
        insort(self.listed, (threshold_bit, self.added))
        at = self.listed.index((threshold_bit, self.added))
        before = self.listed[at - 1][1] if at > 0 else NONE
        assert index_insert(self.nodes, *TREE, self.added, threshold_bit) == before
        self.added += 1

    def remove_first(self) -> None:
        index_remove_first(self.nodes, *TREE, self.listed.pop(0)[1])

    def depth(self) -> int:
        """Of the deepest node; fails where links up and down do not agree."""
        deepest, stack, met = 0, [(self.nodes["left"][0, TREE[1]], TREE[1], 1)], 0
        while stack:
            at, above, depth = stack.pop()
            if at != NONE:
                node = self.nodes[0, at]
                assert node["above"] == above
                deepest, met = max(deepest, depth), met + 1
                stack += [(node["left"], at, depth + 1), (node["right"], at, depth + 1)]
        assert met == len(self.listed)
        return deepest

    def check(self, from_bit: float, until_bit: float, others: int) -> None:
        """All that can be asked, where no threshold lies below `from_bit`."""
        thresholds = np.array([threshold for threshold, _ in self.listed])
        assert index_sum_bit(self.nodes, *TREE, from_bit) == pytest.approx((thresholds - from_bit).sum(), abs=1e-6)
        assert index_count_until(self.nodes, *TREE, until_bit) == (thresholds <= until_bit).sum()
        shared_bit = np.minimum(thresholds - from_bit, until_bit - from_bit).sum()
        assert index_shared_bit(self.nodes, *TREE, from_bit, until_bit) == pytest.approx(shared_bit, abs=1e-6)
        service_bit = shared_bit + others * (until_bit - from_bit)
        reached_bit = index_attained_bit(self.nodes, *TREE, from_bit, others, service_bit)
        furthest_bit = until_bit if others > 0 else min(until_bit, thresholds[-1])
        assert reached_bit == pytest.approx(furthest_bit, abs=1e-6)
        assert (self.nodes[0, TASKS :: SERVERS - 1]["left"] == 77).all()


moves = st.lists(
    st.one_of(st.none(), st.floats(0.0, 100.0), st.sampled_from([1.0, 2.0, 50.0])), min_size=1, max_size=80
)


@settings(max_examples=150)
@given(moves=moves, until_bit=st.floats(0.0, 120.0), others=st.integers(0, 3))
def test_it_knows_what_a_sorted_list_knows(moves: list[float | None], until_bit: float, others: int) -> None:
    """Tasks come with some size, and go (None) in the order of their thresholds."""
    index, attained_bit = Index(), 0.0
    for size_bit in moves:
        if size_bit is not None:
            index.insert(attained_bit + size_bit)
        elif index.listed:
            attained_bit = index.listed[0][0]
            index.remove_first()
        if index.listed:
            index.check(attained_bit, attained_bit + until_bit, others)
    index.depth()


@pytest.mark.parametrize("order", ["rising", "falling", "equal"])
def test_a_tree_stays_flat_whatever_the_order(order: str) -> None:
    """A list would be 400 deep, and a tree in random order is seldom deeper than 4.3·ln 400 = 26 (Devroye 1986)."""
    index = Index()
    for task in range(TASKS):
        index.insert({"rising": task, "falling": TASKS - task, "equal": 1}[order])
    assert index.depth() < 26
    for _ in range(TASKS // 2):
        index.remove_first()
    assert index.depth() < 26
    index.check(index.listed[0][0], float(TASKS), 1)


def test_a_cleared_tree_is_empty() -> None:
    index = Index()
    index.insert(3.0)
    index_clear(index.nodes, *TREE)
    index.listed.clear()
    index.insert(5.0)
    index.check(0.0, 4.0, 1)
