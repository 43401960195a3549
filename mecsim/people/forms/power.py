"""A power of the rate's position between minimum and demand."""

from typing import ClassVar

from mecsim.people.forms.base import Array, Choice, RateForm
from mecsim.physics.satisfaction import power_rating


class PowerForm(RateForm):
    """See `power_rating`."""

    ABOUT: ClassVar[str] = "5·x^λ, x being the rate between minimum and demand."

    def ratings(self, choice: Choice) -> Array:
        """See `RateForm`."""
        exponent = (choice.person.exponent * choice.strictness)[:, None]
        return power_rating(choice.rate_bit_per_s, choice.minimum_bit_per_s, choice.demand_bit_per_s, exponent)
