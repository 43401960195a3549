"""People who remember: what they got makes what they expect, and who is let down too often leaves. Part of a scenario.

What someone got is the position x of the given rate, 0 (the minimum, or a rejection) to 1 (the demanded one). A person
is used to a position that lies s above the middle of the own zone at rest; s starts at 0 and follows each session,

    s ← s + rate · ((x − middle) − s)

with one rate for what is better than what one is used to (`rise`) and one for what is worse (`fall`): expectations are
weighted means of earlier ones and of what was perceived last (Boulding, Kalra, Staelin and Zeithaml 1993), and habits
form faster than they are given up (Duesenberry 1949). The adequate and the desired level move by shares of s.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mecsim.schema.fields import Finding, NotNegativeUpToOne, Section, refuse, unread_keys, whole
from mecsim.schema.mappings import Entry, Frozen, FrozenDict, named, unknown_names

MAX_WINDOW = 62  # sessions, as compiled code keeps them as the bits of a number

Combination = Literal["mean", "peak_end", "last"]
COMBINATIONS: tuple[Combination, ...] = ("mean", "peak_end", "last")


class Pace(Entry):
    """How fast people get used to what they get."""

    rise: NotNegativeUpToOne = Field(0.3, description="Weight of a session that is better than what one is used to.")
    fall: NotNegativeUpToOne = Field(0.1, description="Weight of a session that is worse than that.")


class Churn(Section):
    """When people leave: they ask for nothing any more in the episode."""

    below: Annotated[int, whole(1, MAX_WINDOW)] = Field(
        3, description="Who was below the zone so often in the window leaves; a rejection is below it."
    )
    window: Annotated[int, whole(1, MAX_WINDOW)] = Field(5, description="Latest sessions that count.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.below > self.window:
            refuse([("below", f"expected at most the window, {self.window}, got {self.below}")])
        return self


class Memory(Pace):
    """What people remember of an episode's sessions."""

    adequate: NotNegativeUpToOne = Field(
        1.0, description="Share by which the adequate level follows what one is used to."
    )
    desired: NotNegativeUpToOne = Field(
        0.5, description="Share by which the desired level does, which changes less readily than the adequate one."
    )
    ratings: Combination = Field(
        "mean",
        description="What is left of a person's ratings. mean: their mean. peak_end: the mean of the last one and of "
        "the one furthest from 2.5. last: the mean of the last ones.",
    )
    last: Annotated[int, whole(1, MAX_WINDOW)] = Field(3, description="last: how many ratings count.")
    churn: Churn | None = Field(Churn(), description="When people leave; null: nobody does.")
    personas: Annotated[dict[str, Pace], named("personas", "professional", least=0), Frozen] = Field(
        FrozenDict(), description="Personas that get used to things at another pace."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(unread_keys(self, {"last": (self.ratings != "last", "ratings: last")}))
        return self

    def unknown_personas(self, known: Sequence[str]) -> list[Finding]:
        """A finding for each persona that is not among `known`."""
        return unknown_names(self.personas, known, "persona", "personas.")

    def paces(self, personas: Sequence[str]) -> NDArray[np.float64]:
        """Rise and fall of each persona, (personas, 2)."""
        own = [self.personas.get(name, self) for name in personas]
        return np.array([(pace.rise, pace.fall) for pace in own], np.float64).reshape(len(own), 2)
