"""The tape of the cells: stored without loss, checked when read, refused by systems that it does not fit."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mecsim.errors import InputError
from mecsim.systems.cells.layout import cells_spec
from mecsim.systems.cells.tape import FORMAT, CellsTapes
from mecsim.systems.offload.draw.tapes import draw_tapes
from tests.one_system import offload_scenario
from tests.systems.cells.cells import ENGINES, hand_made, make_scenario, random_tapes

NAMES = [field.name for field in fields(CellsTapes)]


FITTING: dict[str, Any] = {
    "mean_duration_s": (1.0, 1.0, 1.0), "requests": 9, "users": 5, "levels": 4, "cells": 3, "blocks": 12,
    "candidates": 2,
}  # fmt: skip


@pytest.fixture
def tapes() -> CellsTapes:
    spec = cells_spec(make_scenario(**FITTING))
    return random_tapes(np.random.default_rng(8), spec, 4, tick_s=0.0, load=1.0, unreachable=0.2)


def test_saved_tapes_come_back(tapes: CellsTapes, tmp_path: Path) -> None:
    path = tmp_path / "cells.tape"
    tapes.save(path)
    loaded = CellsTapes.load(path)
    assert isinstance(loaded, CellsTapes)
    assert len(loaded) == 4
    for name in NAMES:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(tapes, name), err_msg=name)
        assert getattr(loaded, name).dtype == getattr(tapes, name).dtype


def test_select_takes_slices_and_indices(tapes: CellsTapes) -> None:
    for name in NAMES:
        whole = getattr(tapes, name)
        np.testing.assert_array_equal(getattr(tapes.select(slice(1, 3)), name), whole[1:3])
        np.testing.assert_array_equal(getattr(tapes.select(np.array([2, 2, 0])), name), whole[[2, 2, 0]])
    assert len(tapes.select(slice(0, 1))) == 1


def test_demand_is_of_the_strongest_cell_at_the_highest_level() -> None:
    tapes = hand_made([0.0, 1.0, 2.0], [10.0, 5.0, 8.0], [[1, 4], [2, 6], [0, 0]])
    np.testing.assert_array_equal(tapes.demanded_block_s, [[40.0, 30.0, 0.0]])


def test_tapes_of_another_kind(tapes: CellsTapes, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    draw_tapes(offload_scenario("quickstart"), 0, 0, 1).save(path)
    with pytest.raises(InputError, match="not a tape: it lacks activity, application"):
        CellsTapes.load(path)
    np.savez(path, format=np.int64(FORMAT + 1), **{name: getattr(tapes, name) for name in NAMES})
    with pytest.raises(InputError, match=rf"tape format {FORMAT + 1}, this version reads {FORMAT}"):
        CellsTapes.load(path)
    with pytest.raises(InputError, match="not a tape"):
        CellsTapes.load(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("arrival_s", np.arange(36.0).reshape(4, 9)[:, ::-1].copy(), "arrival_s has to ascend"),
        ("arrival_s", np.nan, "arrival_s has to be finite"),
        ("duration_s", -1.0, "duration_s has to be finite and not negative"),
        ("duration_s", np.inf, "duration_s has to be finite"),
        ("duration_s", np.zeros((4, 8)), "duration_s is float64"),
        ("user", -1, "user is negative"),
        ("user", np.zeros((4, 9)), "user is float64"),
        ("application", -2, "application is negative"),
        ("persona", -2, "persona is negative"),
        ("cell", -1, "cell is negative"),
        ("cell", np.zeros((4, 9), np.int64), "cell is int64"),
        ("period", 6, "period lies outside 0 to 5"),
        ("place", -1, "place is negative"),
        ("activity", -1, "activity lies outside 0 to 5"),
        ("cqi", 16, "cqi lies outside 0 to 15"),
        ("cqi", 0, "0 just where the CQI is 0"),
        ("blocks", 0, "0 just where the CQI is 0"),
        ("blocks", -1, "blocks have to be at least 1"),
        ("blocks", np.zeros(3, np.int64), "not a tape"),
        ("rate_bit_per_s", 0.0, "rate_bit_per_s has to be finite, above 0"),
        ("rate_bit_per_s", np.nan, "rate_bit_per_s has to be finite, above 0"),
        ("demand_rate_bit_per_s", 0.0, "demand_rate_bit_per_s has to be above 0"),
        ("satisfaction", 5.1, "satisfaction lies outside 0 to 5"),
        ("predicted", np.nan, "predicted lies outside 0 to 5"),
    ],
)
def test_arrays_that_do_not_belong_together(
    tapes: CellsTapes, tmp_path: Path, name: str, value: Any, complaint: str
) -> None:
    """Compiled code would read beyond their ends."""
    value = value if isinstance(value, np.ndarray) else np.full_like(getattr(tapes, name), value)
    replace(tapes, **{name: value}).save(tmp_path / "x.npz")
    with pytest.raises(InputError, match=complaint):
        CellsTapes.load(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["rate_bit_per_s", "blocks"])
def test_levels_have_to_ascend(tapes: CellsTapes, tmp_path: Path, name: str) -> None:
    replace(tapes, **{name: getattr(tapes, name)[..., ::-1].copy()}).save(tmp_path / "x.npz")
    with pytest.raises(InputError, match="ascending with the level"):
        CellsTapes.load(tmp_path / "x.npz")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"requests": 8}, "requests: they have 9, expected 8"),
        ({"candidates": 1}, "candidates: they have 2, expected 1"),
        ({"levels": 5}, "levels: they have 4, expected 5"),
        ({"users": 2}, "more users than the expected 2"),
        ({"mean_duration_s": (1.0, 1.0)}, "more applications than the expected 2"),
        ({"cells": 2}, "more cells than the expected 2"),
    ],
)
def test_engines_refuse_tapes_of_another_scenario(
    engine: str, change: dict[str, Any], complaint: str, tapes: CellsTapes
) -> None:
    with pytest.raises(InputError, match=f"tapes of another scenario: .*{complaint}"):
        ENGINES[engine](make_scenario(**FITTING | change)).begin(tapes)
