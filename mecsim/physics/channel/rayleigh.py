"""A textbook link budget: log-distance path loss and log-normal shadowing."""

from typing import ClassVar

from pydantic import Field

from mecsim.physics.channel.base import Gain, Generators, Links
from mecsim.physics.channel.link import from_db
from mecsim.physics.channel.log_distance import LogDistance
from mecsim.schema.fields import LevelOrZero

SHADOWING_DECORRELATION_M = 50.0  # as in a macro cell without line of sight


class Rayleigh(LogDistance):
    """Log-distance path loss and log-normal shadowing."""

    ABOUT: ClassVar[str] = "a textbook link budget, thousands of times slower with the same numbers."

    shadowing_db: LevelOrZero = Field(
        8.0, alias="shadowing", description="Standard deviation of log-normal shadowing, in dB."
    )

    def draw_gain(self, links: Links, generators: Generators) -> Gain:
        """Shadowing has one value per user and station, or is a process along the user's path."""
        loss_db = self.loss_db(links.distance_m)
        shadowing_db = self.shadowing_db * links.normal(generators.shadowing, SHADOWING_DECORRELATION_M)
        return Gain(from_db(-(loss_db + shadowing_db)))
