"""The zone of tolerance: lines through the adequate and the desired level."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from mecsim.people.forms.base import Array, Choice, RateForm
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

    def ratings(self, choice: Choice) -> Array:
        """See `RateForm`."""
        adequate = choice.person.adequate + choice.shift[:, 0]
        desired = np.maximum(choice.person.desired + choice.shift[:, 1], adequate + LEAST_ZONE_WIDTH)
        return zone_rating(
            log_position(choice.rate_bit_per_s, choice.minimum_bit_per_s, choice.demand_bit_per_s),
            adequate[:, None],
            desired[:, None],
            self.slope_below,
            self.slope_above,
        )
