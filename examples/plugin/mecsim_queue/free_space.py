"""A channel without obstacles or ground: Friis's law (A note on a simple transmission formula, Proc. IRE 34, 1946)."""

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.constants import speed_of_light

from mecsim.physics.channel.base import ChannelModel, Gain, Generators, Links
from mecsim.schema.fields import Frequency

LEAST_DISTANCE_M = 1.0  # nearer than this counts as this: the law is one of the far field


class FreeSpace(ChannelModel):
    """Power falls with the square of distance and frequency; antennas are isotropic."""

    ABOUT: ClassVar[str] = "free space: power falls with the square of distance and frequency."

    carrier_hz: Frequency = Field(3.5e9, alias="carrier", description="Frequency of the carrier.")

    def draw_gain(self, links: Links, generators: Generators) -> Gain:
        """(λ / 4πd)²; nothing of it is random."""
        wavelength_m = speed_of_light / self.carrier_hz
        return Gain((wavelength_m / (4.0 * np.pi * np.maximum(links.distance_m, LEAST_DISTANCE_M))) ** 2)
