"""What serves users: servers, radio links, and the energy they take. Parts of a scenario."""

from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, ValidationInfo, model_serializer, model_validator

from mecsim.core.laws import LAW, LAW_FIELD, LawSection
from mecsim.errors import ScenarioError
from mecsim.physics.channel.base import CHANNELS, ChannelModel
from mecsim.physics.channel.fading import Fading
from mecsim.physics.channel.gmorl import Gmorl
from mecsim.physics.channel.link import Adaptation
from mecsim.schema.fields import (
    At,
    DistanceRange,
    Duration,
    EdgeCount,
    File,
    Frequency,
    FrequencyRange,
    LevelOrZero,
    NotNegative,
    PositiveUpToOne,
    Power,
    PowerCurve,
    PowerOrZero,
    Section,
    absolute_path,
    refuse,
    unread_keys,
    whole,
)
from mecsim.schema.formats import Formatted
from mecsim.schema.mappings import Entry, Frozen, FrozenDict, named
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.data import SITE_COLUMNS, TAKEN_NAMES, Positions, read_sites, unreadable


class Price(Section):
    """What a server asks for a task, in any currency."""

    per_gigacycle: NotNegative = Field(0.0, description="Of 10⁹ CPU cycles.")
    per_gigabit: NotNegative = Field(0.0, description="Of 10⁹ bits of the task's input.")


class Cloud(Section):
    """The cloud: at most one server, far away and fast."""

    count: Annotated[Literal[0, 1], whole(0, 1)] = Field(1, description="1 with a cloud, 0 without.")
    cpu_hz: FrequencyRange = Field(
        Uniform(3.5e9, 4.5e9), alias="cpu", description="CPU frequency f_0, or a range drawn per episode."
    )
    distance_m: DistanceRange = Field(
        Uniform(1000.0, 2000.0), alias="distance", description="Distance to a user, or a range drawn per user."
    )
    price: Price = Field(Price(), description="What it asks for a task.")


class Edge(Formatted):
    """The edge servers: near and slower."""

    count: EdgeCount = Field(CountRange(1, 8), description="Number E of edges, or [low, high] drawn per episode.")
    cpu_hz: FrequencyRange = Field(
        Uniform(1.75e9, 2.25e9), alias="cpu", description="CPU frequency f_e, or a range drawn per edge and episode."
    )
    distance_m: DistanceRange = Field(
        Uniform(50.0, 500.0), alias="distance", description="Distance to a user, or a range drawn per user and edge."
    )
    sites: File = Field(
        None,
        description="CSV of the edges' positions, as many edges as sites if there is no count; null: random places, "
        "where users.mobility knows any at all.",
    )
    price: Price = Field(Price(), description="What each asks for a task.")

    @model_validator(mode="before")
    @classmethod
    def _count_sites(cls, values: Any, info: ValidationInfo) -> Any:
        """All sites have an edge unless there is a count. What is wrong with the file is left to the scenario."""
        if not isinstance(values, dict) or values.get("sites") is None or "count" in values:
            return values
        with suppress(ValueError, ScenarioError):
            path = absolute_path(values["sites"], info)
            told = Formatted.model_validate({key: values[key] for key in Formatted.model_fields if key in values})
            return {**values, "count": len(read_sites(str(path), told.format).values)}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings = self.unread_format(self.sites)
        refuse(findings + unreadable("sites", read_sites, self.sites, self.format, SITE_COLUMNS))
        return self


class NamedEdge(Entry):
    """An edge server of its own."""

    cpu_hz: FrequencyRange = Field(
        Uniform(1.75e9, 2.25e9), alias="cpu", description="CPU frequency, or a range drawn per episode."
    )
    at: At | None = Field(
        None, description="Where it stands, such as [120, 80] m; null: at a random place, where users have places."
    )
    distance_m: DistanceRange = Field(
        Uniform(50.0, 500.0), alias="distance", description="Distance to a user, or a range drawn per user."
    )
    power_w: PowerCurve | None = Field(
        None, alias="power", description="power-curve: its power, as energy.edge_power, which null takes."
    )
    price: Price = Field(Price(), description="What it asks for a task.")


class Device(Section):
    """The users' own devices: a task may run where it arose, without an upload."""

    cpu_hz: FrequencyRange = Field(
        Uniform(1.0e9, 1.0e9), alias="cpu", description="CPU frequency, or a range drawn per user and episode."
    )
    capacitance: PositiveUpToOne = Field(
        1e-28, description="Effective switched capacitance of a device, in J·s²/cycle³; of phones 1e-28 to 1e-27."
    )
    price: Price = Field(Price(), description="What it costs to run a task there, such as for its battery.")


class Servers(Section):
    """Where tasks can run."""

    cloud: Cloud = Field(Cloud(), description="The cloud server.")
    edge: Edge = Field(Edge(), description="The edge servers.")
    edges: Annotated[dict[str, NamedEdge], named("edges", "library", least=0), Frozen] = Field(
        FrozenDict(), description="The edge servers one by one, each by its name, in the place of edge."
    )
    device: Device | None = Field(None, description="Local execution on the user's own device; null for none.")
    scheduling: Literal["sharing", "priority"] = Field(
        "sharing",
        description="How tasks share a server. sharing: all equally. priority: those of the most urgent class that is "
        "present, equally; the others wait and resume (preemptive-resume).",
    )

    @property
    def edge_count(self) -> CountRange:
        """The number E of edges."""
        return CountRange(len(self.edges), len(self.edges)) if self.edges else self.edge.count

    @property
    def priced(self) -> bool:
        """Whether any of them asks for anything."""
        edges = [edge.price for edge in self.edges.values()] if self.edges else [self.edge.price]
        clouds = [self.cloud.price] * self.cloud.count
        devices = [] if self.device is None else [self.device.price]
        return any(price != Price() for price in [*clouds, *edges, *devices])

    @property
    def places(self) -> Positions | None:
        """Where the edges with names stand; None where they do not say."""
        return _places(FrozenDict(self.edges))

    @model_serializer(mode="wrap")
    def _write(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `edge` where it has no meaning, and would be refused."""
        values: dict[str, Any] = write(self)
        if self.edges:
            del values["edge"]
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        idle = {name: (bool(self.edges), "servers.edges: {}") for name in Edge.model_fields}
        findings = unread_keys(self.edge, idle, "edge.")
        findings += [(f"edges.{name}", "is taken, expected another name") for name in TAKEN_NAMES if name in self.edges]
        nowhere = [name for name, edge in self.edges.items() if edge.at is None]
        if len(nowhere) < len(self.edges):
            findings += [
                (f"edges.{name}.at", "missing, expected a place for all edges or for none") for name in nowhere
            ]
        refuse(findings)
        return self


@lru_cache(maxsize=8)
def _places(edges: FrozenDict[str, NamedEdge]) -> Positions | None:
    places = [edge.at for edge in edges.values() if edge.at is not None]
    return Positions(np.array(places), in_degrees=False) if places else None


class Channel(LawSection):
    """The radio link of a user to a server."""

    LAWS = CHANNELS

    model: str = Field("gmorl", description="The channel model.")
    bandwidth_hz: Frequency = Field(16.6e6, alias="bandwidth", description="Bandwidth W of a link.")
    tx_power_w: Power = Field(0.01, alias="tx_power", description="Transmit power p of a user, in W, mW or dBm.")
    rx_power_w: PowerOrZero = Field(
        0.0, alias="rx_power", description="Power that a user takes to receive a result, in W, mW or dBm."
    )
    fading: Literal["episode", "step", "ar1"] = Field(
        "episode",
        description="When the fading of a link is drawn. episode: once. step: for every dispatch anew. "
        "ar1: correlated in time, with the coherence time. An upload keeps the fading of its dispatch.",
    )
    coherence_time_s: Duration = Field(
        10.0, alias="coherence_time", description="ar1: time after which the correlation of the field is 1/e."
    )
    multipath: Literal["rayleigh", "rician"] = Field(
        "rayleigh", description="Distribution of the fading; rician: a direct path, with rician_k, where there is one."
    )
    rician_k_db: LevelOrZero = Field(9.0, alias="rician_k", description="rician: power of the direct path, in dB.")
    interference: bool = Field(
        False, description="Whether uploads to one server at the same time disturb each other; rates then change."
    )
    adaptation: Adaptation = Field(
        "shannon", description="From SINR to rate. shannon: W·log2(1 + SINR). cqi: the CQI table of 3GPP TS 38.214."
    )
    noise_figure_db: LevelOrZero = Field(
        0.0, alias="noise_figure", description="Noise figure of the receiver, in dB; not used by gmorl."
    )
    law: Annotated[ChannelModel, LAW_FIELD] = Field(Gmorl(), alias=LAW, exclude=True)

    @property
    def small_scale(self) -> Fading:
        """The fading of links."""
        return Fading(self.fading, self.coherence_time_s, self.multipath == "rician", self.rician_k_db)

    @model_validator(mode="after")
    def _check(self) -> Self:
        idle = {  # keys that nothing reads, and what would read them
            "coherence_time_s": (self.fading != "ar1", "fading: ar1"),
            "rician_k_db": (self.multipath != "rician", "multipath: rician"),
            "noise_figure_db": (not self.law.USES_NOISE_FIGURE, "model: rayleigh, uma or umi"),
        }
        findings = unread_keys(self, idle)
        refuse(findings)
        return self


class Energy(Section):
    """What computing costs."""

    model: Literal["dynamic", "power-curve"] = Field(
        "dynamic",
        description="dynamic: κ·f² per cycle, as in the paper; an idle server takes nothing. power-curve: what a "
        "server draws at its utilisation of each step, idle power included.",
    )
    capacitance: PositiveUpToOne = Field(
        5e-31, description="Effective switched capacitance κ, in J·s²/cycle³: a cycle at f Hz takes κ·f² joules."
    )
    cloud_power_w: PowerCurve = Field(
        "ibm-x5675",
        alias="cloud_power",
        description="power-curve: power of the cloud from idle to full load, a list of powers at equal distances of "
        "utilisation, or a measured curve: ibm-x5675, ml110-g5 (SPECpower).",
    )
    edge_power_w: PowerCurve = Field(
        "ml110-g5", alias="edge_power", description="power-curve: power of each edge, likewise."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        dynamic = self.model == "dynamic"
        idle = {
            "cloud_power_w": (dynamic, "model: power-curve"),
            "edge_power_w": (dynamic, "model: power-curve"),
            "capacitance": (not dynamic, "model: dynamic"),
        }
        findings = unread_keys(self, idle)
        refuse(findings)
        return self
