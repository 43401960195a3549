"""By which law something arrives. A part of the scenarios of all systems."""

from typing import Annotated

from pydantic import Field

from mecsim.core.laws import LAW, LAW_FIELD, LawSection
from mecsim.physics.arrivals.base import ARRIVALS, ArrivalLaw
from mecsim.physics.arrivals.poisson import PoissonArrivals


class Arrivals(LawSection):
    """The process of arrivals; its mean rate follows from other keys."""

    LAWS = ARRIVALS

    model: str = Field("poisson", description="The law of arrivals.")
    law: Annotated[ArrivalLaw, LAW_FIELD] = Field(PoissonArrivals(), alias=LAW, exclude=True)
