"""Energy by hand."""

import pytest

from mecsim.physics.energy import execution_energy_j, upload_energy_j


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
