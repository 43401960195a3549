"""Trees without the library that fitted them: the same values, one walk for all cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor

from mecsim.predictor.trees import MAX_NAMES, MAX_PENDING, Trees, add_curve, sound, trees_of

CELLS = 40
NAMES = (5, MAX_NAMES)


@pytest.fixture(scope="module")
def fitted() -> tuple[HistGradientBoostingRegressor, list[np.ndarray]]:
    """A model of two categories, of which some names never came, two numbers and the monotone feature."""
    rng = np.random.default_rng(0)
    rows = 4000
    codes = np.stack([rng.choice([0, 2, 3], rows), rng.choice(np.arange(0, MAX_NAMES, 3), rows)], axis=1)
    numbers = rng.normal(size=(rows, 2))
    cell = rng.integers(0, CELLS, rows)
    slope = np.sin(codes[:, 1]) + 1.5 + codes[:, 0]
    target = slope * cell / CELLS + np.where(numbers[:, 0] > 0.3, numbers[:, 1], 0.0) + rng.normal(0.0, 0.3, rows)
    model = HistGradientBoostingRegressor(
        max_iter=40, categorical_features=[0, 1], monotonic_cst=[0, 0, 0, 0, 1], early_stopping=False, random_state=0
    )
    model.fit(np.column_stack([codes, numbers, cell]), target)
    return model, [np.isin(np.arange(count), codes[:, column]) for column, count in enumerate(NAMES)]


@pytest.fixture(scope="module")
def trees(fitted) -> Trees:
    model, seen = fitted
    return trees_of(model, seen, numbers=2)


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
def test_equals_the_library_in_every_cell_and_never_falls(fitted, trees, context):
    first, second, *numbers = context
    rows = [[first, second, *numbers, cell] for cell in range(CELLS)]
    curve = curve_of(trees, [first, second], numbers)
    np.testing.assert_allclose(curve, fitted[0].predict(np.array(rows)), rtol=0.0, atol=1e-12)
    assert (np.diff(curve) >= 0.0).all()


def test_thresholds_and_leaves_are_those_of_the_library_bit_by_bit(fitted, trees):
    nodes = np.concatenate([each[0].nodes for each in fitted[0]._predictors])
    leaf = nodes["is_leaf"] == 1
    np.testing.assert_array_equal(trees.value[leaf], nodes["value"][leaf])
    number = ~leaf & np.isin(nodes["feature_idx"], [2, 3])
    assert number.any()
    np.testing.assert_array_equal(trees.value[number], nodes["num_threshold"][number])
    assert trees.base[0] == fitted[0]._baseline_prediction.item()
    assert len(trees.roots) == 40


def damaged(trees: Trees, name: str, value: object) -> Trees:
    array = getattr(trees, name).copy()
    at = int(np.argmax(trees.kind != 0))  # an inner node
    array[at if len(array) > at and name not in ("base", "roots") else 0] = value
    return trees._replace(**{name: array})


def test_what_a_walk_relies_on(trees):
    assert sound(trees, 2, 2)
    assert not sound(trees, 1, 2)
    assert not sound(trees, 2, 1)
    assert not sound(trees._replace(left=trees.left[:-1]), 2, 2)
    assert not sound(Trees(trees.base, *(part[:0] for part in trees[1:])), 2, 2)
    for name, value in [
        ("left", 0),  # a loop
        ("right", 2**30),
        ("left", -1),
        ("kind", 9),
        ("feature", 100),
        ("feature", -1),
        ("value", np.nan),
        ("base", np.inf),
        ("roots", 2**40),
    ]:
        assert not sound(damaged(trees, name, value), 2, 2), (name, value)
