"""Energy of an offloaded task: radio while it uploads, processor while it executes (arXiv 2509.10474).

Plain arithmetic on numbers, compiled, so that it serves both engines.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import kernel
from mecsim.schema.fields import POWER_CURVES_W


@kernel
def upload_energy_j(tx_power_w: float, upload_s: float) -> float:
    """E_off = p_off · T_off."""
    return tx_power_w * upload_s


@kernel
def execution_energy_j(capacitance: float, cycles_per_bit: float, cpu_hz: float, size_bit: float) -> float:
    """E_exe = κ · η · f² · L: each cycle costs κ·f² joules, however many tasks share the processor."""
    return capacitance * cycles_per_bit * cpu_hz * cpu_hz * size_bit


def power_curves_w(curves: Sequence[str | Sequence[float]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Measured curves by name or values as rows (rows, P), each padded to the longest, and their lengths (rows,)."""
    values = [POWER_CURVES_W[curve] if isinstance(curve, str) else tuple(curve) for curve in curves]
    points = np.array([len(curve) for curve in values])
    power_w = np.array([curve + curve[-1:] * (points.max() - len(curve)) for curve in values])
    return power_w, points


@kernel
def above_idle_w(power_w: NDArray[np.float64], row: int, points: int, utilisation: float) -> float:
    """Power beyond that of the idle server, from row `row` of measured curves (rows, P), of which `points` count.

    The points stand at equal distances from 0 to 1 of utilisation; between them the power is linear, as SPECpower
    results are read (Beloglazov and Buyya 2012).
    """
    position = utilisation * (points - 1)
    at = min(int(position), points - 2)
    low_w, high_w = power_w[row, at], power_w[row, at + 1]
    return float(low_w + (position - at) * (high_w - low_w) - power_w[row, 0])
