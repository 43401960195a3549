"""How satisfied people are with what they get. A part of a scenario."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, SerializationInfo, ValidationInfo, model_validator

from mecsim.core.laws import LAW, LAW_FIELD, LawSection
from mecsim.people.forms.base import RATE_FORMS, RateForm
from mecsim.people.forms.logistic import LogisticForm
from mecsim.people.forms.zone import ZoneForm
from mecsim.schema.fields import NotNegative, absolute_path, file_text, refuse, unread_keys
from mecsim.schema.units import show
from mecsim.schema.words import nearest

PREDICTORS = ("oracle", "typical")


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


def _predictor_text(value: str, info: SerializationInfo) -> str:
    return value if value in PREDICTORS else file_text(value, info)


class Satisfaction(LawSection):
    """How satisfied people are, from 0 to 5."""

    LAWS = RATE_FORMS
    CHOICE = "form"

    form: str = Field("zone", description="How a rating depends on quality.")
    spread: NotNegative = Field(
        0.25, description="How people of a persona differ: deviation of the logarithms of their levels (log-normal)."
    )
    noise: Literal["normal", "sos"] = Field(
        "normal",
        description="How what people say scatters around what they feel. normal: with one deviation. sos: with the "
        "variance a·(−m² + 6m − 5) of the mean rating m on a scale from 1 to 5, so least at the ends.",
    )
    noise_deviation: NotNegative = Field(0.3, description="normal: deviation of a rating, of 5; 0 for none.")
    sos: NotNegative = Field(0.25, description="sos: the factor a, in studies of web and video about 0.25 to 0.32.")
    predictor: Annotated[str, BeforeValidator(_predictor), PlainSerializer(_predictor_text, when_used="json")] = Field(
        "oracle",
        description="What decides knows about people. oracle: all. typical: their persona, but not how they differ "
        "from it. Or the path of a file that mecsim fit wrote.",
    )

    law: Annotated[RateForm, LAW_FIELD] = Field(ZoneForm(), alias=LAW, exclude=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        idle = {  # keys that nothing reads, and what would read them
            "noise_deviation": (self.noise != "normal", "noise: normal"),
            "sos": (self.noise != "sos", "noise: sos"),
        }
        findings = unread_keys(self, idle)
        refuse(findings)
        return self

    @property
    def predictor_file(self) -> Path | None:
        """The file of the predictor, if it has one."""
        return None if self.predictor in PREDICTORS else Path(self.predictor)

    @property
    def delay_spread(self) -> Literal["measured", "log-normal"]:
        """How people differ in what delays satisfy them, even where no delay is rated."""
        return self.law.delay_spread if isinstance(self.law, LogisticForm) else "measured"
