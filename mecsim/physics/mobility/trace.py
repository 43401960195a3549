"""Users who were recorded."""

from typing import ClassVar

from pydantic import Field

from mecsim.physics.mobility.base import MobilityModel
from mecsim.schema.fields import File
from mecsim.schema.formats import Clocked


class Trace(MobilityModel, Clocked):
    """Positions from a file, which the system reads, as it knows the clock and the map."""

    ABOUT: ClassVar[str] = "positions from file."
    MOVES: ClassVar[bool] = True

    file: File = Field(None, description="CSV of user, time and position.")
