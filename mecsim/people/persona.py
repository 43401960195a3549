"""What people of a kind have in common: their days, what they ask for, and what satisfies them.

The kinds, periods, places and activities are those of the published data set of Alkurd, Abualhaol and Yanikomeroglu
(arXiv 2306.04887). Their numbers were not published, so the numbers here are ours.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from mecsim.schema.fields import Duration, Finding, Positive, PositiveRate, PositiveUpToOne, SpeedRange, refuse
from mecsim.schema.mappings import (
    Entry,
    FrozenDict,
    Mix,
    Schedule,
    checked_names,
    hour_text,
    parsed_each,
    unknown_names,
)
from mecsim.schema.units import Uniform, parse_number, show
from mecsim.schema.words import nearest

PERIODS = ("after_midnight", "early_morning", "morning", "mid_day", "afternoon", "night")
PERIOD_START_HOURS = (0.0, 5.0, 8.0, 11.0, 14.0, 19.0)
PLACES = ("home", "work", "school", "coffee_shop", "restaurant", "mall", "route")
ACTIVITIES = ("laying", "sitting", "standing", "walking", "upstairs", "downstairs")
DAY_CLASSES = ("weekday", "weekend")
CONTEXTS = PERIODS + PLACES + ACTIVITIES


class Shift(NamedTuple):
    """How a context moves what satisfies someone. Shifts of period, place, activity and application add up."""

    adequate: float = 0.0  # added to the adequate position
    desired: float = 0.0  # added to the desired position
    exponent: float = 0.0  # added to the logarithm of the exponent; delays count as longer by the same factor


def stricter(by: float) -> Shift:
    """Both levels higher by `by`, and twice that on the logarithm of the exponent."""
    return Shift(adequate=by, desired=by, exponent=2.0 * by)


def shifts_of(**own: float) -> FrozenDict[str, Shift]:
    """The usual shifts, by period and activity, and those of a persona's own, by name of the context.

    Nobody expects much after midnight; mornings are demanding. Who walks or climbs looks less at the screen.
    """
    usual = {
        "after_midnight": -0.06, "early_morning": 0.1, "morning": 0.08, "mid_day": -0.05,
        "walking": -0.05, "upstairs": -0.08, "downstairs": -0.08,
    }  # fmt: skip
    return FrozenDict({name: stricter(by) for name, by in {**usual, **own}.items()})


def parse_shift(value: Any) -> Shift:
    """A shift: a number for `stricter` by that much, or a mapping of some of its three numbers."""
    expected = "expected a number such as 0.05, or one for each of adequate, desired and exponent"
    if isinstance(value, Shift):
        return value
    if not isinstance(value, Mapping):
        try:
            return stricter(parse_offset(value))
        except ValueError:
            raise ValueError(f"{expected}, from -5 to 5, got {show(value)}") from None
    unknown = [str(key) for key in value if key not in Shift._fields]
    if unknown:
        refuse([(key, f"unknown key, {nearest(key, list(Shift._fields))}") for key in unknown])
    return Shift(**parsed_each(value, parse_offset))


def parse_offset(value: Any) -> float:
    """A number that may be negative."""
    return parse_number(value, low=-5.0, low_included=True, high=5.0)


def _write_shift(shift: Shift) -> Any:
    return shift.adequate if shift == stricter(shift.adequate) else shift._asdict()


def _parse_shifts(value: Any) -> FrozenDict[str, Shift]:
    expected = "expected a mapping from periods, places or activities to shifts such as {walking: -0.05}"
    return FrozenDict(parsed_each(checked_names(value, expected, least=0), parse_shift))


_OFFSET_SCHEMA = {"type": "number", "minimum": -5, "maximum": 5}
_SHIFT_SCHEMA = {
    "anyOf": [
        _OFFSET_SCHEMA,
        {
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(Shift._fields, _OFFSET_SCHEMA),
        },
    ]
}
AnyShift = Annotated[Shift, PlainValidator(parse_shift), PlainSerializer(_write_shift), WithJsonSchema(_SHIFT_SCHEMA)]
Shifts = Annotated[
    FrozenDict[str, Shift],
    PlainValidator(_parse_shifts),
    PlainSerializer(lambda shifts: {name: _write_shift(shift) for name, shift in shifts.items()}),
    WithJsonSchema(
        {"type": "object", "additionalProperties": _SHIFT_SCHEMA, "properties": dict.fromkeys(CONTEXTS, _SHIFT_SCHEMA)}
    ),
]


class Persona(Entry):
    """People of a kind. Positions are u = log(rate/min)/log(demand/min): 0 at the minimum, 1 at the demanded rate."""

    share: PositiveUpToOne = Field(1.0, description="Share of the users; shares of all personas sum to 1.")
    requests_per_day: Positive = Field(20.0, description="Mean number of requests of a person per day.")
    weekday: Schedule = Field(
        FrozenDict({0.0: "home", 7.5: "route", 8.5: "work", 17.0: "route", 18.0: "home"}),
        description="Places of a day from Monday to Friday, by start hour; the last one holds until the first. Or the "
        "share of each of several.",
    )
    weekend: Schedule = Field(
        FrozenDict({0.0: "home", 11.0: "route", 11.5: "mall", 15.0: "route", 15.5: "home"}),
        description="Places on Saturday and Sunday, by start hour.",
    )
    applications: Mix | None = Field(
        None, description="Share of each application in the requests; shares sum to 1; null for even shares."
    )
    adequate: Positive = Field(0.25, description="Position of the adequate level: what is just accepted, rating 2.")
    desired: Positive = Field(0.75, description="Position of the desired level: what is hoped for, rating 4.")
    exponent: Positive = Field(
        1.0, description="power: exponent λ; below 1 is a tolerant person, above 1 a demanding one."
    )
    delay_centre_s: Duration = Field(0.55, alias="delay_centre", description="logistic: delay c of the rating 2.5.")
    delay_steepness_per_s: PositiveRate = Field(
        1.72, alias="delay_steepness", description="logistic: steepness k at the centre, a rate."
    )
    delay_sensitivity_per_s: PositiveRate = Field(
        0.25, alias="delay_sensitivity", description="iqx: rate β at which a delay lowers the rating."
    )
    travel_speed_m_per_s: SpeedRange = Field(
        Uniform(5.0, 15.0), alias="travel_speed", description="Speed on the route of who does not walk there."
    )
    shifts: Shifts = Field(
        shifts_of(),
        description="How a period, place or activity moves what satisfies, by its name: a number is added to both "
        "positions, and twice to the logarithm of the exponent (delays count as longer by that factor); or numbers for "
        "adequate, desired and exponent. Shifts add up; without an entry there is none.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.adequate >= self.desired:
            refuse([("adequate", f"expected a position below the desired one, {self.desired:g}")])
        return self

    def unknown_places(self, places: tuple[str, ...]) -> list[Finding]:
        """A finding for each place of the schedules, and each context of the shifts, that is not among `places`."""
        findings = [
            (f"{name}.{hour_text(hour)}", f"unknown place '{place}', {nearest(place, list(places))}")
            for name, schedule in (("weekday", self.weekday), ("weekend", self.weekend))
            for hour, entry in schedule.items()
            for place in ([entry] if isinstance(entry, str) else entry)
            if place not in places
        ]
        contexts = (*PERIODS, *places, *ACTIVITIES)
        return findings + unknown_names(self.shifts, contexts, "context", "shifts.")


DEFAULT_PERSONAS: FrozenDict[str, Persona] = FrozenDict(
    {
        "professional": Persona(
            share=0.35,
            requests_per_day=20.0,
            weekday=FrozenDict(
                {0.0: "home", 7.5: "route", 8.5: "work", 12.0: "restaurant", 13.0: "work", 17.5: "route", 18.5: "home"}
            ),
            weekend=FrozenDict(
                {0.0: "home", 10.5: "route", 11.0: "mall", 14.0: "restaurant", 15.5: "route", 16.0: "home"}
            ),
            applications=FrozenDict(
                voice=0.2, video_call=0.2, streaming=0.1, gaming=0.05, browsing=0.3, download=0.1, ar=0.05
            ),
            adequate=0.3,
            desired=0.75,
            exponent=1.3,
            delay_centre_s=0.45,
            travel_speed_m_per_s=Uniform(5.0, 20.0),
            shifts=shifts_of(work=0.06, route=0.04, restaurant=-0.04),
        ),
        "university_student": Persona(
            share=0.2,
            requests_per_day=24.0,
            weekday=FrozenDict(
                {0.0: "home", 9.0: "route", 9.5: "school", 12.5: "coffee_shop", 13.5: "school", 17.0: "coffee_shop"}
                | {19.0: "route", 19.5: "home"}
            ),
            weekend=FrozenDict(
                {0.0: "home", 12.0: "route", 12.5: "coffee_shop", 15.0: "mall", 18.0: "restaurant"}
                | {20.0: "route", 20.5: "home"}
            ),
            applications=FrozenDict(
                voice=0.1, video_call=0.12, streaming=0.25, gaming=0.13, browsing=0.25, download=0.1, ar=0.05
            ),
            adequate=0.2,
            desired=0.65,
            exponent=0.9,
            shifts=shifts_of(school=0.04, coffee_shop=-0.04),
        ),
        "school_student": Persona(
            share=0.2,
            requests_per_day=20.0,
            weekday=FrozenDict({0.0: "home", 7.0: "route", 8.0: "school", 15.0: "route", 15.75: "home"}),
            weekend=FrozenDict({0.0: "home", 13.0: "route", 13.5: "mall", 17.0: "route", 17.5: "home"}),
            applications=FrozenDict(
                voice=0.08, video_call=0.1, streaming=0.25, gaming=0.27, browsing=0.17, download=0.05, ar=0.08
            ),
            adequate=0.15,
            desired=0.6,
            exponent=0.8,
            travel_speed_m_per_s=Uniform(4.0, 12.0),
            shifts=shifts_of(home=0.05, school=-0.05),
        ),
        "homemaker": Persona(
            share=0.25,
            requests_per_day=14.0,
            weekday=FrozenDict(
                {0.0: "home", 10.0: "route", 10.5: "mall", 12.0: "route", 12.5: "home", 16.0: "coffee_shop"}
                | {17.5: "home"}
            ),
            weekend=FrozenDict({0.0: "home", 12.5: "restaurant", 14.5: "mall", 16.5: "route", 17.0: "home"}),
            applications=FrozenDict(
                voice=0.25, video_call=0.13, streaming=0.25, gaming=0.05, browsing=0.25, download=0.05, ar=0.02
            ),
            adequate=0.25,
            desired=0.7,
            delay_centre_s=0.7,
            shifts=shifts_of(home=0.03, mall=-0.05, coffee_shop=-0.05),
        ),
    }
)
