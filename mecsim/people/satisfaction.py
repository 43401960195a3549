"""How satisfied people are with what they get. A part of a scenario."""

import os
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from mecsim.schema.fields import Duration, NotNegative, Positive, Section, absolute_path, findings_error, unread_keys
from mecsim.schema.units import show
from mecsim.schema.words import nearest

PREDICTORS = ("oracle", "typical")
WAIT_AT_DEMAND_S = {"logistic": 0.1, "iqx": 1.0}  # a part of a page, a page


def _predictor(value: Any, info: ValidationInfo) -> str:
    """`oracle`, `typical`, or the absolute path of a file. Whether the file is there is asked when it is read."""
    if isinstance(value, str) and value in PREDICTORS:
        return value
    expected = "expected oracle, typical or the path of a file that mecsim fit wrote"
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"{expected}, got {show(value)}")
    if "." not in value and os.sep not in value:  # a word, and no file is called so
        raise ValueError(f"{expected}, got {show(value)}, {nearest(value, list(PREDICTORS))}")
    return str(absolute_path(value, info))


class Satisfaction(Section):
    """How satisfied people are, from 0 to 5."""

    form: Literal["zone", "power", "logistic", "iqx"] = Field(
        "zone",
        description="How a rating depends on quality. zone: lines through 2 at the adequate and 4 at the desired level "
        "of the logarithmic rate (zone of tolerance). power: 5·x^λ, x being the rate between minimum and demand. "
        "logistic, iqx: of the delay, which is the wait at the demanded rate, prolonged as the rate is lower.",
    )
    spread: NotNegative = Field(
        0.25, description="How people of a persona differ: deviation of the logarithms of their levels (log-normal)."
    )
    delay_spread: Literal["measured", "log-normal"] = Field(
        "measured",
        description="logistic: how people of a persona differ. measured: as 28 people of a study did. "
        "log-normal: by the spread.",
    )
    slope_below: Positive = Field(
        1.0, description="zone: slope below the adequate level, relative to that inside the zone."
    )
    slope_above: Positive = Field(
        1.0, description="zone: slope above the desired level, relative to that inside the zone."
    )
    wait_at_demand_s: Duration | None = Field(
        None,
        alias="wait_at_demand",
        description="logistic, iqx: delay at the demanded rate; null: 0.1 s for logistic, 1 s for iqx.",
    )
    noise: Literal["normal", "sos"] = Field(
        "normal",
        description="How what people say scatters around what they feel. normal: with one deviation. sos: with the "
        "variance a·(−m² + 6m − 5) of the mean rating m on a scale from 1 to 5, so least at the ends.",
    )
    noise_deviation: NotNegative = Field(0.3, description="normal: deviation of a rating, of 5; 0 for none.")
    sos: NotNegative = Field(0.25, description="sos: the factor a, in studies of web and video about 0.25 to 0.32.")
    predictor: Annotated[str, BeforeValidator(_predictor)] = Field(
        "oracle",
        description="What decides knows about people. oracle: all. typical: their persona, but not how they differ "
        "from it. Or the path of a file that mecsim fit wrote.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        idle = {  # keys that nothing reads, and what would read them
            "delay_spread": (self.form != "logistic", "form: logistic"),
            "slope_below": (self.form != "zone", "form: zone"),
            "slope_above": (self.form != "zone", "form: zone"),
            "wait_at_demand_s": (self.form not in WAIT_AT_DEMAND_S, "form: logistic or iqx"),
            "noise_deviation": (self.noise != "normal", "noise: normal"),
            "sos": (self.noise != "sos", "noise: sos"),
        }
        findings = unread_keys(self, idle)
        if findings:
            raise findings_error(findings)
        return self

    @property
    def wait_s(self) -> float:
        """Delay at the demanded rate of the forms that rate a delay."""
        return self.wait_at_demand_s or WAIT_AT_DEMAND_S.get(self.form, 0.0)
