"""The scenario: what is simulated, in SI units, checked once here so that no later layer checks it again.

Attribute names carry the units (`bandwidth_hz`); the YAML keys are the aliases without them (`bandwidth: 16.6 MHz`).
Defaults are the training space of GMORL (arXiv 2509.10474), whose symbols the descriptions name.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mecsim.scenario.fields import (
    AboveOne,
    Clip,
    DistanceRange,
    Duration,
    EdgeCount,
    Finding,
    Frequency,
    FrequencyRange,
    Level,
    LevelOrZero,
    Mean,
    Positive,
    PositiveUpToOne,
    Power,
    Rate,
    Section,
    Size,
    findings_error,
    whole,
)
from mecsim.scenario.fields import (
    Energy as EnergyQuantity,
)
from mecsim.scenario.units import CountRange, Uniform

MAX_EDGES = 256
MAX_ARRIVALS = 10_000_000
MAX_TAPE_BYTE = 2**30
BYTES_PER_LINK = 32  # distance, path loss, fading and rate of a user-server pair while an episode is drawn
BYTES_PER_TASK = 64  # size, user, step and the results of a task

Objective = Literal["delay", "energy"]


class Episode(Section):
    """How long one episode is."""

    steps: Annotated[int, whole(1, 10_000)] = Field(100, description="Decision steps T of an episode.")
    step_s: Duration = Field(1.0, alias="step", description="Time Δt between two decisions, a duration.")


class Users(Section):
    """Who sends tasks."""

    count: Annotated[int, whole(1, 100_000)] = Field(10, description="Number of users U.")
    arrival_rate_per_s: Rate = Field(
        0.1, alias="arrival_rate", description="Rate λ at which each user sends tasks (Poisson), a rate."
    )


class TaskSize(Section):
    """The distribution of task sizes."""

    distribution: Literal["exponential", "deterministic", "hyperexponential", "uniform"] = Field(
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

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mean_bit == "balanced":
            return self
        findings: list[Finding] = []
        if "load" in self.model_fields_set:
            findings.append(("load", "has no meaning with an explicit mean, expected 'mean: balanced' or no load"))
        if self.clip_bit and not self.clip_bit.low <= self.mean_bit <= self.clip_bit.high:
            findings.append(("mean", "lies outside the clip range, expected a mean within it or 'clip: null'"))
        if findings:
            raise findings_error(findings)
        return self


class Tasks(Section):
    """What users want computed."""

    size: TaskSize = Field(TaskSize(), description="Distribution of the task size L.")
    cycles_per_bit: Positive = Field(1000.0, description="CPU cycles η that one bit of a task takes.")


class Dispatch(Section):
    """How tasks wait for their decision."""

    queue: Literal["fifo"] = Field("fifo", description="Order in which waiting tasks are dispatched: first come first.")


class Cloud(Section):
    """The cloud: at most one server, far away and fast."""

    count: Annotated[Literal[0, 1], whole(0, 1)] = Field(1, description="1 with a cloud, 0 without.")
    cpu_hz: FrequencyRange = Field(
        Uniform(3.5e9, 4.5e9), alias="cpu", description="CPU frequency f_0, or a range drawn per episode."
    )
    distance_m: DistanceRange = Field(
        Uniform(1000.0, 2000.0), alias="distance", description="Distance to a user, or a range drawn per user."
    )


class Edge(Section):
    """The edge servers: near and slower."""

    count: EdgeCount = Field(CountRange(1, 8), description="Number E of edges, or [low, high] drawn per episode.")
    cpu_hz: FrequencyRange = Field(
        Uniform(1.75e9, 2.25e9), alias="cpu", description="CPU frequency f_e, or a range drawn per edge and episode."
    )
    distance_m: DistanceRange = Field(
        Uniform(50.0, 500.0), alias="distance", description="Distance to a user, or a range drawn per user and edge."
    )


class Servers(Section):
    """Where tasks can run."""

    cloud: Cloud = Field(Cloud(), description="The cloud server.")
    edge: Edge = Field(Edge(), description="The edge servers.")


class Channel(Section):
    """The radio link of a user to a server."""

    model: Literal["gmorl", "rayleigh"] = Field(
        "gmorl",
        description="gmorl: the rates that the paper relies on (hundreds of Mbit/s; its noise is normalised twice). "
        "rayleigh: a textbook link budget, thousands of times slower with the same numbers.",
    )
    bandwidth_hz: Frequency = Field(16.6e6, alias="bandwidth", description="Bandwidth W of a link.")
    tx_power_w: Power = Field(0.01, alias="tx_power", description="Transmit power p of a user, in W, mW or dBm.")
    fading: Literal["episode"] = Field("episode", description="When the Rayleigh fading is drawn: once per episode.")
    interference: Literal[False] = Field(False, description="Whether uploads to one server interfere: not modelled.")
    path_loss_slope_db: Positive = Field(
        35.0, alias="path_loss_slope", description="Path loss in dB per decade of distance, a plain number."
    )
    path_loss_at_1km_db: Level = Field(133.6, alias="path_loss_at_1km", description="Path loss at 1 km, in dB.")
    shadowing_db: LevelOrZero = Field(
        8.0,
        alias="shadowing",
        description="gmorl: a constant extra loss, in dB. rayleigh: standard deviation of log-normal shadowing, in dB.",
    )
    noise_figure_db: LevelOrZero = Field(
        0.0, alias="noise_figure", description="Noise figure of the receiver, in dB; used by rayleigh only."
    )


class Energy(Section):
    """What computing costs."""

    capacitance: PositiveUpToOne = Field(
        5e-31, description="Effective switched capacitance κ, in J·s²/cycle³: a cycle at f Hz takes κ·f² joules."
    )


class Histogram(Section):
    """The histogram of residual sizes that describes a server's backlog."""

    bins: Annotated[int, whole(1, 1000)] = Field(60, description="Number of bins; the last one is open.")
    width_bit: Size = Field(1e6, alias="width", description="Width of a bin, a data size.")


class Observation(Section):
    """What the agent sees of each server."""

    histogram: Histogram = Field(Histogram(), description="Histogram of the residual sizes on a server.")
    cost_features: bool = Field(True, description="Whether the immediate cost of choosing each server is shown.")


class ObjectiveValues(Section):
    """One value per objective and episode; lower is better."""

    delay_s: Duration | None = Field(None, alias="delay", description="Total delay of an episode, a duration.")
    energy_j: EnergyQuantity | None = Field(None, alias="energy", description="Total energy of an episode, an energy.")


class Evaluation(Section):
    """Fixed yardsticks, so that results compare across runs; left out, they are measured."""

    reference: ObjectiveValues | None = Field(None, description="Reference point of the hypervolume.")
    scale: ObjectiveValues | None = Field(None, description="Value that counts as 1 in the scalarised cost.")


class Training(Section):
    """Defaults of `mecsim train`."""

    steps: Annotated[int, whole(1, 10**12)] = Field(1_000_000, description="Environment steps to train for.")


class Scenario(Section):
    """A complete scenario. `load_scenario` reads one; the constructor takes SI values by attribute name."""

    mecsim: Annotated[Literal[1], whole(1, 1)] = Field(description="Version of this format: 1.")
    kind: Literal["offload"] = Field(description="What is simulated: offload.")
    description: str = Field("", max_length=2000, description="One line about the scenario, for listings.")
    episode: Episode = Field(Episode(), description="Length of an episode.")
    users: Users = Field(Users(), description="Who sends tasks.")
    tasks: Tasks = Field(Tasks(), description="What users want computed.")
    dispatch: Dispatch = Field(Dispatch(), description="How tasks wait for their decision.")
    servers: Servers = Field(Servers(), description="Where tasks can run.")
    channel: Channel = Field(Channel(), description="The radio link of a user to a server.")
    energy: Energy = Field(Energy(), description="What computing costs.")
    objectives: tuple[Objective, ...] = Field(
        ("delay", "energy"), min_length=1, max_length=2, description="What is traded off, in the order of preferences."
    )
    observation: Observation = Field(Observation(), description="What the agent sees of each server.")
    evaluation: Evaluation = Field(Evaluation(), description="Fixed yardsticks; left out, they are measured.")
    training: Training = Field(Training(), description="Defaults of training.")

    @property
    def max_servers(self) -> int:
        """The most servers an episode can have: the cloud, if there is one, and the edges."""
        return self.servers.cloud.count + self.servers.edge.count.high

    @property
    def expected_arrivals(self) -> float:
        """The mean number of tasks that arrive in an episode."""
        return self.users.count * self.users.arrival_rate_per_s * self.episode.steps * self.episode.step_s

    @property
    def tape_byte(self) -> float:
        """About how much memory the randomness of one episode takes."""
        links = self.users.count * (1 + self.servers.edge.count.high)
        return BYTES_PER_LINK * links + BYTES_PER_TASK * self.expected_arrivals

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings = [*_check_objectives(self), *_check_arrivals(self), *_check_memory(self)]
        if findings:
            raise findings_error(findings)
        return self


def _check_objectives(scenario: Scenario) -> list[Finding]:
    findings: list[Finding] = []
    if len(set(scenario.objectives)) < len(scenario.objectives):
        findings.append(("objectives", "expected each objective once, got one twice"))
    for block in ("reference", "scale"):
        values: ObjectiveValues | None = getattr(scenario.evaluation, block)
        given = {"delay": values.delay_s, "energy": values.energy_j} if values else {}
        findings += [
            (f"evaluation.{block}.{name}", "missing, expected a value for every objective or no block at all")
            for name in dict.fromkeys(scenario.objectives)
            if values and given[name] is None
        ]
    return findings


def _check_arrivals(scenario: Scenario) -> list[Finding]:
    if scenario.users.arrival_rate_per_s == 0 and scenario.tasks.size.mean_bit == "balanced":
        return [
            ("users.arrival_rate", "a balanced task size needs arrivals, expected a rate above 0 or an explicit mean")
        ]
    if scenario.expected_arrivals > MAX_ARRIVALS:
        limit = f"{MAX_ARRIVALS:,}"
        return [("users", f"{scenario.expected_arrivals:,.0f} tasks expected per episode, expected at most {limit}")]
    return []


def _check_memory(scenario: Scenario) -> list[Finding]:
    if scenario.tape_byte <= MAX_TAPE_BYTE or scenario.expected_arrivals > MAX_ARRIVALS:  # the latter is said already
        return []
    cure = "expected at most 1 GiB: fewer users, edges or arrivals"
    return [("users.count", f"one episode needs about {scenario.tape_byte / 2**30:.1f} GiB of memory, {cure}")]
