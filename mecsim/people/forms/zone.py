"""The zone of tolerance: lines through the adequate and the desired level."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from mecsim.people.forms.base import Array, Choice, RateForm, Tastes
from mecsim.physics.satisfaction import log_position, zone_rating
from mecsim.schema.fields import Positive

LEAST_ZONE_WIDTH = 0.05  # however contexts move its ends


class ZoneForm(RateForm):
    """Of the position of the rate on a logarithmic axis, see `zone_rating`."""

    ABOUT: ClassVar[str] = (
        "lines through 2 at the adequate and 4 at the desired level of the logarithmic rate (zone of tolerance)."
    )

    slope_below: Positive = Field(1.0, description="Slope below the adequate level, relative to that inside the zone.")
    slope_above: Positive = Field(1.0, description="Slope above the desired level, relative to that inside the zone.")

    def levels(self, person: Tastes, shift: Array) -> Array:
        """Positions of the adequate and the desired level of those who ask, (R, 2); `shift` as that of a `Choice`."""
        adequate = person.adequate + shift[:, 0]
        return np.stack([adequate, np.maximum(person.desired + shift[:, 1], adequate + LEAST_ZONE_WIDTH)], axis=1)

    def ratings(self, choice: Choice) -> Array:
        """See `RateForm`."""
        adequate, desired = self.levels(choice.person, choice.shift).T
        return zone_rating(
            log_position(choice.rate_bit_per_s, choice.minimum_bit_per_s, choice.demand_bit_per_s),
            adequate[:, None],
            desired[:, None],
            self.slope_below,
            self.slope_above,
        )
