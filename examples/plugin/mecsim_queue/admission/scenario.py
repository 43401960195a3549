"""What can be set."""

from collections.abc import Hashable
from typing import Annotated, Literal

from pydantic import Field

from mecsim.core.scenario import Scenario, Training
from mecsim.schema.fields import Duration, NotNegative, PositiveRate, Section, whole


class Episode(Section):
    """How long one episode is."""

    jobs: Annotated[int, whole(1, 1_000_000)] = Field(100, description="Jobs of an episode; each is one decision.")


class Queue(Section):
    """Who comes, and how long it takes."""

    arrival_rate_per_s: PositiveRate = Field(0.8, alias="arrival_rate", description="Rate of jobs (Poisson), a rate.")
    service_s: Duration = Field(1.0, alias="service", description="Mean of the exponential service time, a duration.")
    value_spread: NotNegative = Field(0.5, description="Deviation of the logarithm of a job's value; its median is 1.")


class AdmissionObservation(Section):
    """What the agent sees."""

    cost_features: bool = Field(True, description="Whether what each option brings at once is shown.")


class AdmissionScenario(Scenario):
    """A complete scenario of kind `admission`."""

    STEPS_KEY = "episode.jobs"
    EXAMPLE_KEYS = ("episode.jobs", "queue.service")

    kind: Literal["admission"] = Field(description="What is simulated: admission.")
    episode: Episode = Field(Episode(), description="Length of an episode.")
    queue: Queue = Field(Queue(), description="Who comes, and how long it takes.")
    objectives: tuple[Literal["time_in_system", "revenue"], ...] = Field(
        ("time_in_system", "revenue"), min_length=1, max_length=2, description="What is traded off."
    )
    observation: AdmissionObservation = Field(AdmissionObservation(), description="What the agent sees.")
    training: Training = Field(Training(steps=100_000), description="Defaults of training.")

    @property
    def steps(self) -> int:
        """Decisions of an episode."""
        return self.episode.jobs

    @property
    def data(self) -> Hashable:
        """Nothing is read from files."""
        return None

    @property
    def tape_byte(self) -> float:
        """Three floats a job."""
        return 24.0 * self.episode.jobs

    @property
    def fixed_scale(self) -> None:
        """Scales are measured."""
        return None

    @property
    def fixed_reference(self) -> None:
        """So is the reference point."""
        return None
