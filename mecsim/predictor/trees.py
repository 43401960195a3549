"""Boosted trees of one monotone feature and its context, evaluated without the library that fitted them.

For a context the whole ensemble is a step function of the one feature that a decision can change. It is found in a
single walk: a split on the context takes one branch, a split on the monotone feature takes both, each for its share of
the axis. After that any number of levels, and of what-ifs about the user, are look-ups.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_NAMES = 64  # of a category: a set of them is a word of as many bits
MAX_PENDING = 64  # branches that wait in a walk; a tree of L leaves has fewer than L
LEAF, CATEGORY, NUMBER, STEP = 0, 1, 2, 3


class Trees(NamedTuple):
    """An ensemble: its value is `base` plus one leaf of each tree. Nodes of all trees lie one after the other, (V,).

    A node of kind CATEGORY goes left if the bit of the category is set in `names`, one of kind NUMBER if the number is
    at most `value`, one of kind STEP if the cell of the monotone feature is at most `names`; a LEAF adds `value`.
    """

    base: Array  # (1,)
    roots: Index  # (T,)
    kind: NDArray[np.int8]
    feature: NDArray[np.int8]  # which of the categories, or which of the numbers
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Array
    names: Index


def trees_of(fitted: "HistGradientBoostingRegressor", seen: list[NDArray[np.bool_]], numbers: int) -> Trees:
    """The trees of a fitted model, whose features are categories, then numbers, then the monotone feature in cells.

    Args:
        seen: for each category which of its codes 0, 1, … the model was fitted with, (names,) each.
        numbers: how many numbers there are.
    """
    forest = [each[0] for each in fitted._predictors]
    counts = [len(tree.nodes) for tree in forest]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    nodes = np.concatenate([tree.nodes for tree in forest])
    shift = np.repeat(first, counts)
    leaf = nodes["is_leaf"].astype(bool)
    feature = nodes["feature_idx"].astype(np.int64)
    categories = len(seen)
    kind = np.select([leaf, feature < categories, feature < categories + numbers], [LEAF, CATEGORY, NUMBER], STEP)
    names = np.where(kind == STEP, np.floor(np.clip(nodes["num_threshold"], -1.0, 2.0**31)), 0.0).astype(np.int64)
    for at, start in zip(forest, first, strict=True):
        for index in np.flatnonzero(kind[start : start + len(at.nodes)] == CATEGORY):
            names[start + index] = _left_names(at, int(index), seen)
    return Trees(
        base=np.asarray(fitted._baseline_prediction, np.float64).reshape(1),
        roots=first,
        kind=kind.astype(np.int8),
        feature=np.where(kind == NUMBER, feature - categories, np.where(kind == CATEGORY, feature, 0)).astype(np.int8),
        left=np.where(leaf, 0, nodes["left"] + shift).astype(np.int32),
        right=np.where(leaf, 0, nodes["right"] + shift).astype(np.int32),
        value=np.where(leaf, nodes["value"], np.where(kind == NUMBER, nodes["num_threshold"], 0.0)),
        names=names,
    )


def _left_names(tree: Any, index: int, seen: list[NDArray[np.bool_]]) -> int:
    """The codes that go left at a node, as bits. The model counts only the codes it met, and treats others alike."""
    node = tree.nodes[index]
    met = seen[int(node["feature_idx"])]
    bits = tree.raw_left_cat_bitsets[int(node["bitset_idx"])]
    rank = np.cumsum(met) - 1
    left = np.where(met, (bits[rank // 32] >> (rank % 32).astype(np.uint32)) & 1, node["missing_go_to_left"])
    word = sum(1 << int(code) for code in np.flatnonzero(left))
    return word - (1 << 64) if word >> 63 else word


def sound(trees: Trees, categories: int, numbers: int) -> bool:
    """Whether a walk through the trees stays inside them and ends, whatever the file was that they come from."""
    count = len(trees.kind)
    if not count or trees.base.shape != (1,) or any(len(part) != count for part in trees[2:]):
        return False
    here = np.arange(count)
    inner = trees.kind != LEAF
    limits = np.select([trees.kind == CATEGORY, trees.kind == NUMBER], [categories, numbers], 1)
    children = np.concatenate([trees.left[inner], trees.right[inner]])
    return bool(
        np.isfinite(trees.base).all()
        and np.isfinite(trees.value).all()
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
    total = trees.base[0]
    highest = -np.inf
    for cell in range(last + 1):
        total += curve[cell]
        highest = max(highest, total)
        curve[cell] = highest
