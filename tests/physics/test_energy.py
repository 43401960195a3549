"""Energy by hand."""

import numpy as np
import pytest

from mecsim.physics.energy import execution_energy_j, upload_energy_j


def test_upload_energy_is_power_times_time() -> None:
    assert upload_energy_j(0.01, 2.5) == pytest.approx(0.025)


def test_execution_energy_of_the_published_system() -> None:
    """κ·η·f²·L: 16 Mbit cost 0.128 J on the cloud of 4 GHz, a quarter of it on an edge of 2 GHz."""
    assert execution_energy_j(5e-31, 1000.0, 4e9, 16e6) == pytest.approx(0.128)
    assert execution_energy_j(5e-31, 1000.0, 2e9, 16e6) == pytest.approx(0.032)


def test_arrays_and_numbers_alike() -> None:
    cpu_hz, size_bit = np.array([1e9, 2e9, 4e9]), np.array([1e6, 2e6, 3e6])
    expected = [execution_energy_j(5e-31, 330.0, f, size) for f, size in zip(cpu_hz, size_bit, strict=True)]
    np.testing.assert_allclose(execution_energy_j(5e-31, 330.0, cpu_hz, size_bit), expected, rtol=1e-15)
    np.testing.assert_allclose(upload_energy_j(0.01, np.array([0.0, 3.0])), [0.0, 0.03])
