"""Forms that rate a delay: the wait at the demanded rate, prolonged as the rate is lower."""

from typing import ClassVar

from mecsim.people.forms.base import Array, Choice, RateForm
from mecsim.physics.satisfaction import waiting_s
from mecsim.schema.fields import Duration


class WaitingForm(RateForm):
    """Base of forms that rate a delay."""

    USUAL_WAIT_S: ClassVar[float]

    wait_at_demand_s: Duration | None

    @property
    def wait_s(self) -> float:
        """Delay at the demanded rate."""
        return self.wait_at_demand_s or self.USUAL_WAIT_S

    def felt_s(self, choice: Choice) -> Array:
        """Delay of each rate as strict people feel it, (R, K)."""
        return waiting_s(choice.rate_bit_per_s, choice.demand_bit_per_s, self.wait_s) * choice.strictness[:, None]
