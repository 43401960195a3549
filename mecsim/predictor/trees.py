"""Boosted trees of one monotone feature and its context, evaluated without the library that fitted them.

For a context the whole ensemble is a step function of the one feature that a decision can change. It is found in a
single walk: a split on the context takes one branch, a split on the monotone feature takes both, each for its share of
the axis. After that any number of levels, and of what-ifs about the user, are look-ups.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_NAMES = 64  # of a category: a set of them is a word of as many bits
MAX_PENDING = 64  # branches that wait in a walk; a tree of L leaves has fewer than L
LEAF, CATEGORY, NUMBER, STEP = 0, 1, 2, 3


class Trees(NamedTuple):
    """An ensemble: its value is the sum of one leaf of each tree. Nodes of all trees lie one after the other, (V,).

    A node of kind CATEGORY goes left if the bit of the category is set in `names`, one of kind NUMBER if the number is
    at most `value`, one of kind STEP if the cell of the monotone feature is at most `names`; a LEAF adds `value`.
    """

    roots: Index  # (T,)
    kind: NDArray[np.int8]
    feature: NDArray[np.int8]  # which of the categories, or which of the numbers
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Array
    names: Index


def sound(trees: Trees, categories: int, numbers: int) -> bool:
    """Whether a walk through the trees stays inside them and ends, whatever the text was that they come from."""
    count = len(trees.kind)
    if not count or any(len(part) != count for part in trees[1:]):
        return False
    here = np.arange(count)
    inner = trees.kind != LEAF
    limits = np.select([trees.kind == CATEGORY, trees.kind == NUMBER], [categories, numbers], 1)
    children = np.concatenate([trees.left[inner], trees.right[inner]])
    return bool(
        np.isfinite(trees.value).all()
        and ((trees.roots >= 0) & (trees.roots < count)).all()
        and ((trees.kind >= LEAF) & (trees.kind <= STEP)).all()
        and ((trees.feature >= 0) & (trees.feature < limits)).all()
        # Children come after their parents, so that no walk turns back.
        and (trees.left[inner] > here[inner]).all()
        and (trees.right[inner] > here[inner]).all()
        and (children < count).all()
    )


@compiled
def add_curve(trees: Trees, codes: NDArray[np.int8], numbers: Array, curve: Array, pending: Index) -> None:
    """Set `curve` (cells,) to the ensemble's value in each cell of the monotone feature, for one context.

    Leaves are added as steps up and down, so sums differ from those of the library by rounding; what rounding takes
    away from monotony is put back.

    Args:
        codes: the categories of the context. numbers: its numbers. pending: scratch of (MAX_PENDING, 3).
    """
    curve[:] = 0.0
    last = len(curve) - 1
    for root in trees.roots:
        pending[0, 0], pending[0, 1], pending[0, 2] = root, 0, last
        waiting = 1
        while waiting > 0:
            waiting -= 1
            node, low, high = pending[waiting, 0], pending[waiting, 1], pending[waiting, 2]
            kind = trees.kind[node]
            while kind != LEAF:
                if kind == STEP:
                    cell = trees.names[node]
                    if cell >= high:
                        node = trees.left[node]
                    elif cell < low:
                        node = trees.right[node]
                    else:
                        pending[waiting, 0] = trees.right[node]
                        pending[waiting, 1], pending[waiting, 2] = cell + 1, high
                        waiting = min(waiting + 1, MAX_PENDING - 1)
                        high = cell
                        node = trees.left[node]
                elif kind == CATEGORY:
                    goes_left = (trees.names[node] >> codes[trees.feature[node]]) & 1
                    node = trees.left[node] if goes_left else trees.right[node]
                else:
                    goes_left = numbers[trees.feature[node]] <= trees.value[node]
                    node = trees.left[node] if goes_left else trees.right[node]
                kind = trees.kind[node]
            curve[low] += trees.value[node]
            if high < last:
                curve[high + 1] -= trees.value[node]
    total = 0.0
    highest = -np.inf
    for cell in range(last + 1):
        total += curve[cell]
        highest = max(highest, total)
        curve[cell] = highest
