"""3GPP's urban cells against values worked out by hand from TR 38.901, tables 7.4.1-1 and 7.4.2-1."""

import numpy as np
import pytest

from mecsim.physics.channel.urban import (
    CELLS,
    UrbanModel,
    breakpoint_distance_m,
    line_of_sight_probability,
    urban_path_loss_db,
)

# Ground distance m, carrier GHz, and the loss in dB of UMa (25 m) with and without a line of sight, then UMi (10 m).
# Users are 1.5 m high. Breakpoints: UMa 128.1, 560.4 and 4483.1 m; UMi 48.0, 210.1 and 1681.2 m.
BY_HAND = [
    (30, 0.8, 60.844, 73.388, 61.833, 73.070),
    (30, 28, 91.726, 104.269, 92.715, 105.959),
    (100, 0.8, 70.319, 90.218, 78.448, 90.991),
    (100, 3.5, 83.138, 103.038, 85.314, 104.644),
    (500, 3.5, 98.269, 129.916, 107.108, 129.265),
    (500, 28, 116.331, 147.978, 118.023, 148.500),
    (1000, 3.5, 109.406, 141.666, 119.147, 139.889),
    (3000, 0.8, 127.083, 147.488, 137.470, 143.078),
    (3000, 28, 133.440, 178.370, 139.141, 175.967),
]


def loss_db(model: UrbanModel, distance_m: float, sight: bool, ghz: float, user_m: float = 1.5) -> float:
    height_m = CELLS[model].base_station_height_m
    return float(
        urban_path_loss_db(model, np.array([distance_m]), np.array([sight]), ghz * 1e9, height_m, user_m).item()
    )


@pytest.mark.parametrize("row", BY_HAND)
def test_losses_worked_out_by_hand(row: tuple[float, ...]) -> None:
    distance_m, ghz, *expected = row
    given = [loss_db(model, distance_m, sight, ghz) for model in CELLS for sight in (True, False)]
    np.testing.assert_allclose(given, expected, atol=6e-4)


def test_breakpoints() -> None:
    assert breakpoint_distance_m(3.5e9, 25.0, 1.5) == pytest.approx(560.39, abs=0.01)
    assert breakpoint_distance_m(3.5e9, 10.0, 1.5) == pytest.approx(210.15, abs=0.01)
    assert breakpoint_distance_m(28e9, 10.0, 1.5) == pytest.approx(8 * 210.15, abs=0.1)


@pytest.mark.parametrize("model", CELLS)
@pytest.mark.parametrize("ghz", [0.8, 3.5])
def test_the_loss_is_continuous_at_the_breakpoint_and_steeper_beyond(model: UrbanModel, ghz: float) -> None:
    break_m = breakpoint_distance_m(ghz * 1e9, CELLS[model].base_station_height_m, 1.5)
    before, after = (loss_db(model, break_m * factor, True, ghz) for factor in (1.0 - 1e-9, 1.0 + 1e-9))
    assert before == pytest.approx(after, abs=1e-6)
    assert loss_db(model, 20.0 * break_m, True, ghz) - loss_db(model, 2.0 * break_m, True, ghz) == pytest.approx(
        40, abs=1
    )


@pytest.mark.parametrize("model", CELLS)
def test_a_line_of_sight_never_costs(model: UrbanModel) -> None:
    for distance_m in np.geomspace(10.0, 5000.0, 50):
        assert loss_db(model, distance_m, False, 0.5) >= loss_db(model, distance_m, True, 0.5)


@pytest.mark.parametrize(("model", "per_metre"), [("uma", 0.6), ("umi", 0.3)])
def test_higher_users_without_a_line_of_sight(model: UrbanModel, per_metre: float) -> None:
    """Far away the height enters by its own term alone."""
    change = loss_db(model, 2000.0, False, 3.5, 4.5) - loss_db(model, 2000.0, False, 3.5, 1.5)
    assert change == pytest.approx(-3.0 * per_metre, abs=0.01)


@pytest.mark.parametrize("model", CELLS)
def test_below_ten_metres_the_loss_is_that_of_ten(model: UrbanModel) -> None:
    assert loss_db(model, 0.0, True, 3.5) == loss_db(model, 10.0, True, 3.5)


@pytest.mark.parametrize(
    ("distance_m", "uma", "umi"),
    [(0.0, 1.0, 1.0), (18.0, 1.0, 1.0), (30.0, 0.8485, 0.7738), (100.0, 0.3477, 0.2310), (500.0, 0.0363, 0.0360)],
)
def test_probability_of_a_line_of_sight(distance_m: float, uma: float, umi: float) -> None:
    given = [line_of_sight_probability(model, np.array([distance_m])).item() for model in CELLS]
    np.testing.assert_allclose(given, [uma, umi], atol=6e-5)
