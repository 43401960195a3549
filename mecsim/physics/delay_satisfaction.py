"""How satisfied users are with the delays of their tasks. A part of an offloading scenario."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from mecsim.core.laws import LAW, LAW_FIELD, LawSection
from mecsim.physics.delay_forms.base import DELAY_FORMS, DelayForm
from mecsim.physics.delay_forms.zone import ZoneDelay
from mecsim.schema.fields import NotNegative, refuse, unread_keys

MOST_SPREAD = 10.0  # beyond it delays leave the range that engines compute with


class DelaySatisfaction(LawSection):
    """How satisfied users are with the delay of a task, from 0 to 5."""

    LAWS = DELAY_FORMS
    CHOICE = "form"

    form: str = Field("zone", description="How a rating depends on the delay.")
    spread: NotNegative = Field(
        0.5, description="How users differ: deviation of the logarithms of their delays (log-normal), at most 10."
    )
    law: Annotated[DelayForm, LAW_FIELD] = Field(ZoneDelay(), alias=LAW, exclude=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings = unread_keys(self, {"spread": (not self.law.reads_spread, "delay_spread: log-normal")})
        if self.spread > MOST_SPREAD:
            findings.append(("spread", f"expected at most {MOST_SPREAD:g}, got {self.spread:g}"))
        refuse(findings)
        return self
