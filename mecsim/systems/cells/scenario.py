"""The scenario of a personalized network: users ask cells for sessions, each is served at some quality or rejected.

In SI units and checked here, as `OffloadScenario` is. After Alkurd, Abualhaol and Yanikomeroglu (arXiv 2306.04887 and
2307.03867), who describe the network and not its numbers: these are ours.
"""

from collections.abc import Callable, Hashable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mecsim.core.laws import LAW, LAW_FIELD, LawSection
from mecsim.core.plugins import Reference
from mecsim.core.scenario import MAX_TAPE_BYTE, Scenario, Training
from mecsim.errors import InputError
from mecsim.people.forms.zone import ZoneForm
from mecsim.people.known import KnownPeople, read_people
from mecsim.people.memory import Memory
from mecsim.people.population import Population
from mecsim.people.satisfaction import Satisfaction
from mecsim.physics.arrivals.section import Arrivals
from mecsim.physics.channel.base import CHANNELS, ChannelModel
from mecsim.physics.channel.urban import UrbanMacro
from mecsim.schema.fields import (
    Distance,
    File,
    Finding,
    Frequency,
    LevelOrZero,
    Positive,
    Power,
    Section,
    refuse,
    unread_keys,
    whole,
)

BYTES_PER_REQUEST = 128  # what is known of a request before its links and levels
BYTES_PER_LINK = 32  # of a user to a cell
BYTES_PER_LEVEL = 24

CellsObjective = Literal["satisfaction", "saved_resources", "satisfied_users", "churn"]
REMEMBERED = ("satisfied_users", "churn")  # objectives that people have who remember


class CellsEpisode(Section):
    """How long one episode is, and when in the week it takes place."""

    requests: Annotated[int, whole(1, 10_000_000)] = Field(
        200, description="Requests of an episode; each is one decision."
    )
    day: Literal["any", "weekday", "weekend"] = Field(
        "weekday", description="The days on which an episode may begin; any: a weekday five times in seven."
    )
    hours: tuple[Annotated[int, whole(0, 24)], Annotated[int, whole(0, 24)]] = Field(
        (17, 21), description="Between which hours of the day it begins; the context of all its requests is of then."
    )

    @property
    def steps(self) -> int:
        """Decisions of an episode, as other kinds of scenarios call them."""
        return self.requests


class CellsUsers(Section):
    """Who asks."""

    count: Annotated[int, whole(1, 1_000_000)] = Field(50, description="Users in all cells together.")
    seed: Annotated[int, whole(0, 2**63 - 1)] | None = Field(
        None, description="null: other people in every episode; a number: those of `mecsim dataset --seed` of it."
    )
    from_file: File = Field(
        None,
        alias="from",
        description="CSV file of people whom `mecsim fit` found in a log: the users are the first `count` of them, "
        "without a count all; null: they are drawn.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.from_file is None:
            return self
        if self.seed is not None:
            refuse([("seed", "has no meaning here, expected no users.from or the default")])
        try:
            people = len(read_people(self.from_file))
        except InputError as error:
            refuse([("from", str(error))])
        if "count" not in self.model_fields_set:
            return self.model_copy(update={"count": people})
        if self.count > people:
            refuse([("count", f"expected at most as many as there are in {self.from_file}, {people}")])
        return self


class Service(Section):
    """What is asked of the cells, and at how many qualities they serve it."""

    levels: Annotated[int, whole(2, 64)] = Field(
        5, description="Rates from the minimum to the demanded one at which a request can be served."
    )
    load: Positive = Field(
        13.0, description="Offered load of each cell in erlangs: arrival rate times mean duration, a plain number."
    )


class Cells(Section):
    """The base stations."""

    count: Annotated[int, whole(1, 127)] = Field(
        1, description="Cells; beyond the first one they stand around it in rings of hexagons."
    )
    blocks: Annotated[int, whole(1, 10_000)] = Field(50, description="Resource blocks of each cell.")
    block_bandwidth_hz: Frequency = Field(180e3, alias="block_bandwidth", description="Bandwidth of a resource block.")
    distance_m: Distance = Field(800.0, alias="distance", description="Distance of neighbouring cells.")
    candidates: Annotated[int, whole(1, 127)] = Field(
        1, description="From how many cells, those with the strongest signal, a request may be served."
    )


class Radio(LawSection):
    """The radio link from a cell to a user."""

    LAWS = CHANNELS
    DEFAULTS = {"carrier": "2 GHz"}  # noqa: RUF012  (pydantic keeps it off the fields)

    model: str = Field("uma", description="The channel model.")
    tx_power_w: Power = Field(
        20.0, alias="tx_power", description="Transmit power of a cell over all its blocks, in W, mW or dBm."
    )
    noise_figure_db: LevelOrZero = Field(
        9.0, alias="noise_figure", description="Noise figure of a device, in dB; not used by gmorl."
    )
    fading: Literal["none", "rayleigh"] = Field(
        "rayleigh", description="Fading of a request's links, drawn once for its session."
    )
    interference: bool = Field(
        True, description="Whether the other cells disturb a link; they are taken to send on all their blocks."
    )
    law: Annotated[ChannelModel, LAW_FIELD] = Field(UrbanMacro(carrier_hz=2e9), alias=LAW, exclude=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        unread = not self.law.USES_NOISE_FIGURE
        refuse(unread_keys(self, {"noise_figure_db": (unread, "model: rayleigh, uma or umi")}))
        return self


class ResidualHistogram(Section):
    """The histogram of the block-seconds that active sessions have still to get."""

    bins: Annotated[int, whole(1, 1000)] = Field(20, description="Number of bins; the last one is open.")
    width_block_s: Positive = Field(
        100.0, alias="width", description="Width of a bin in block-seconds, a plain number."
    )


class CellsObservation(Section):
    """What the agent sees."""

    residual: ResidualHistogram = Field(
        ResidualHistogram(), description="Histogram of the residual block-seconds of active sessions."
    )
    rating_bins: Annotated[int, whole(1, 1000)] = Field(
        10, description="Bins of the histogram of users' mean satisfaction so far, from 0 to 5."
    )
    cost_features: bool = Field(True, description="Whether what choosing each option brings at once is shown.")


class CellsValues(Section):
    """One value per objective; higher is better."""

    satisfaction: Positive | None = Field(None, description="Mean satisfaction of the requests of an episode, 0 to 5.")
    saved_resources: Positive | None = Field(
        None, description="Share of the demanded block-seconds of an episode that is saved."
    )
    satisfied_users: Positive | None = Field(None, description="Share of the users who are satisfied with an episode.")
    churn: Positive | None = Field(None, description="Share of the users who leave in an episode.")


class CellsEvaluation(Section):
    """Fixed yardsticks, so that results compare across runs; left out, they are measured."""

    scale: CellsValues | None = Field(None, description="Differences that count as 1 in the scalarised cost.")


# These know scenarios, and compile, which reading one does not need.
_NUMBERS_IN_LOG: Reference[Callable[["CellsScenario"], object]] = Reference("mecsim.systems.cells.users:numbers_in_log")
_UNKNOWN_USERS: Reference[Callable[["CellsScenario"], int]] = Reference("mecsim.systems.cells.users:unknown_users")


class CellsScenario(Scenario):
    """A complete scenario of kind `cells`."""

    STEPS_KEY = "episode.requests"
    EXAMPLE_KEYS = ("users.count", "cells.blocks")

    kind: Literal["cells"] = Field(description="What is simulated: cells.")
    episode: CellsEpisode = Field(CellsEpisode(), description="Length and time of an episode.")
    users: CellsUsers = Field(CellsUsers(), description="Who asks.")
    arrivals: Arrivals = Field(Arrivals(), description="By which law requests arrive; service.load sets their rate.")
    service: Service = Field(Service(), description="What is asked, and at which qualities it is served.")
    cells: Cells = Field(Cells(), description="The base stations.")
    radio: Radio = Field(Radio(), description="The radio link from a cell to a user.")
    population: Population = Field(Population(), description="Who the users are, and what they do.")
    satisfaction: Satisfaction = Field(Satisfaction(), description="What quality satisfies whom.")
    memory: Memory | None = Field(
        None, description="What people remember of what they got; null: nothing, each session is judged by itself."
    )
    objectives: tuple[CellsObjective, ...] = Field(
        ("satisfaction", "saved_resources"),
        min_length=1,
        max_length=4,
        description="What is traded off, in the order of preferences.",
    )
    observation: CellsObservation = Field(CellsObservation(), description="What the agent sees.")
    evaluation: CellsEvaluation = Field(CellsEvaluation(), description="Fixed yardsticks; left out, they are measured.")
    training: Training = Field(Training(), description="Defaults of training.")

    @property
    def steps(self) -> int:
        """M."""
        return self.episode.requests

    @property
    def levels(self) -> int:
        """K."""
        return self.service.levels

    @property
    def fixed_scale(self) -> tuple[float, ...] | None:
        """See `Scenario`."""
        given = self.evaluation.scale
        return None if given is None else tuple(getattr(given, name) for name in self.objectives)

    @property
    def fixed_reference(self) -> tuple[tuple[float, ...], str]:
        """See `Scenario`."""
        worst = tuple(1.0 if name == "churn" else 0.0 for name in self.objectives)
        return worst, "nobody satisfied, nothing saved" + (", all gone" if 1.0 in worst else "")

    @property
    def data(self) -> Hashable:
        """What was read from files: people, and the predictor, which is read when it is used."""
        return self.satisfaction.predictor, self.known_people

    def check_needs(self) -> list[Finding]:
        """See `Scenario`: a predictor that knows these people and suits their population."""
        path = self.satisfaction.predictor_file
        if path is None:
            return []
        from mecsim.predictor.prediction import check_predictor  # compiles, which reading a scenario does not need

        try:
            check_predictor(path, self.population)
            _NUMBERS_IN_LOG.load()(self)
        except InputError as error:
            return [("satisfaction.predictor", str(error))]
        return []

    def remarks(self) -> list[str]:
        """See `Scenario`."""
        strangers, users = _UNKNOWN_USERS.load()(self), self.users.count
        return [f"{strangers} of {users} users are unknown to the predictor: taken for strangers"] if strangers else []

    @property
    def known_people(self) -> KnownPeople | None:
        """The people of `users.from`, if it is given.

        Raises:
            InputError: the file cannot be read, or has fewer of them than before.
        """
        if self.users.from_file is None:
            return None
        people = read_people(self.users.from_file)
        if len(people) < self.users.count:
            raise InputError(f"{self.users.from_file}: {len(people)} people, expected {self.users.count} as before")
        return people

    @property
    def tape_byte(self) -> float:
        """About how much memory the randomness of one episode takes."""
        requests, levels = self.episode.requests, self.service.levels
        links = self.users.count + requests
        levels_byte = BYTES_PER_LEVEL * requests * levels * (1 + self.cells.candidates)
        return BYTES_PER_REQUEST * requests + BYTES_PER_LINK * links * self.cells.count + levels_byte

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings = [*_check_time(self), *_check_choice(self), *_check_size(self), *_check_people(self)]
        findings += _check_memory(self)
        refuse(findings)
        return self


def _check_time(scenario: CellsScenario) -> list[Finding]:
    first, last = scenario.episode.hours
    if first < last:
        return []
    return [("episode.hours", f"expected two hours of a day, the earlier one first, got [{first}, {last}]")]


def _check_choice(scenario: CellsScenario) -> list[Finding]:
    findings: list[Finding] = []
    if len(set(scenario.objectives)) < len(scenario.objectives):
        findings.append(("objectives", "expected each objective once, got one twice"))
    if scenario.cells.candidates > scenario.cells.count:
        told = f"expected at most the number of cells, {scenario.cells.count}, got {scenario.cells.candidates}"
        findings.append(("cells.candidates", told))
    if scenario.evaluation.scale:
        findings += [
            (f"evaluation.scale.{name}", "missing, expected a value for every objective or no block at all")
            for name in dict.fromkeys(scenario.objectives)
            if getattr(scenario.evaluation.scale, name) is None
        ]
    return findings


def _check_people(scenario: CellsScenario) -> list[Finding]:
    """Whether people of a file fit the population, and whether anything is said that only people who are drawn have."""
    people = scenario.known_people
    if people is None:
        return []
    findings: list[Finding] = [
        (f"{path}.{key}", message)
        for path, section, name in (
            ("satisfaction", scenario.satisfaction, "spread"),
            ("population", scenario.population, "request_spread"),
            ("population", scenario.population, "schedule_spread_s"),
        )
        for key, message in unread_keys(section, {name: (True, "no users.from")})
    ]
    if unknown := people.unknown_personas(scenario.population):
        findings.append(("users.from", unknown))
    if not isinstance(scenario.satisfaction.law, ZoneForm) and not people.rates_delays:
        findings.append(("satisfaction.form", f"expected zone, the only one that {people.path} tells of"))
    return findings


def _check_memory(scenario: CellsScenario) -> list[Finding]:
    memory = scenario.memory
    if memory is None:
        told = "is known of people who remember, expected a section memory or other objectives"
        return [("objectives", f"{name} {told}") for name in REMEMBERED if name in scenario.objectives]
    findings = [(f"memory.{key}", told) for key, told in memory.unknown_personas(tuple(scenario.population.personas))]
    if memory.churn is None and "churn" in scenario.objectives:
        findings.append(("objectives", "nobody leaves, expected a section memory.churn or no objective churn"))
    if not isinstance(scenario.satisfaction.law, ZoneForm):
        findings.append(("satisfaction.form", "expected zone, whose levels follow what people remember"))
    if scenario.satisfaction.predictor_file is not None:
        told = "expected oracle or typical: a file does not know how memory moves levels"
        findings.append(("satisfaction.predictor", told))
    return findings


def _check_size(scenario: CellsScenario) -> list[Finding]:
    if scenario.tape_byte <= MAX_TAPE_BYTE:
        return []
    cure = "expected at most 1 GiB: fewer users, cells or levels, or shorter episodes"
    return [("episode.requests", f"one episode needs about {scenario.tape_byte / 2**30:.1f} GiB of memory, {cure}")]
