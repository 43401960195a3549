"""The logistic form: ratings of web delays by single people."""

from typing import ClassVar, Literal

from pydantic import Field

from mecsim.people.forms.base import Array, Choice
from mecsim.people.forms.waiting import WaitingForm
from mecsim.physics.satisfaction import logistic_rating
from mecsim.schema.fields import Duration


class LogisticForm(WaitingForm):
    """See `logistic_rating`."""

    ABOUT: ClassVar[str] = (
        "logistic in the delay, which is the wait at the demanded rate, prolonged as the rate is lower."
    )
    USUAL_WAIT_S: ClassVar[float] = 0.1  # a part of a page

    delay_spread: Literal["measured", "log-normal"] = Field(
        "measured",
        description="How people of a persona differ. measured: as 28 people of a study did. log-normal: by the spread.",
    )
    wait_at_demand_s: Duration | None = Field(
        None, alias="wait_at_demand", description="Delay at the demanded rate; null: 0.1 s."
    )

    def ratings(self, choice: Choice) -> Array:
        """See `RateForm`."""
        person = choice.person
        return logistic_rating(
            self.felt_s(choice), person.delay_centre_s[:, None], person.delay_steepness_per_s[:, None]
        )
