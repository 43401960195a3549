"""From SINR to rate: Shannon's capacity, or the CQI table of 3GPP. Arrays in, arrays of the same shape out."""

import math

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import kernel
from mecsim.physics.channel.link import Adaptation

Array = NDArray[np.float64]

# Spectral efficiency in bit/s/Hz of CQI 1 to 15 (3GPP TS 38.214, table 5.2.2.1-2), and the SINR from which each is
# used. The standard leaves these to the receiver; the values are common ones for an error rate of 10 %.
CQI_EFFICIENCY = (
    0.1523, 0.2344, 0.3770, 0.6016, 0.8770, 1.1758, 1.4766, 1.9141,
    2.4063, 2.7305, 3.3223, 3.9023, 4.5234, 5.1152, 5.5547,
)  # fmt: skip
CQI_SINR_DB = (-6.7, -4.7, -2.3, 0.2, 2.4, 4.3, 5.9, 8.1, 10.3, 11.7, 14.1, 16.3, 18.7, 21.0, 22.7)
CQI_SINR: tuple[float, ...] = tuple(10.0 ** (level_db / 10.0) for level_db in CQI_SINR_DB)


def cqi(sinr: Array) -> NDArray[np.int64]:
    """The highest CQI, 1 to 15, that the SINR, a power ratio, allows; 0 below the lowest one."""
    return np.asarray(np.searchsorted(CQI_SINR, sinr, side="right"), np.int64)


def rate_bit_per_s(sinr: Array, bandwidth_hz: float, adaptation: Adaptation = "shannon") -> Array:
    """Rate of a link of bandwidth W from its SINR, a power ratio.

    shannon: C = W·log2(1 + SINR); log1p keeps weak links exact, as log2(1 + 1e-17) would be zero. cqi: the efficiency
    of the highest CQI that the SINR allows. Below the lowest one a transmission is repeated until enough energy has
    come: its efficiency falls in proportion to the SINR, so that no rate is zero.
    """
    if adaptation == "shannon":
        return np.asarray(bandwidth_hz * np.log1p(sinr) / np.log(2.0))
    index = cqi(sinr) - 1
    repeated = CQI_EFFICIENCY[0] * (np.asarray(sinr) / CQI_SINR[0])
    return np.asarray(bandwidth_hz * np.where(index < 0, repeated, np.take(CQI_EFFICIENCY, np.maximum(index, 0))))


@kernel
def link_rate_bit_per_s(sinr: float, bandwidth_hz: float, cqi: bool) -> float:
    """What `rate_bit_per_s` says of one link, for compiled loops; `cqi` chooses the adaptation."""
    if not cqi:
        return bandwidth_hz * math.log1p(sinr) / math.log(2.0)
    if sinr < CQI_SINR[0]:
        return bandwidth_hz * (CQI_EFFICIENCY[0] * (sinr / CQI_SINR[0]))
    index = 0
    while index + 1 < len(CQI_SINR) and sinr >= CQI_SINR[index + 1]:
        index += 1
    return bandwidth_hz * CQI_EFFICIENCY[index]
