"""Keys of channels whose loss is a line in the logarithm of distance."""

import numpy as np
from pydantic import Field

from mecsim.physics.channel.base import Array, ChannelModel
from mecsim.physics.channel.link import path_loss_db
from mecsim.schema.fields import Level, Positive

LEAST_DISTANCE_M = 1.0  # nearer than this counts as this


class LogDistance(ChannelModel):
    """Path loss of `path_loss_slope` dB per decade of distance."""

    path_loss_slope_db: Positive = Field(
        35.0, alias="path_loss_slope", description="Path loss in dB per decade of distance, a plain number."
    )
    path_loss_at_1km_db: Level = Field(133.6, alias="path_loss_at_1km", description="Path loss at 1 km, in dB.")

    def loss_db(self, distance_m: Array) -> Array:
        """Path loss at distances, of the same shape."""
        return path_loss_db(np.maximum(distance_m, LEAST_DISTANCE_M), self.path_loss_slope_db, self.path_loss_at_1km_db)
