"""Users without positions."""

from typing import ClassVar

from mecsim.physics.mobility.base import MobilityModel


class Nowhere(MobilityModel):
    """Distances are drawn from ranges by the system."""

    ABOUT: ClassVar[str] = "distances are drawn, nobody has a position."
    HAS_PLACES: ClassVar[bool] = False
