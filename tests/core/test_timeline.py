"""What timelines are made of: means over bins, unions of intervals, rows of bars."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mecsim.core.timeline import Bars, bins_s, fullest, mean_active, merged

Array = NDArray[np.float64]


@st.composite
def intervals(draw: st.DrawFn) -> tuple[Array, Array]:
    """Up to twelve, some of them empty or alike."""
    ends = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)
    drawn = np.array(draw(st.lists(ends, min_size=1, max_size=12)), np.float64) / 4.0
    return drawn[:, 0], drawn[:, 1]


@given(intervals(), st.integers(0, 2**32))
def test_the_mean_over_a_bin_is_the_summed_overlap(drawn: tuple[Array, Array], seed: int) -> None:
    (start_s, end_s), edges_s = drawn, bins_s(11.0)
    weight = np.random.default_rng(seed).random(len(start_s))
    overlap_s = np.minimum(end_s[:, None], edges_s[1:]) - np.maximum(start_s[:, None], edges_s[:-1])
    expected = (weight[:, None] * np.maximum(overlap_s, 0.0)).sum(axis=0) / np.diff(edges_s)
    np.testing.assert_allclose(mean_active(start_s, end_s, edges_s, weight), expected, rtol=1e-9, atol=1e-9)


@given(intervals())
def test_a_union_covers_the_same_moments_once(drawn: tuple[Array, Array]) -> None:
    start_s, end_s = drawn
    starts_s, ends_s = merged(start_s, end_s)
    moments_s = np.arange(81) / 8.0 + 1.0 / 16.0  # between all ends
    covered = ((start_s <= moments_s[:, None]) & (moments_s[:, None] < end_s)).any(axis=1)
    once = ((starts_s <= moments_s[:, None]) & (moments_s[:, None] < ends_s)).sum(axis=1)
    np.testing.assert_array_equal(once, covered)
    assert (starts_s[1:] > ends_s[:-1]).all()


def test_a_union_of_nothing() -> None:
    assert [len(part) for part in merged(np.zeros(0), np.zeros(0))] == [0, 0]
    assert (mean_active(np.zeros(0), np.zeros(0), bins_s(0.0)) == 0.0).all()


@given(intervals(), st.integers(1, 3))
def test_bars_of_a_row_do_not_overlap_and_there_are_no_more_rows_than_needed(
    drawn: tuple[Array, Array], lanes: int
) -> None:
    start_s, end_s = drawn
    lane = np.arange(len(start_s)) % lanes
    rows = Bars("", ("a", "b", "c"), ("",), lane, np.zeros_like(lane), start_s, end_s).rows
    for one in range(lanes):
        own = lane == one
        for row in np.unique(rows[own]):
            order = np.argsort(start_s[own & (rows == row)], kind="stable")
            begin, end = start_s[own & (rows == row)][order], end_s[own & (rows == row)][order]
            assert (begin[1:] >= end[:-1]).all()
        at_once = ((start_s[own] <= start_s[own][:, None]) & (start_s[own][:, None] < end_s[own])).sum(axis=1)
        if own.any() and (end_s > start_s)[own].all():
            assert rows[own].max() + 1 == at_once.max()


def test_the_fullest_in_their_own_order() -> None:
    assert fullest(np.array([3, 0, 9, 1, 5]), 3).tolist() == [0, 2, 4]
    assert fullest(np.array([0, 2]), 3).tolist() == [1]
