"""How satisfied users are with the delays of their tasks. A part of an offloading scenario."""

from typing import Literal, Self

from pydantic import Field, model_validator

from mecsim.schema.fields import Duration, NotNegative, Positive, PositiveRate, Section, findings_error, unread_keys

NARROWEST_ZONE = 1.01  # adequate over desired delay
MOST_SPREAD = 10.0  # beyond it delays leave the range that engines compute with


class DelaySatisfaction(Section):
    """How satisfied users are with the delay of a task, from 0 to 5."""

    form: Literal["zone", "logistic"] = Field(
        "zone",
        description="How a rating depends on the delay. zone: lines through 2 at the adequate and 4 at the desired one "
        "on a logarithmic axis (zone of tolerance). logistic: 5/(1 + e^(k·(t − c))).",
    )
    adequate_s: Duration = Field(
        40.0, alias="adequate", description="zone: delay that is just accepted, rating 2, of a typical user."
    )
    desired_s: Duration = Field(
        10.0, alias="desired", description="zone: delay that is hoped for, rating 4; shorter than the adequate one."
    )
    slope_below: Positive = Field(
        1.0, description="zone: slope beyond the adequate delay, relative to that inside the zone."
    )
    slope_above: Positive = Field(
        1.0, description="zone: slope of delays shorter than desired, relative to that inside the zone."
    )
    centre_s: Duration = Field(
        20.0, alias="centre", description="logistic: delay c of the rating 2.5 of a typical user."
    )
    steepness_per_s: PositiveRate = Field(
        0.1, alias="steepness", description="logistic: steepness k at the centre of a typical user, a rate."
    )
    spread: NotNegative = Field(
        0.5, description="How users differ: deviation of the logarithms of their delays (log-normal), at most 10."
    )
    delay_spread: Literal["measured", "log-normal"] = Field(
        "measured",
        description="logistic: how users differ. measured: as 28 people of a study of web delays did. "
        "log-normal: by the spread.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        zone = self.form == "zone"
        idle = {  # keys that nothing reads, and what would read them
            "adequate_s": (not zone, "form: zone"),
            "desired_s": (not zone, "form: zone"),
            "slope_below": (not zone, "form: zone"),
            "slope_above": (not zone, "form: zone"),
            "centre_s": (zone, "form: logistic"),
            "steepness_per_s": (zone, "form: logistic"),
            "delay_spread": (zone, "form: logistic"),
            "spread": (not zone and self.delay_spread == "measured", "delay_spread: log-normal"),
        }
        findings = unread_keys(self, idle)
        if zone and self.adequate_s < NARROWEST_ZONE * self.desired_s:
            told = f"expected a delay at least 1 % shorter than the adequate one, {self.adequate_s:g} s"
            findings.append(("desired", f"{told}, got {self.desired_s:g} s"))
        if self.spread > MOST_SPREAD:
            findings.append(("spread", f"expected at most {MOST_SPREAD:g}, got {self.spread:g}"))
        if findings:
            raise findings_error(findings)
        return self
