"""The zone of tolerance of delays: lines through the adequate and the desired one on a logarithmic axis."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from mecsim.physics.delay_forms.base import Array, DelayForm, Kernel
from mecsim.physics.satisfaction import log_position, zone_rating
from mecsim.schema.fields import Duration, Positive, refuse

NARROWEST_ZONE = 1.01  # adequate over desired delay


class ZoneDelay(DelayForm):
    """By the position u = log(adequate/t)/log(adequate/desired), see `zone_rating`."""

    ABOUT: ClassVar[str] = (
        "lines through 2 at the adequate and 4 at the desired delay on a logarithmic axis (zone of tolerance)."
    )
    NUMBERS: ClassVar[tuple[str, str]] = ("adequate_s", "desired_s")

    adequate_s: Duration = Field(
        40.0, alias="adequate", description="Delay that is just accepted, rating 2, of a typical user."
    )
    desired_s: Duration = Field(
        10.0, alias="desired", description="Delay that is hoped for, rating 4; shorter than the adequate one."
    )
    slope_below: Positive = Field(1.0, description="Slope beyond the adequate delay, relative to that inside the zone.")
    slope_above: Positive = Field(
        1.0, description="Slope of delays shorter than desired, relative to that inside the zone."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.adequate_s < NARROWEST_ZONE * self.desired_s:
            told = f"expected a delay at least 1 % shorter than the adequate one, {self.adequate_s:g} s"
            refuse([("desired", f"{told}, got {self.desired_s:g} s")])
        return self

    @property
    def kernel(self) -> Kernel:
        """See `DelayForm`."""
        return Kernel(False, self.slope_below, self.slope_above)

    @property
    def typical(self) -> Array:
        """Adequate and desired delay (s)."""
        return np.array([self.adequate_s, self.desired_s])

    @property
    def range_s(self) -> tuple[float, float]:
        """The zone."""
        return self.desired_s, self.adequate_s

    def numbers(self, strictness: Array, other: Array, spread: float) -> Array:
        """Both longer by one log-normal factor, so that zones have one width on a logarithmic axis."""
        patience = np.exp(-spread * strictness)
        return np.stack([self.adequate_s * patience, self.desired_s * patience], axis=-1)

    def are_numbers(self, numbers: Array) -> bool:
        """Whether what is adequate is longer than what is desired."""
        return bool((numbers[..., 0] > numbers[..., 1]).all())

    def ratings(self, delay_s: Array, numbers: Array) -> Array:
        """See `DelayForm`."""
        adequate_s, desired_s = numbers[..., 0], numbers[..., 1]
        with np.errstate(divide="ignore"):  # no delay at all lies at +inf
            position = log_position(adequate_s / delay_s, 1.0, adequate_s / desired_s)
        return zone_rating(position, 0.0, 1.0, self.slope_below, self.slope_above)
