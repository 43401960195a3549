"""Who asks a cell for service, what for, when and where. Parts of a scenario.

Mappings whose keys the author chooses (`personas`, `applications`) replace the default ones as a whole; sections with a
key for each period, place or activity keep their defaults where a key is left out.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from mecsim.people.persona import (
    ACTIVITIES,
    CONTEXTS,
    DAY_CLASSES,
    DEFAULT_PERSONAS,
    PERIOD_START_HOURS,
    PERIODS,
    PLACES,
    AnyShift,
    Persona,
    Shift,
    stricter,
)
from mecsim.schema.fields import (
    BitRate,
    Duration,
    DurationOrZero,
    Finding,
    NotNegative,
    Section,
    SpeedRange,
    refuse,
)
from mecsim.schema.mappings import Entry, Frozen, FrozenDict, Mix, checked_names, named, unknown_names
from mecsim.schema.units import Uniform

__all__ = [
    "ACTIVITIES",
    "CONTEXTS",
    "DAY_CLASSES",
    "PERIODS",
    "PERIOD_START_HOURS",
    "PLACES",
    "Activities",
    "Application",
    "Persona",
    "Population",
    "Profile",
    "Shift",
    "Speeds",
]


class Application(Entry):
    """A service that people ask for."""

    min_rate_bit_per_s: BitRate = Field(
        alias="min_rate", description="Least rate at which it works, a bit rate such as 64 kbit/s."
    )
    demand_rate_bit_per_s: BitRate = Field(alias="demand_rate", description="Rate that is asked for, a bit rate.")
    duration_s: Duration = Field(alias="duration", description="Mean duration of a session, a duration.")
    duration_distribution: Literal["exponential", "fixed"] = Field(
        "exponential", description="exponential: durations are exponential. fixed: all are the mean."
    )
    shift: AnyShift = Field(
        Shift(), description="How it moves what satisfies people, whoever they are; as an entry of a persona's shifts."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_rate_bit_per_s > self.demand_rate_bit_per_s:
            refuse([("min_rate", "lies above demand_rate, expected at most that")])
        return self


def _application(min_kbit_per_s: float, demand_kbit_per_s: float, duration_s: float, by: float) -> Application:
    return Application(
        min_rate_bit_per_s=min_kbit_per_s * 1e3,
        demand_rate_bit_per_s=demand_kbit_per_s * 1e3,
        duration_s=duration_s,
        shift=stricter(by),
    )


DEFAULT_APPLICATIONS: FrozenDict[str, Application] = FrozenDict(
    voice=_application(24.0, 64.0, 120.0, 0.1),
    video_call=_application(300.0, 1500.0, 300.0, 0.05),
    streaming=_application(700.0, 4000.0, 240.0, 0.0),
    gaming=_application(100.0, 500.0, 600.0, 0.08),
    browsing=_application(250.0, 2000.0, 30.0, -0.03),
    download=_application(500.0, 5000.0, 60.0, -0.1),
    ar=_application(1500.0, 6000.0, 120.0, 0.05),
)


class Profile(Section):
    """How many requests come at what time of the day: rates per hour relative to each other."""

    after_midnight: NotNegative = Field(0.15, description="From 0 to 5 h.")
    early_morning: NotNegative = Field(0.5, description="From 5 to 8 h.")
    morning: NotNegative = Field(1.0, description="From 8 to 11 h.")
    mid_day: NotNegative = Field(1.2, description="From 11 to 14 h.")
    afternoon: NotNegative = Field(1.3, description="From 14 to 19 h.")
    night: NotNegative = Field(1.5, description="From 19 to 24 h.")


def _activities(*shares: float) -> FrozenDict[str, float]:
    return FrozenDict({name: share for name, share in zip(ACTIVITIES, shares, strict=True) if share > 0.0})


class Activities(Section):
    """What people do at each place while they ask for something: shares that sum to 1."""

    home: Mix = Field(_activities(0.3, 0.45, 0.1, 0.1, 0.03, 0.02), description="Activities at home.")
    work: Mix = Field(_activities(0.0, 0.7, 0.12, 0.12, 0.03, 0.03), description="Activities at work.")
    school: Mix = Field(_activities(0.0, 0.65, 0.12, 0.15, 0.04, 0.04), description="Activities at school.")
    coffee_shop: Mix = Field(_activities(0.0, 0.75, 0.18, 0.07, 0.0, 0.0), description="Activities in a coffee shop.")
    restaurant: Mix = Field(_activities(0.0, 0.85, 0.08, 0.07, 0.0, 0.0), description="Activities in a restaurant.")
    mall: Mix = Field(_activities(0.0, 0.15, 0.25, 0.5, 0.05, 0.05), description="Activities in a mall.")
    route: Mix = Field(
        _activities(0.0, 0.5, 0.2, 0.26, 0.02, 0.02), description="Activities on the route; who sits or stands travels."
    )


class Speeds(Section):
    """How fast people move by their own feet; other activities stand still."""

    walking: SpeedRange = Field(Uniform(0.8, 1.8), description="Speed of who walks, a speed or a range.")
    upstairs: SpeedRange = Field(Uniform(0.3, 0.7), description="Speed of who goes upstairs.")
    downstairs: SpeedRange = Field(Uniform(0.4, 0.9), description="Speed of who goes downstairs.")


def _named_places(value: Any) -> Any:
    return checked_names(value, "expected a mapping from names of places, such as office", least=0)


class Population(Section):
    """Who asks for service, what for, when and where."""

    personas: Annotated[dict[str, Persona], named("personas", "professional"), Frozen] = Field(
        DEFAULT_PERSONAS, description="The kinds of people, by name."
    )
    applications: Annotated[dict[str, Application], named("applications", "voice"), Frozen] = Field(
        DEFAULT_APPLICATIONS, description="What people ask for, by name."
    )
    profile: Profile = Field(Profile(), description="How requests spread over the day.")
    activities: Activities = Field(Activities(), description="What people do at each place.")
    places: Annotated[dict[str, Mix], BeforeValidator(_named_places), Frozen] = Field(
        FrozenDict(), description="Further places, by name: the share of each activity there."
    )
    speeds: Speeds = Field(Speeds(), description="How fast people move.")
    request_spread: NotNegative = Field(
        0.3, description="How people differ in their requests per day: deviation of the logarithm (log-normal)."
    )
    schedule_spread_s: DurationOrZero = Field(
        1800.0, alias="schedule_spread", description="How far people are ahead of their schedule or late: deviation."
    )

    @property
    def place_names(self) -> tuple[str, ...]:
        """All places, in the order of their numbers."""
        return (*PLACES, *self.places)

    @property
    def place_activities(self) -> tuple[Mapping[str, float], ...]:
        """The share of each activity at each place, in the same order."""
        return (*(getattr(self.activities, place) for place in PLACES), *self.places.values())

    @model_validator(mode="before")
    @classmethod
    def _adapt_defaults(cls, values: Any) -> Any:
        """The mixes of default personas are of the default applications; other ones need other mixes."""
        given = values.get("applications") if isinstance(values, dict) else None
        if not isinstance(given, dict) or not given or "personas" in values or set(given) == set(DEFAULT_APPLICATIONS):
            return values
        return {**values, "personas": {name: _asking_for(one, list(given)) for name, one in DEFAULT_PERSONAS.items()}}

    @model_validator(mode="after")
    def _check(self) -> Self:
        findings: list[Finding] = []
        total = sum(persona.share for persona in self.personas.values())
        if abs(total - 1.0) > 1e-9:
            findings.append(("personas", f"expected shares that sum to 1, got a sum of {total:.10g}"))
        for name, persona in self.personas.items():
            path = f"personas.{name}.applications."
            findings += unknown_names(persona.applications or (), self.applications, "application", path)
            unknown = persona.unknown_places(self.place_names)
            findings += [(f"personas.{name}.{key}", message) for key, message in unknown]
        for place in PLACES:
            mix: FrozenDict[str, float] = getattr(self.activities, place)
            findings += unknown_names(mix, ACTIVITIES, "activity", f"activities.{place}.")
        for place, own in self.places.items():
            findings += unknown_names(own, ACTIVITIES, "activity", f"places.{place}.")
            if place in CONTEXTS:
                findings.append((f"places.{place}", "is the name of another context, expected a new one"))
        if not any(getattr(self.profile, period) for period in PERIODS):
            findings.append(("profile", "expected a number above 0 for at least one period"))
        refuse(findings)
        return self


def _asking_for(persona: Persona, applications: list[str]) -> Persona:
    """A persona that asks for these applications: an even share for each that it did not know, the rest as before."""
    known = {name: share for name, share in (persona.applications or {}).items() if name in applications}
    even, total = 1.0 / len(applications), sum(known.values())
    if not total:
        return persona.model_copy(update={"applications": None})
    left = even * len(known)
    mix = FrozenDict({name: left * known[name] / total if name in known else even for name in applications})
    return persona.model_copy(update={"applications": mix})
