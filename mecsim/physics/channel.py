"""Radio links: from distance and fading to a rate. Arrays in, arrays of the same shape out.

`gmorl` reproduces the rates on which the published results of GMORL rest (arXiv 2307.14346 and 2509.10474). In its law
the link budget is divided by the noise power twice and the normalised gain is squared, neither of which has
a physical meaning; the background page of the documentation says what follows. `rayleigh` is the textbook link.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

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


def shannon_rate_bit_per_s(bandwidth_hz: float, snr: Array) -> Array:
    """C = W·log2(1 + SNR). log1p keeps weak links exact, as log2(1 + 1e-17) would be zero."""
    return np.asarray(bandwidth_hz * np.log1p(snr) / np.log(2.0))


def rayleigh_rate_bit_per_s(gain: Array, bandwidth_hz: float, tx_power_w: float, noise_w: float) -> Array:
    """Rate of a link of power gain `gain` (path loss, shadowing and fading together): SNR = p·g/N."""
    return shannon_rate_bit_per_s(bandwidth_hz, tx_power_w * gain / noise_w)


def gmorl_rate_bit_per_s(gain: Array, bandwidth_hz: float, tx_power_w: float, noise_w: float) -> Array:
    """Rate as in GMORL's published regime: C = W·log2(1 + p·(g/N)²/N). See the head of this file."""
    return shannon_rate_bit_per_s(bandwidth_hz, tx_power_w * (gain / noise_w) ** 2 / noise_w)
