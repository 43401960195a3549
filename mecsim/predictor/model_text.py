"""Boosted trees as LightGBM writes them: the text of a model, which any of its versions and many tools read.

It is read here rather than by LightGBM, so that playing needs none of it: a training that predicts ratings would load
a second runtime of threads beside PyTorch's, and a file is checked line by line instead of trusted.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.predictor.trees import CATEGORY, LEAF, MAX_NAMES, MAX_PENDING, NUMBER, STEP, Trees, sound

CATEGORICAL = 1  # bit of a node's decision type
MISSING, MISSING_IS_ZERO = 0b1100, 0b0100  # other bits: what counts as missing


MAX_TREES = 10_000  # many times what a fit grows; each decision walks through all of them


class Model(NamedTuple):
    """Trees, and the text that they come from."""

    text: str
    trees: Trees


def read_model(text: str, categories: int, numbers: int) -> Model:
    """The trees of a model whose features are categories, then numbers, then the monotone feature in cells.

    Raises:
        ValueError: it is no such model, or damaged.
    """
    body, end, _ = text.partition("\nend of trees")
    head, *blocks = body.split("\nTree=")
    told = _entries(head)
    if len(blocks) > MAX_TREES:
        raise ValueError(f"{len(blocks):,} trees, expected at most {MAX_TREES:,}")
    if not end or told.get("max_feature_idx") != str(categories + numbers) or told.get("num_class") != "1":
        raise ValueError("no model of these features")
    try:
        parts = [_tree(_entries(block), categories, numbers) for block in blocks]
    except (KeyError, OverflowError) as error:
        raise ValueError(f"damaged tree: {error}") from None
    if not parts:
        raise ValueError("no trees")
    counts = [len(part.kind) for part in parts]
    roots = np.cumsum([0, *counts], dtype=np.int64)[:-1]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Trees._fields[1:]}
    shift = np.where(joined["kind"] == LEAF, 0, np.repeat(roots, counts))
    moved = {name: (joined[name] + shift).astype(np.int32) for name in ("left", "right")}
    trees = Trees(**joined | moved | {"roots": roots})
    if not sound(trees, categories, numbers):
        raise ValueError("damaged trees")
    return Model(text, trees)


def _entries(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _numbers(entry: str) -> NDArray[np.float64]:
    return np.array(entry.split(), np.float64)


def _whole(entry: str) -> NDArray[np.int64]:
    return np.array(entry.split(), np.int64)


def _tree(told: dict[str, str], categories: int, numbers: int) -> Trees:
    """One tree: its inner nodes, of which each comes after its parent, then its leaves."""
    leaves = _numbers(told["leaf_value"])
    inner = len(leaves) - 1
    feature, decision, left, right = (
        _whole(told[name]) for name in ("split_feature", "decision_type", "left_child", "right_child")
    )
    threshold = _numbers(told["threshold"])
    columns = (feature, decision, left, right, threshold)
    if told["is_linear"] != "0" or not 0 <= inner < MAX_PENDING or any(len(column) != inner for column in columns):
        raise ValueError("a tree of another kind")
    kind = np.select([feature < categories, feature < categories + numbers], [CATEGORY, NUMBER], STEP)
    asks_name = (decision & CATEGORICAL) != 0
    if (asks_name != (kind == CATEGORY)).any() or (~asks_name & ((decision & MISSING) == MISSING_IS_ZERO)).any():
        raise ValueError("a split of another kind")
    if not np.isfinite(threshold).all() or (feature > categories + numbers).any():
        raise ValueError("a split at no number")
    names = np.where(kind == STEP, np.floor(np.clip(threshold, -1.0, 2.0**31)), 0.0).astype(np.int64)
    if asks_name.any():
        sets = _sets(_whole(told["cat_boundaries"]), _whole(told["cat_threshold"]))
        at = threshold[asks_name].astype(np.int64)
        if (at < 0).any() or (at >= len(sets)).any():
            raise ValueError("a set of names that is not there")
        names[asks_name] = sets[at]
    nothing = np.zeros(inner + 1)
    index = np.select([kind == CATEGORY, kind == NUMBER], [feature, feature - categories], 0)
    return Trees(
        roots=np.zeros(1, np.int64),
        kind=np.concatenate([kind, np.full(inner + 1, LEAF)]).astype(np.int8),
        feature=np.concatenate([index, nothing]).astype(np.int8),
        left=np.concatenate([np.where(left < 0, inner + ~left, left), nothing]).astype(np.int32),
        right=np.concatenate([np.where(right < 0, inner + ~right, right), nothing]).astype(np.int32),
        value=np.concatenate([np.where(kind == NUMBER, threshold, 0.0), leaves]),
        names=np.concatenate([names, nothing.astype(np.int64)]),
    )


def _sets(boundaries: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.int64]:
    """The names that go left, as bits: LightGBM has as many words of 32 bits as the last name of a set needs."""
    sets = np.zeros(max(len(boundaries) - 1, 0), np.uint64)
    for index, (start, stop) in enumerate(pairwise(boundaries.tolist())):
        own = words[start:stop]
        if start < 0 or len(own) != stop - start or len(own) > MAX_NAMES // 32 or ((own < 0) | (own >> 32 != 0)).any():
            raise ValueError("a damaged set of names")
        sets[index] = sum(int(word) << (32 * place) for place, word in enumerate(own))
    return sets.view(np.int64)
