"""What users want: who they are, what tasks they send, and when that is decided. Parts of a scenario."""

from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from mecsim.core.laws import LAW, LAW_FIELD, LawSection
from mecsim.physics.mobility.base import MOBILITY, MobilityModel
from mecsim.physics.mobility.nowhere import Nowhere
from mecsim.physics.mobility.trace import Trace as RecordedMobility
from mecsim.physics.workload import SizeDistribution
from mecsim.schema.fields import (
    AboveOne,
    Clip,
    Distance,
    Duration,
    DurationRange,
    File,
    Finding,
    Mean,
    Positive,
    PositiveUpToOne,
    Rate,
    Section,
    Shares,
    SizeRange,
    refuse,
    unread_keys,
    whole,
)
from mecsim.schema.formats import PLAIN, Clocked, Format
from mecsim.schema.units import Uniform
from mecsim.systems.offload.data import TASK_COLUMNS, WALK_COLUMNS, read_mobility, read_tasks, unreadable


class Episode(Section):
    """How long one episode is."""

    steps: Annotated[int, whole(1, 10_000_000)] = Field(
        100, description="Decisions T of an episode: one each step, or one a task (dispatch.decide)."
    )
    step_s: Duration = Field(1.0, alias="step", description="Time Δt between two steps, a duration.")
    span_s: Duration | None = Field(
        None,
        alias="span",
        description="Time of an episode in which each task is decided, a duration: it then has the tasks that arrive "
        "in that time, however many. Null: as many tasks as steps.",
    )


class Mobility(LawSection):
    """Where users are. Without it there are no positions, and distances are drawn from the servers' ranges."""

    LAWS = MOBILITY

    model: str = Field("none", description="Where users are and how they move.")
    width_m: Distance = Field(1000.0, alias="width", description="Width of the area.")
    height_m: Distance = Field(1000.0, alias="height", description="Height of the area.")
    outside: Literal["tell", "refuse", "clip"] = Field(
        "tell",
        description="Sites and recorded positions beyond the area. tell: stay there, and commands tell how many there "
        "are. refuse: are an error. clip: are put on its border.",
    )
    law: Annotated[MobilityModel, LAW_FIELD] = Field(Nowhere(), alias=LAW, exclude=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        nowhere = (not self.law.HAS_PLACES, "model: fixed, waypoint or trace")
        findings = unread_keys(self, dict.fromkeys(("width_m", "height_m", "outside"), nowhere))
        findings += unreadable("file", read_mobility, self.file, self.format, WALK_COLUMNS)
        refuse(findings)
        return self

    @property
    def area_m(self) -> NDArray[np.float64]:
        """Width and height, (2,)."""
        return np.array([self.width_m, self.height_m])

    @property
    def file(self) -> str | None:
        """Where users were recorded, if they were."""
        return self.law.file if isinstance(self.law, RecordedMobility) else None

    @property
    def format(self) -> Format:
        """How that file is to be read."""
        return self.law.format if isinstance(self.law, RecordedMobility) else PLAIN


class Users(Section):
    """Who sends tasks."""

    count: Annotated[int, whole(1, 100_000)] = Field(10, description="Number of users U.")
    arrival_rate_per_s: Rate = Field(
        0.1, alias="arrival_rate", description="Mean rate λ at which each user sends tasks, a rate."
    )
    mobility: Mobility = Field(Mobility(), description="Where users are and how they move.")


Distribution = Literal["exponential", "deterministic", "uniform"]


class TaskSize(Section):
    """The distribution of task sizes."""

    distribution: SizeDistribution = Field(
        "exponential", description="Shape of the task size; uniform means from 0 to twice the mean."
    )
    mean_bit: Mean = Field(
        "balanced",
        alias="mean",
        description="Mean task size, a data size; balanced sets it from the load and the servers' total capacity.",
    )
    load: Positive = Field(
        1.0, description="Offered load over the servers' total capacity, for a balanced mean; 1 is critically loaded."
    )
    scv: AboveOne = Field(4.0, description="Squared coefficient of variation of the hyperexponential, above 1.")
    clip_bit: Clip = Field(
        Uniform(0.1e6, 100e6), alias="clip", description="Sizes are clipped to this range; null for no clipping."
    )

    @model_serializer(mode="wrap")
    def _write(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a load where it has no meaning, and would be refused."""
        values: dict[str, Any] = write(self)
        if self.mean_bit != "balanced":
            del values["load"]
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        hyperexponential = self.distribution == "hyperexponential"
        findings = unread_keys(self, {"scv": (not hyperexponential, "distribution: hyperexponential")})
        if self.mean_bit != "balanced":
            findings += self._check_explicit(self.mean_bit)
        refuse(findings)
        return self

    def _check_explicit(self, mean_bit: float) -> list[Finding]:
        findings: list[Finding] = []
        if "load" in self.model_fields_set:
            findings.append(("load", "has no meaning with an explicit mean, expected 'mean: balanced' or no load"))
        if self.clip_bit and not self.clip_bit.low <= mean_bit <= self.clip_bit.high:
            findings.append(("mean", "lies outside the clip range, expected a mean within it or 'clip: null'"))
        return findings


class Trace(Clocked):
    """Tasks that were recorded: an episode is a window of them."""

    file: File = Field(None, description="CSV of time, user, size and, if there are any, deadlines; null for no trace.")
    start: Literal["sequential", "random"] = Field(
        "sequential",
        description="Where an episode begins. sequential: where the last one ended; random: at a random step.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings = unread_keys(self, {"start": (self.file is None, "a file")}) + self.unread_format(self.file)
        findings += unreadable("file", read_tasks, self.file, self.format, TASK_COLUMNS)
        refuse(findings)
        return self


class Tasks(Section):
    """What users want computed."""

    size: TaskSize = Field(TaskSize(), description="Distribution of the task size L.")
    cycles_per_bit: Positive = Field(1000.0, description="CPU cycles η that one bit of a task takes.")
    cycles_distribution: Distribution = Field(
        "deterministic",
        description="Shape of a task's cycles per bit around that mean; uniform means from 0 to twice the mean.",
    )
    output_bit: SizeRange | None = Field(
        None,
        alias="output",
        description="Size of a task's result, which is sent back at the rate of the link when it is finished, or a "
        "range drawn per task; null for none.",
    )
    deadline_s: DurationRange | None = Field(
        None,
        alias="deadline",
        description="Time from arrival within which a task should finish, or a range drawn per task; null for none.",
    )
    priorities: Shares = Field(
        (1.0,), description="Share of the tasks in each priority class, the most urgent first; shares sum to 1."
    )
    trace: Trace = Field(Trace(), description="Recorded tasks instead of drawn ones.")


class Dispatch(Section):
    """When tasks are decided, and how they wait for it."""

    decide: Literal["step", "task"] = Field(
        "step",
        description="When a decision is made. step: one each step, for the head of the dispatch queue (GMORL). task: "
        "for each task as it arrives; of those that arrive at one moment one after another.",
    )
    discount_per_s: PositiveUpToOne | None = Field(
        None,
        alias="discount",
        description="Discount γ of a second where each task is decided, so that what a decision leads to counts less "
        "the later it is (a semi-Markov decision process); null: the agent's discount, for each decision.",
    )
    queue: Literal["fifo", "priority", "edf"] = Field(
        "fifo",
        description="Which waiting task is dispatched next. fifo: the oldest. priority: the oldest of the most urgent "
        "class. edf: the one with the earliest deadline.",
    )
    waiting_in_delay: bool = Field(
        False, description="Whether the delay objective includes the time in the dispatch queue."
    )
