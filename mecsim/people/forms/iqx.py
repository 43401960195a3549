"""The IQX hypothesis: what is lost of a rating is proportional to what there is to lose."""

from typing import ClassVar

from pydantic import Field

from mecsim.people.forms.base import Array, Choice
from mecsim.people.forms.waiting import WaitingForm
from mecsim.physics.satisfaction import iqx_rating
from mecsim.schema.fields import Duration


class IqxForm(WaitingForm):
    """See `iqx_rating`."""

    ABOUT: ClassVar[str] = "exponential in the same delay."
    USUAL_WAIT_S: ClassVar[float] = 1.0  # a page

    wait_at_demand_s: Duration | None = Field(
        None, alias="wait_at_demand", description="Delay at the demanded rate; null: 1 s."
    )

    def ratings(self, choice: Choice) -> Array:
        """See `RateForm`."""
        return iqx_rating(self.felt_s(choice), choice.person.delay_sensitivity_per_s[:, None])
