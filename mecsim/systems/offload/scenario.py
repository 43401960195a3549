"""The scenario: what is simulated, in SI units, checked once here so that no later layer checks it again.

Attribute names carry the units (`bandwidth_hz`); the YAML keys are the aliases without them (`bandwidth: 16.6 MHz`).
Defaults are the training space of GMORL (arXiv 2509.10474), whose symbols the descriptions name.
"""

from collections.abc import Mapping, Sequence
from math import ceil, inf, sqrt
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from mecsim.core.rating import TOP_RATING
from mecsim.core.scenario import MAX_TAPE_BYTE, Scenario, Training
from mecsim.physics.arrivals.section import Arrivals
from mecsim.physics.delay_satisfaction import DelaySatisfaction
from mecsim.schema.fields import (
    Duration,
    Finding,
    NotNegative,
    Positive,
    PositiveUpToOne,
    Section,
    Size,
    refuse,
    whole,
)
from mecsim.schema.fields import Energy as EnergyQuantity
from mecsim.systems.offload.area import area_remarks
from mecsim.systems.offload.checks import check_data, check_effects, check_options, check_urgency
from mecsim.systems.offload.data import (
    MobilityTrace,
    Positions,
    Sites,
    TaskTrace,
    most_in_span,
    most_in_window,
    outrun,
    read_mobility,
    read_sites,
    read_tasks,
)
from mecsim.systems.offload.demand import Dispatch, Episode, Tasks, Users
from mecsim.systems.offload.network import Channel, Energy, Servers

MAX_ARRIVALS = 10_000_000
WAITING_SHARE = 0.05
SPARE_DEVIATIONS, SPARE_TASKS = 6.0, 16  # beyond the mean number of tasks of a span: more come never
BYTES_PER_LINK = 32  # distance, path loss, fading and rate of a user-server pair while an episode is drawn
BYTES_PER_CHANGING_LINK = 96  # also line of sight, shadowing and a complex field, for each task
BYTES_PER_TASK = 64  # size, user, step and the results of a task
BYTES_PER_STEP = 16
BYTES_PER_POINT = 32  # of a path in time and space

Objective = Literal["delay", "energy", "satisfaction", "misses", "price"]


class Histogram(Section):
    """The histogram of residual sizes that describes a server's backlog."""

    bins: Annotated[int, whole(1, 1000)] = Field(60, description="Number of bins; the last one is open.")
    width_bit: Size = Field(1e6, alias="width", description="Width of a bin, a data size.")


class Observation(Section):
    """What the agent sees of each server, and of the dispatch queue."""

    histogram: Histogram = Field(Histogram(), description="Histogram of the residual sizes on a server.")
    cost_features: bool = Field(True, description="Whether the immediate cost of choosing each server is shown.")
    upcoming: Annotated[int, whole(0, 64)] = Field(
        0, description="Tasks behind the head of the dispatch queue whose sizes are shown."
    )


class ObjectiveValues(Section):
    """One value per objective and episode; lower is better, but for satisfaction."""

    delay_s: Duration | None = Field(None, alias="delay", description="Total delay of an episode, a duration.")
    energy_j: EnergyQuantity | None = Field(None, alias="energy", description="Total energy of an episode, an energy.")
    satisfaction: NotNegative | None = Field(None, description="Mean satisfaction of the tasks of an episode, 0 to 5.")
    misses: PositiveUpToOne | None = Field(None, description="Share of the tasks of an episode that are late.")
    price: Positive | None = Field(None, description="Total price of an episode.")

    def of(self, objectives: Sequence[str]) -> tuple[float, ...]:
        """The values of these objectives, all of which have one."""
        values = self.given
        return tuple(value for name in objectives if (value := values[name]) is not None)

    @property
    def given(self) -> dict[str, float | None]:
        """By the name of the objective."""
        own = {"delay": self.delay_s, "energy": self.energy_j, "satisfaction": self.satisfaction}
        return own | {"misses": self.misses, "price": self.price}


class Evaluation(Section):
    """Fixed yardsticks, so that results compare across runs; left out, they are measured."""

    reference: ObjectiveValues | None = Field(None, description="Reference point of the hypervolume.")
    scale: ObjectiveValues | None = Field(None, description="Value that counts as 1 in the scalarised cost.")


class OffloadScenario(Scenario):
    """A complete scenario. `load_scenario` reads one; the constructor takes SI values by attribute name."""

    SHORT_KEYS = {"edges": "servers.edge.count"}  # noqa: RUF012  (pydantic keeps it off the fields)
    STEPS_KEY = "episode.steps"
    EXAMPLE_KEYS = ("edges", "servers.edge.cpu")

    kind: Literal["offload"] = Field(description="What is simulated: offload.")
    episode: Episode = Field(Episode(), description="Length of an episode.")
    users: Users = Field(Users(), description="Who sends tasks.")
    arrivals: Arrivals = Field(
        Arrivals(), description="By which law tasks arrive; users.count and users.arrival_rate set their rate."
    )
    tasks: Tasks = Field(Tasks(), description="What users want computed.")
    dispatch: Dispatch = Field(Dispatch(), description="How tasks wait for their decision.")
    servers: Servers = Field(Servers(), description="Where tasks can run.")
    channel: Channel = Field(Channel(), description="The radio link of a user to a server.")
    energy: Energy = Field(Energy(), description="What computing costs.")
    satisfaction: DelaySatisfaction | None = Field(
        None, description="How satisfied users are with the delays of their tasks; null where that is not modelled."
    )
    objectives: tuple[Objective, ...] = Field(
        ("delay", "energy"),
        min_length=1,
        max_length=5,
        description="What is traded off, in the order of preferences; satisfaction needs the section of that name, "
        "misses need deadlines, price a server that has one.",
    )
    observation: Observation = Field(Observation(), description="What the agent sees of each server.")
    evaluation: Evaluation = Field(Evaluation(), description="Fixed yardsticks; left out, they are measured.")
    training: Training = Field(Training(), description="Defaults of training.")

    @property
    def steps(self) -> int:
        """T: the most decisions of an episode."""
        if self.episode.span_s is None:
            return self.episode.steps
        if self.task_trace:
            return most_in_span(self.task_trace, self.episode.span_s, self.tasks.trace.start == "sequential") + 1
        mean = self.arrival_rate_per_s * self.episode.span_s
        return ceil(mean + SPARE_DEVIATIONS * sqrt(self.arrivals.law.dispersion * mean)) + SPARE_TASKS

    @property
    def per_task(self) -> bool:
        """Whether each task is decided when it arrives, rather than one each step."""
        return self.dispatch.decide == "task"

    @property
    def arrival_rate_per_s(self) -> float:
        """At which tasks arrive on average, of all users together; of recorded ones over the whole trace."""
        trace = self.task_trace
        if trace is None:
            return self.users.count * self.users.arrival_rate_per_s
        recorded_s = float(np.ptp(trace.time_s))
        return len(trace.time_s) / recorded_s if recorded_s > 0.0 else inf

    @property
    def expected_span_s(self) -> float:
        """The time from the beginning of an episode to its end; where it ends with a number of tasks, on average."""
        if self.episode.span_s is not None:
            return self.episode.span_s
        return self.episode.steps * (1.0 / self.arrival_rate_per_s if self.per_task else self.episode.step_s)

    @property
    def fixed_scale(self) -> tuple[float, ...] | None:
        """See `Scenario`."""
        return None if self.evaluation.scale is None else self.evaluation.scale.of(self.objectives)

    @property
    def fixed_reference(self) -> tuple[tuple[float, ...], str] | None:
        """See `Scenario`."""
        given = self.evaluation.reference
        return None if given is None else (given.of(self.objectives), "given by the scenario")

    def remarks(self) -> list[str]:
        """See `Scenario`."""
        return [*self._outrunning(), *area_remarks(self)]

    def _outrunning(self) -> list[str]:
        """Arrivals that outrun a dispatch each step."""
        if self.per_task:
            return []
        if self.task_trace:
            peak, waiting, waited_s = outrun(self.task_trace, self.episode.step_s)
            if waiting <= WAITING_SHARE:
                return []
            return [
                f"up to {peak} tasks arrive in a step, which dispatches one: {waiting:.0%} of them wait for a later "
                f"one, on average {waited_s:.3g} s; choose dispatch.decide: task, or lower episode.step"
            ]
        each_step = self.arrival_rate_per_s * self.episode.step_s
        if each_step <= 1.0:
            return []
        lost = 1.0 - 1.0 / each_step
        return [
            f"{each_step:.3g} tasks arrive in a step, which dispatches one: in the long run {lost:.0%} of them are "
            "never dispatched; choose dispatch.decide: task, or lower users.arrival_rate or episode.step"
        ]

    @classmethod
    def adapt(cls, root: dict[str, Any], assigned: Mapping[str, Any]) -> None:
        """A new mean size starts without a load, which only a balanced one has; new sites have as many edges.

        What is taken away takes with it what would have no meaning any more.
        """
        servers, tasks = root["servers"], root["tasks"]
        if "tasks.size.mean" in assigned:
            tasks["size"].pop("load", None)
        if assigned.get("tasks.trace.file"):
            tasks["size"] = {}
            del root["users"]["arrival_rate"]
        if assigned.get("servers.cloud.count") == 0:
            servers["cloud"] = {}
            del root["energy"]["cloud_power"]
        if assigned.get("users.mobility.model", "none") != "none":
            servers.get("edge", {}).pop("distance", None)
        if assigned.get("channel.model") == "gmorl":
            del root["channel"]["noise_figure"]
        if assigned.get("servers.edges"):
            servers.pop("edge", None)
        if assigned.get("dispatch.decide") == "task":
            del root["episode"]["step"]
        if assigned.get("episode.span"):
            del root["episode"]["steps"]
        if assigned.get("dispatch.decide") == "step":
            del root["episode"]["span"], root["dispatch"]["discount"]
        if assigned.get("servers.edge.sites") and "servers.edge.count" not in assigned:
            servers.get("edge", {}).pop("count", None)

    @property
    def max_servers(self) -> int:
        """The most servers an episode can have: the cloud, if there is one, and the edges."""
        return self.servers.cloud.count + self.servers.edge_count.high

    @property
    def max_options(self) -> int:
        """The most choices for a task: every server, and the user's own device, where tasks can run there."""
        return self.max_servers + (self.servers.device is not None)

    @property
    def has_classes(self) -> bool:
        """Whether tasks differ in priority."""
        return self.priority_classes > 1

    @property
    def priority_classes(self) -> int:
        """The number of priority classes of tasks; class 0 is the most urgent."""
        recorded = self.task_trace.classes if self.task_trace else None
        return recorded or len(self.tasks.priorities)

    @property
    def has_deadlines(self) -> bool:
        """Whether tasks have deadlines."""
        recorded = self.task_trace is not None and self.task_trace.deadline_s is not None
        return recorded or self.tasks.deadline_s is not None

    @property
    def has_work(self) -> bool:
        """Whether tasks differ in the cycles that a bit of them takes."""
        recorded = self.task_trace is not None and self.task_trace.cycles_per_bit is not None
        return recorded or self.tasks.cycles_distribution != "deterministic"

    @property
    def has_output(self) -> bool:
        """Whether tasks have results to bring back."""
        recorded = self.task_trace is not None and self.task_trace.output_bit is not None
        return recorded or self.tasks.output_bit is not None

    @property
    def task_trace(self) -> TaskTrace | None:
        """The recorded tasks, if there are any. Raises ScenarioError if their file has gone or changed for the worse.

        So do `mobility_trace`, `site_file` and `sites`, and what depends on them.
        """
        trace = self.tasks.trace
        return read_tasks(trace.file, trace.format) if trace.file else None

    @property
    def mobility_trace(self) -> MobilityTrace | None:
        """The recorded positions of users, if there are any."""
        mobility = self.users.mobility
        return read_mobility(mobility.file, mobility.format) if mobility.file else None

    @property
    def site_file(self) -> Sites | None:
        """The file of sites, if there is one."""
        edge = self.servers.edge
        return read_sites(edge.sites, edge.format) if edge.sites else None

    @property
    def own_sites(self) -> Sites | None:
        """The same, if each site has its edge in all episodes, so that what it says of a site is said of an edge."""
        sites, count = self.site_file, self.servers.edge_count
        return sites if sites and count.low == count.high == len(sites.values) else None

    @property
    def sites(self) -> Positions | None:
        """Where edges stand, if that is given."""
        return self.servers.places or self.site_file

    @property
    def data(self) -> tuple[TaskTrace | None, MobilityTrace | None, Sites | None]:
        """All that was read from files: other objects once a file has changed, although the scenario is equal."""
        return self.task_trace, self.mobility_trace, self.site_file

    @property
    def users_move(self) -> bool:
        """Whether users change their places within an episode."""
        return self.users.mobility.law.MOVES

    @property
    def link_per_task(self) -> bool:
        """Whether links change within an episode, so that each task has its own instead of its user's."""
        return self.users_move or self.channel.fading != "episode"

    @property
    def expected_arrivals(self) -> float:
        """The mean number of tasks that arrive in an episode; of recorded ones the most that a window has."""
        if self.task_trace:
            if self.per_task:
                return float(self.steps)
            aligned = self.tasks.trace.start == "sequential"
            return float(most_in_window(self.task_trace, self.episode.step_s, self.episode.steps, aligned))
        return self.arrival_rate_per_s * self.expected_span_s

    @property
    def tape_byte(self) -> float:
        """About how much memory the randomness of one episode takes."""
        tasks, servers = self.expected_arrivals, 1 + self.servers.edge_count.high
        link_byte: float = BYTES_PER_LINK * self.users.count * servers
        if self.link_per_task:
            link_byte += BYTES_PER_CHANGING_LINK * tasks * servers
        return link_byte + self._walks_byte + BYTES_PER_TASK * tasks + BYTES_PER_STEP * self.steps

    @property
    def _walks_byte(self) -> float:
        """About how much memory the walks of an episode take."""
        points = self.users.mobility.law.points(self.expected_span_s, self.users.mobility.area_m)
        return BYTES_PER_POINT * points * self.users.count

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings = [*_check_objectives(self), *check_options(self), *check_effects(self), *check_data(self)]
        if not findings:  # what follows reads the files
            findings = [*check_urgency(self), *_check_arrivals(self), *_check_memory(self)]
        refuse(findings)
        return self


def _check_objectives(scenario: OffloadScenario) -> list[Finding]:
    findings: list[Finding] = []
    if len(set(scenario.objectives)) < len(scenario.objectives):
        findings.append(("objectives", "expected each objective once, got one twice"))
    if "satisfaction" in scenario.objectives and scenario.satisfaction is None:
        findings.append(
            ("objectives", "satisfaction is not modelled, expected a section of that name or other objectives")
        )
    if "price" in scenario.objectives and not scenario.servers.priced:
        findings.append(("objectives", "no server has a price, expected one, or other objectives"))
    for block in ("reference", "scale"):
        values: ObjectiveValues | None = getattr(scenario.evaluation, block)
        if values is None:
            continue
        given = values.given
        if (values.satisfaction or 0.0) > TOP_RATING or (block == "scale" and values.satisfaction == 0.0):
            told = f"from 0 to {TOP_RATING:g}" if block == "reference" else f"above 0 and up to {TOP_RATING:g}"
            findings.append((f"evaluation.{block}.satisfaction", f"expected {told}, got {values.satisfaction:g}"))
        findings += [
            (f"evaluation.{block}.{name}", "missing, expected a value for every objective or no block at all")
            for name in dict.fromkeys(scenario.objectives)
            if given[name] is None
        ]
    return findings


def _check_arrivals(scenario: OffloadScenario) -> list[Finding]:
    drawn = scenario.task_trace is None
    if drawn and scenario.users.arrival_rate_per_s == 0 and scenario.tasks.size.mean_bit == "balanced":
        return [
            ("users.arrival_rate", "a balanced task size needs arrivals, expected a rate above 0 or an explicit mean")
        ]
    if scenario.expected_arrivals > MAX_ARRIVALS:
        limit = f"{MAX_ARRIVALS:,}"
        return [("users", f"{scenario.expected_arrivals:,.0f} tasks expected per episode, expected at most {limit}")]
    return []


def _check_memory(scenario: OffloadScenario) -> list[Finding]:
    if scenario.tape_byte <= MAX_TAPE_BYTE or scenario.expected_arrivals > MAX_ARRIVALS:  # the latter is said already
        return []
    cure = "expected at most 1 GiB: fewer users, edges or arrivals, or shorter episodes"
    return [("users.count", f"one episode needs about {scenario.tape_byte / 2**30:.1f} GiB of memory, {cure}")]
