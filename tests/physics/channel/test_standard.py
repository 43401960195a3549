"""The tables of 3GPP as they are in the code, against copies that were typed from the standards for these tests."""

import math
from dataclasses import astuple

import numpy as np
import pytest

from mecsim.physics.channel import cqi, link, urban
from mecsim.physics.channel.rayleigh import SHADOWING_DECORRELATION_M

# TS 38.214, table 5.2.2.1-2: modulation order and code rate × 1024 of CQI 1 to 15. The efficiency is their product.
MODULATION_AND_CODE_RATE = [
    (2, 78), (2, 120), (2, 193), (2, 308), (2, 449), (2, 602),
    (4, 378), (4, 490), (4, 616),
    (6, 466), (6, 567), (6, 666), (6, 772), (6, 873), (6, 948),
]  # fmt: skip
# From which SINR each is used: common values for a block error rate of 10 %, not standardised.
THRESHOLD_DB = [-6.7, -4.7, -2.3, 0.2, 2.4, 4.3, 5.9, 8.1, 10.3, 11.7, 14.1, 16.3, 18.7, 21.0, 22.7]


def test_cqi_efficiencies() -> None:
    """TS 38.214, table 5.2.2.1-2, which is rounded to four digits."""
    expected = [order * rate / 1024.0 for order, rate in MODULATION_AND_CODE_RATE]
    np.testing.assert_allclose(cqi.CQI_EFFICIENCY, expected, rtol=0.0, atol=5.1e-5)


def test_cqi_thresholds() -> None:
    np.testing.assert_array_equal(cqi.CQI_SINR_DB, THRESHOLD_DB)
    for index, level_db in enumerate(THRESHOLD_DB):
        around = 10.0 ** (np.array([level_db - 1e-6, level_db + 1e-6]) / 10.0)
        np.testing.assert_array_equal(cqi.cqi(around), [index, index + 1])


def test_constants_of_nature() -> None:
    """The speed of light, and k·T at 290 K in dBm/Hz, which is rounded to −174."""
    assert urban.LIGHT_M_PER_S == 299_792_458.0
    assert 10.0 * math.log10(1.380649e-23 * 290.0 * 1e3) == pytest.approx(link.THERMAL_NOISE_DBM_PER_HZ, abs=0.03)


def test_urban_cells() -> None:
    """TR 38.901: heights (table 7.2-1), LOS decay (7.4.2-1), deviation (7.4.1-1), correlation distances (7.5-6)."""
    assert astuple(urban.CELLS["uma"]) == (25.0, 63.0, (4.0, 6.0), (37.0, 50.0), (1.5, 13.0))
    assert astuple(urban.CELLS["umi"]) == (10.0, 36.0, (4.0, 7.82), (10.0, 13.0), (1.5, 22.5))
    assert urban.CELLS["uma"].decorrelation_m == (37.0, 50.0)  # with a line of sight, without
    assert urban.CELLS["umi"].decorrelation_m == (10.0, 13.0)
    assert urban.LINE_OF_SIGHT_DECORRELATION_M == 50.0  # table 7.6.3.1-2
    assert urban.ENVIRONMENT_HEIGHT_M == 1.0
    assert SHADOWING_DECORRELATION_M == 50.0  # of UMa without a line of sight


# TR 38.901, table 7.4.1-1: (constant, slope, slope of frequency) of the near part with a line of sight, then (slope,
# weight of the heights) of the far one, then (constant, slope, slope of frequency, per metre of height) without.
PATH_LOSS = {
    "uma": ((28.0, 22.0, 20.0), (40.0, 9.0), (13.54, 39.08, 20.0, 0.6)),
    "umi": ((32.4, 21.0, 20.0), (40.0, 9.5), (22.4, 35.3, 21.3, 0.3)),
}
HEIGHT_M = {"uma": 25.0, "umi": 10.0}
DECAY_M = {"uma": 63.0, "umi": 36.0}


def loss_by_the_table(model: str, ground_m: float, sight: bool, ghz: float, user_m: float) -> float:
    """Path loss in dB, in plain Python."""
    (near, slope, per_decade), (far_slope, weight), (shadow, shadow_slope, shadow_per_decade, per_m) = PATH_LOSS[model]
    station_m = HEIGHT_M[model]
    slant_m = math.sqrt(ground_m**2 + (station_m - user_m) ** 2)
    break_m = 4.0 * (station_m - 1.0) * (user_m - 1.0) * ghz * 1e9 / 299_792_458.0
    seen = near + slope * math.log10(slant_m) + per_decade * math.log10(ghz)
    if ground_m >= break_m:
        seen = near + far_slope * math.log10(slant_m) + per_decade * math.log10(ghz)
        seen -= weight * math.log10(break_m**2 + (station_m - user_m) ** 2)
    hidden = shadow + shadow_slope * math.log10(slant_m) + shadow_per_decade * math.log10(ghz) - per_m * (user_m - 1.5)
    return seen if sight else max(seen, hidden)


@pytest.mark.parametrize("model", urban.CELLS)
@pytest.mark.parametrize("user_m", [1.5, 8.0])
def test_path_loss(model: urban.UrbanModel, user_m: float) -> None:
    """TR 38.901, table 7.4.1-1, from 10 m to 5 km."""
    distance_m = np.geomspace(10.0, 5000.0, 30)
    for ghz in (0.5, 2.0, 3.5, 28.0, 100.0):
        for sight in (True, False):
            given = urban.urban_path_loss_db(model, distance_m, np.full(30, sight), ghz * 1e9, HEIGHT_M[model], user_m)
            expected = [loss_by_the_table(model, one_m, sight, ghz, user_m) for one_m in distance_m.tolist()]
            np.testing.assert_allclose(given, expected, rtol=1e-12)


@pytest.mark.parametrize("model", urban.CELLS)
def test_probability_of_a_line_of_sight(model: urban.UrbanModel) -> None:
    """TR 38.901, table 7.4.2-1, of users below 13 m."""
    for distance_m in (0.0, 10.0, 18.0, 18.5, 40.0, 120.0, 1000.0, 5000.0):
        expected = 1.0
        if distance_m > 18.0:
            expected = 18.0 / distance_m + math.exp(-distance_m / DECAY_M[model]) * (1.0 - 18.0 / distance_m)
        given = urban.line_of_sight_probability(model, np.array([distance_m]))
        assert given.item() == pytest.approx(expected, rel=1e-12)
