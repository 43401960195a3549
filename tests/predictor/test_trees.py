"""Trees without the library that fitted them: the same values, one walk for all cells; texts that are no model."""

import re
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.predictor.model_text import Model, read_model
from mecsim.predictor.trees import MAX_NAMES, MAX_PENDING, Trees, sound
from tests.kernels import add_curve

CELLS = 40
NAMES = (5, MAX_NAMES)
TREES = 40


@pytest.fixture(scope="module")
def model() -> Model:
    """Of two categories, of which some names never came, two numbers and the monotone feature."""
    rng = np.random.default_rng(0)
    rows = 4000
    codes = np.stack([rng.choice([0, 2, 3], rows), rng.choice(np.arange(0, MAX_NAMES, 3), rows)], axis=1)
    numbers = rng.normal(size=(rows, 2))
    cell = rng.integers(0, CELLS, rows)
    slope = np.sin(codes[:, 1]) + 1.5 + codes[:, 0]
    target = slope * cell / CELLS + np.where(numbers[:, 0] > 0.3, numbers[:, 1], 0.0) + rng.normal(0.0, 0.3, rows)
    settings = {"monotone_constraints": [0, 0, 0, 0, 1], "min_data_in_bin": 1, "num_threads": 1, "verbosity": -1}
    data = lightgbm.Dataset(np.column_stack([codes, numbers, cell]), target, categorical_feature=[0, 1])
    return read_model(lightgbm.train(settings, data, num_boost_round=TREES).model_to_string(), 2, 2)


@pytest.fixture(scope="module")
def library(model: Model) -> lightgbm.Booster:
    """LightGBM's own reading of the same text."""
    return lightgbm.Booster(model_str=model.text)


def curve_of(trees: Trees, codes: list[int], numbers: list[float]) -> np.ndarray:
    curve, pending = np.full(CELLS, np.nan), np.empty((MAX_PENDING, 3), np.int64)
    add_curve(trees, np.array(codes, np.int8), np.array(numbers), curve, pending)
    return curve


CONTEXTS = st.tuples(
    st.integers(0, NAMES[0] - 1),
    st.integers(0, NAMES[1] - 1),
    st.floats(-3.0, 3.0),
    st.floats(-3.0, 3.0),
)


@given(CONTEXTS)
def test_equals_the_library_in_every_cell_and_never_falls(
    library: lightgbm.Booster, model: Model, context: tuple[Any, ...]
) -> None:
    first, second, *numbers = context
    rows = [[first, second, *numbers, cell] for cell in range(CELLS)]
    curve = curve_of(model.trees, [first, second], numbers)
    np.testing.assert_allclose(curve, library.predict(np.array(rows), num_threads=1), rtol=0.0, atol=1e-12)
    assert (np.diff(curve) >= 0.0).all()


def test_every_kind_of_split_is_met(model: Model) -> None:
    assert set(model.trees.kind) == {0, 1, 2, 3}
    assert (model.trees.names[model.trees.kind == 1] < 0).any()  # the last of 64 names goes left somewhere
    assert len(model.trees.roots) == TREES


def nodes_of(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """All nodes of a tree as the library tells them."""
    return [tree, *(node for side in ("left_child", "right_child") if side in tree for node in nodes_of(tree[side]))]


def test_thresholds_and_leaves_are_those_of_the_library_bit_by_bit(library: lightgbm.Booster, model: Model) -> None:
    nodes = [node for tree in library.dump_model()["tree_info"] for node in nodes_of(tree["tree_structure"])]
    leaves = [node["leaf_value"] for node in nodes if "leaf_value" in node]
    thresholds = [node["threshold"] for node in nodes if node.get("split_feature") in (2, 3)]
    assert sorted(model.trees.value[model.trees.kind == 0]) == sorted(leaves)
    assert sorted(model.trees.value[model.trees.kind == 2]) == sorted(thresholds)


def test_a_tree_without_a_split() -> None:
    """Of equal targets there is nothing to learn but their mean."""
    rows = np.zeros((50, 3))
    settings = {"num_threads": 1, "verbosity": -1}
    data = lightgbm.Dataset(rows, np.full(50, 3.5), categorical_feature=[0], params={"feature_pre_filter": False})
    trees = read_model(lightgbm.train(settings, data, num_boost_round=2).model_to_string(), 1, 1).trees
    assert curve_of(trees, [0], [0.0]) == pytest.approx(np.full(CELLS, 3.5))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"^tree$[\s\S]*", ""),  # nothing at all
        (r"\nend of trees[\s\S]*", ""),  # an end that is missing
        (r"\nTree=[\s\S]*\nend of trees", "\nend of trees"),  # no trees
        (r"max_feature_idx=4", "max_feature_idx=5"),
        (r"num_class=1", "num_class=3"),
        (r"is_linear=0", "is_linear=1"),
        (r"\nleaf_value=\S+ ", "\nleaf_value="),  # one too few
        (r"\nleaf_value=\S+", "\nleaf_value=nan"),
        (r"\nleaf_value=\S+", "\nleaf_value=much"),
        (r"\nleaf_value=.*", ""),
        (r"\nsplit_feature=\d+", "\nsplit_feature=5"),
        (r"\nsplit_feature=\d+", "\nsplit_feature=-1"),
        (r"\nthreshold=\S+", "\nthreshold=inf"),
        (r"\ndecision_type=\d+", "\ndecision_type=6"),  # zero counts as missing
        (r"\nleft_child=\S+", "\nleft_child=0"),  # a loop
        (r"\nright_child=\S+", "\nright_child=99999"),
        (r"\nright_child=\S+", "\nright_child=-99999"),
        (r"\nright_child=\S+", "\nright_child=99999999999999999999"),
        (r"\ncat_boundaries=.*", "\ncat_boundaries=0"),
        (r"\ncat_boundaries=.*", "\ncat_boundaries=0 999 1000"),
        (r"\ncat_threshold=\S+", "\ncat_threshold=-1"),
    ],
)
def test_texts_that_are_no_such_model(model: Model, old: str, new: str) -> None:
    damaged = re.sub(old, new, model.text, count=1, flags=re.MULTILINE)
    assert damaged != model.text
    with pytest.raises(ValueError):  # noqa: PT011 (the file of the predictor has one line for all of them)
        read_model(damaged, 2, 2)


def damaged(trees: Trees, name: str, value: object) -> Trees:
    array = getattr(trees, name).copy()
    at = int(np.argmax(trees.kind != 0))  # an inner node
    array[at if len(array) > at and name != "roots" else 0] = value
    return trees._replace(**{name: array})


def test_what_a_walk_relies_on(model: Model) -> None:
    trees = model.trees
    assert sound(trees, 2, 2)
    assert not sound(trees, 1, 2)
    assert not sound(trees, 2, 1)
    assert not sound(trees._replace(left=trees.left[:-1]), 2, 2)
    assert not sound(Trees._make([trees.roots, *(part[:0] for part in trees[1:])]), 2, 2)
    for name, value in [
        ("left", 0),  # a loop
        ("right", 2**30),
        ("left", -1),
        ("kind", 9),
        ("feature", 100),
        ("feature", -1),
        ("value", np.nan),
        ("roots", 2**40),
    ]:
        assert not sound(damaged(trees, name, value), 2, 2), (name, value)
