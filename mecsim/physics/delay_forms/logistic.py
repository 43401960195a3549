"""The logistic form of delays: ratings of web delays by single people."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from mecsim.physics.delay_forms.base import Array, DelayForm, Kernel
from mecsim.physics.measured_patience import logistic_factors
from mecsim.physics.satisfaction import logistic_rating
from mecsim.schema.fields import Duration, PositiveRate


class LogisticDelay(DelayForm):
    """See `logistic_rating`."""

    ABOUT: ClassVar[str] = "5/(1 + e^(k·(t − c)))."
    NUMBERS: ClassVar[tuple[str, str]] = ("centre_s", "steepness_per_s")

    centre_s: Duration = Field(20.0, alias="centre", description="Delay c of the rating 2.5 of a typical user.")
    steepness_per_s: PositiveRate = Field(
        0.1, alias="steepness", description="Steepness k at the centre of a typical user, a rate."
    )
    delay_spread: Literal["measured", "log-normal"] = Field(
        "measured",
        description="How users differ. measured: as 28 people of a study of web delays did. log-normal: by the spread.",
    )

    @property
    def kernel(self) -> Kernel:
        """See `DelayForm`."""
        return Kernel(True)

    @property
    def reads_spread(self) -> bool:
        """Not where users differ as they were measured."""
        return self.delay_spread == "log-normal"

    @property
    def typical(self) -> Array:
        """Centre (s) and steepness (1/s)."""
        return np.array([self.centre_s, self.steepness_per_s])

    @property
    def range_s(self) -> tuple[float, float]:
        """The centre."""
        return self.centre_s, self.centre_s

    def numbers(self, strictness: Array, other: Array, spread: float) -> Array:
        """Who waits long before the rating falls rates it down slowly."""
        centre, steepness = logistic_factors(strictness, other, spread, self.delay_spread)
        return np.stack([self.centre_s * centre, self.steepness_per_s * steepness], axis=-1)

    def ratings(self, delay_s: Array, numbers: Array) -> Array:
        """See `DelayForm`."""
        return logistic_rating(delay_s, numbers[..., 0], numbers[..., 1])
