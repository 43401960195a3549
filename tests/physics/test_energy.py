"""Energy by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.physics.energy import above_idle_w, execution_energy_j, power_curves_w, upload_energy_j
from mecsim.schema.fields import POWER_CURVES_W


def test_upload_energy_is_power_times_time() -> None:
    assert upload_energy_j(0.01, 2.5) == pytest.approx(0.025)


def test_execution_energy_of_the_published_system() -> None:
    """κ·η·f²·L: 16 Mbit cost 0.128 J on the cloud of 4 GHz, a quarter of it on an edge of 2 GHz."""
    assert execution_energy_j(5e-31, 1000.0, 4e9, 16e6) == pytest.approx(0.128)
    assert execution_energy_j(5e-31, 1000.0, 2e9, 16e6) == pytest.approx(0.032)


@pytest.mark.parametrize(("cpu_hz", "size_bit"), [(1e9, 1e6), (2e9, 2e6), (4e9, 3e6)])
def test_compiled_and_interpreted_alike(cpu_hz: float, size_bit: float) -> None:
    interpreted = execution_energy_j.py_func(5e-31, 330.0, cpu_hz, size_bit)  # type: ignore[attr-defined]
    assert execution_energy_j(5e-31, 330.0, cpu_hz, size_bit) == pytest.approx(interpreted, rel=1e-15)


@pytest.mark.parametrize(("utilisation", "power_w"), [(0.0, 0.0), (0.35, 13.8), (0.3, 11.3), (0.95, 40.3), (1.0, 41.3)])
def test_power_of_a_measured_server(utilisation: float, power_w: float) -> None:
    """SPECpower of the ML110 G5: 93.7 W idle, 105 W at 30 %, 110 W at 40 %, 133 W at 90 % and 135 W at full load."""
    curves, points = power_curves_w(["ml110-g5"])
    assert above_idle_w(curves, 0, points[0], utilisation) == pytest.approx(power_w)


def test_a_measured_cloud_server() -> None:
    """SPECpower of the IBM x3550 M3 (Xeon X5675): 58.4 W idle, 222 W at full load."""
    curves, points = power_curves_w(["ibm-x5675"])
    assert (curves[0, 0], curves[0, -1], points.tolist()) == (58.4, 222.0, [11])


def test_measured_curves() -> None:
    """SPECpower results at 0, 10, …, 100 % load, as CloudSim has them (Beloglazov and Buyya 2012, table 1)."""
    assert POWER_CURVES_W == {
        "ibm-x5675": (58.4, 98, 109, 118, 128, 140, 153, 170, 189, 205, 222),
        "ml110-g5": (93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135),
    }


def test_curves_of_different_lengths_stay_apart() -> None:
    """Each is padded to the longest; what counts of it is its own length."""
    curves, points = power_curves_w([(50.0, 120.0), "ml110-g5", (10.0, 10.0, 40.0)])
    assert curves.shape == (3, 11)
    assert points.tolist() == [2, 11, 3]
    np.testing.assert_array_equal(curves[0], [50.0] + [120.0] * 10)
    assert above_idle_w(curves, 0, points[0], 0.25) == pytest.approx(17.5)
    assert above_idle_w(curves, 2, points[2], 0.5) == pytest.approx(0.0)
    assert above_idle_w(curves, 2, points[2], 0.75) == pytest.approx(15.0)


@given(
    curve=st.lists(st.floats(0.0, 1000.0), min_size=2, max_size=101).map(sorted),
    utilisation=st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])),
)
def test_power_is_linear_between_the_points(curve: list[float], utilisation: float) -> None:
    curves, points = power_curves_w([curve, (1.0, 2.0)])
    expected_w = np.interp(utilisation, np.linspace(0.0, 1.0, len(curve)), curve) - curve[0]
    found_w = above_idle_w(curves, 0, points[0], utilisation)
    assert found_w == pytest.approx(expected_w, rel=1e-9, abs=1e-9 * max(curve))
    assert found_w >= 0.0
