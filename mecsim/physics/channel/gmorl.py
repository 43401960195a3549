"""The rates on which the published results of GMORL rest (arXiv 2307.14346 and 2509.10474).

In its law the link budget is divided by the noise power twice and the normalised gain is squared, neither of which has
a physical meaning; the background page of the documentation says what follows.
"""

from typing import ClassVar

from pydantic import Field

from mecsim.physics.channel.base import Array, Gain, Generators, Links
from mecsim.physics.channel.link import from_db, noise_power_w
from mecsim.physics.channel.log_distance import LogDistance
from mecsim.schema.fields import LevelOrZero


class Gmorl(LogDistance):
    """Log-distance path loss and a constant extra loss."""

    ABOUT: ClassVar[str] = "the rates that the paper relies on (hundreds of Mbit/s; its noise is normalised twice)."

    USES_NOISE_FIGURE: ClassVar[bool] = False

    shadowing_db: LevelOrZero = Field(8.0, alias="shadowing", description="A constant extra loss, in dB.")

    def draw_gain(self, links: Links, generators: Generators) -> Gain:
        """Nothing of it is random."""
        return Gain(from_db(-(self.loss_db(links.distance_m) + self.shadowing_db)))

    def snr(self, gain: Array, tx_power_w: float, bandwidth_hz: float, noise_figure_db: float) -> Array:
        """What stands for the SNR in the published regime; the noise figure is not used."""
        return gmorl_snr(gain, tx_power_w, noise_power_w(bandwidth_hz))


def gmorl_snr(gain: Array, tx_power_w: float, noise_w: float) -> Array:
    """What stands for the SNR in GMORL's published regime: p·(g/N)²/N."""
    return tx_power_w * (gain / noise_w) ** 2 / noise_w
