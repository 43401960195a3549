"""Fading of links on the scale of a wavelength: scattered paths, with a direct one or without. Mean power 1."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mecsim.physics.channel.base import Links
from mecsim.physics.channel.link import from_db

Array = NDArray[np.float64]


def rician_power(scattered: NDArray[np.complex128], k_db: Array | float) -> Array:
    """Power |h|² of a direct path together with scattered ones, mean 1.

    h = √(k/(k+1)) + s/√(k+1): Rician fading whose direct path has k times the power of all others (Tse and Viswanath
    2005, equation 2.55).

    Args:
        scattered: field s of the scattered paths, complex normal with E|s|² = 1.
        k_db: k in dB; −∞ for no direct path, which is Rayleigh fading.
    """
    k = from_db(k_db)
    return np.asarray(np.abs(np.sqrt(k / (k + 1.0)) + scattered / np.sqrt(k + 1.0)) ** 2)


@dataclass(frozen=True)
class Fading:
    """Fading of links whose rows are users or tasks."""

    when: Literal["episode", "step", "ar1"]  # one per user; one per row; correlated in time
    coherence_time_s: float
    rician: bool
    rician_k_db: float  # power of the direct path, where there is one

    def draw(self, links: Links, rng: np.random.Generator) -> Array | NDArray[np.complex128]:
        """What is random about it, (N, K, A): the power of Rayleigh fading, or the field of the scattered paths."""
        shape = links.shape_of_users if self.when == "episode" else links.distance_m.shape
        if not self.rician and self.when != "ar1":
            power = rng.standard_exponential(shape)
            return np.asarray(links.spread(power) if self.when == "episode" else power, np.float64)
        parts = rng.standard_normal((*shape, 2)) * np.sqrt(0.5)
        scattered = parts.view(np.complex128)[..., 0]
        if self.when == "episode":
            return np.asarray(links.spread(scattered), np.complex128)
        if self.when == "ar1" and links.sequence is not None:
            from mecsim.physics.correlation import correlate  # compiles, which reading a scenario does not need

            rows = links.sequence
            correlate(scattered, rows.order, rows.user, rows.time_s, self.coherence_time_s)
        return np.asarray(scattered, np.complex128)

    def power(self, drawn: Array | NDArray[np.complex128], direct: NDArray[np.bool_] | None) -> Array:
        """Power |h|², (N, K, A), of what `draw` has drawn; `direct` says where there is a direct path, as in `Gain`."""
        if drawn.dtype == np.float64:
            return np.asarray(drawn, np.float64)
        k_db = self.rician_k_db if direct is None else np.where(direct, self.rician_k_db, -np.inf)
        return rician_power(np.asarray(drawn, np.complex128), k_db if self.rician else -np.inf)
