"""Tasks: how many arrive, how large they are, and which mean size loads the servers to a given degree."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SizeDistribution = Literal["exponential", "deterministic", "hyperexponential", "uniform"]


def unit_mean_sizes(
    distribution: SizeDistribution, rng: np.random.Generator, shape: tuple[int, ...], scv: float
) -> Array:
    """Task sizes relative to their mean. `scv` is the squared coefficient of variation of the hyperexponential.

    The hyperexponential has two branches with balanced means: with probability p = (1 + √((scv−1)/(scv+1)))/2 the size
    is exponential with rate 2p, else with rate 2(1−p). `uniform` is uniform on [0, 2].
    """
    match distribution:
        case "exponential":
            return rng.standard_exponential(shape)
        case "deterministic":
            return np.ones(shape)
        case "uniform":
            return rng.uniform(0.0, 2.0, shape)
        case "hyperexponential":
            p = 0.5 * (1.0 + np.sqrt((scv - 1.0) / (scv + 1.0)))
            branch_rate = np.where(rng.random(shape) < p, 2.0 * p, 2.0 * (1.0 - p))
            return np.asarray(rng.standard_exponential(shape) / branch_rate)


def balanced_mean_size_bit(
    load: float, total_cpu_hz: Array, cycles_per_bit: float, users: int, arrival_rate_per_s: float
) -> Array:
    """Mean size at which users demand `load` times what all servers can serve: L̄ = load·Σf/(η·λ_p·U).

    `load` = 1 is the critically loaded case of arXiv 2509.10474.
    """
    return load * total_cpu_hz / (cycles_per_bit * users * arrival_rate_per_s)
