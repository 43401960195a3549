"""From the gain of radio links to their signal-to-noise ratio. Arrays in, arrays of the same shape out."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Adaptation = Literal["shannon", "cqi"]  # from SINR to rate, see `cqi`

THERMAL_NOISE_DBM_PER_HZ = -174.0


def from_db(value_db: Array | float) -> Array:
    """A power ratio from decibels."""
    return np.asarray(10.0 ** (np.asarray(value_db) / 10.0))


def noise_power_w(bandwidth_hz: float, noise_figure_db: float = 0.0) -> float:
    """Thermal noise over a bandwidth: −174 dBm/Hz plus the receiver's noise figure, in watts."""
    return float(from_db(THERMAL_NOISE_DBM_PER_HZ - 30.0 + noise_figure_db)) * bandwidth_hz


def path_loss_db(distance_m: Array, slope_db: float, at_1km_db: float) -> Array:
    """Log-distance path loss: `slope_db` per decade of distance around its value at one kilometre."""
    return slope_db * np.log10(distance_m / 1000.0) + at_1km_db


def link_snr(gain: Array, tx_power_w: float, noise_w: float) -> Array:
    """SNR = p·g/N of a link of power gain g (path loss, shadowing and fading together)."""
    return tx_power_w * gain / noise_w
