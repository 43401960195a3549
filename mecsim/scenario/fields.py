"""Field types of the scenario models: each reads what a YAML file or Python may give and writes YAML text back.

In a file a quantity needs its unit. In Python, where the attribute's name carries the unit, a float is taken as SI.
`model_dump(mode="json", by_alias=True)` gives the text that a file would hold; the default mode gives SI floats.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mecsim.scenario.units import (
    KINDS,
    NUMBER,
    UNIT,
    CountRange,
    Uniform,
    format_quantity,
    format_range,
    parse_count,
    parse_count_range,
    parse_number,
    parse_quantity,
    parse_range,
)

FROM_FILE = {"from_file": True}  # validation context: values are as written in a file, so units are mandatory

Finding = tuple[str, str]  # dotted key path, what is wrong and what is expected


class Section(BaseModel):
    """Base of every part of a scenario: immutable, no unknown keys, YAML keys as aliases of the attribute names."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def findings_error(findings: list[Finding]) -> PydanticCustomError:
    """An error for checks across fields; each finding names its own key, relative to the model that raises it."""
    text = "; ".join(f"{path}: {message}" for path, message in findings)
    return PydanticCustomError("findings", "{text}", {"text": text, "findings": findings})


@dataclass(frozen=True, eq=False)  # hashed by identity, as parts of a type
class _Reader:
    """Annotation of a field: parses `(value, bare)`, where `bare` allows SI floats; writes YAML; describes itself."""

    parse: Callable[[Any, bool], Any]
    write: Callable[[Any], Any]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any, info: core_schema.ValidationInfo) -> Any:
            return self.parse(value, info.context != FROM_FILE)

        writer = core_schema.plain_serializer_function_ser_schema(self.write, when_used="json")
        return core_schema.with_info_plain_validator_function(validate, serialization=writer)

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


def _quantity(kind: str, zero: bool = False) -> _Reader:
    return _Reader(
        lambda value, bare: parse_quantity(value, kind, bare=bare, zero=zero),
        lambda value: format_quantity(value, kind),
        quantity_schema(kind),
    )


def _range(kind: str) -> _Reader:
    return _Reader(
        lambda value, bare: parse_range(value, kind, bare=bare),
        lambda value: format_range(value, kind),
        range_schema(kind),
    )


def _number(**bounds: Any) -> _Reader:
    schema: dict[str, Any] = {"minimum" if bounds.get("low_included") else "exclusiveMinimum": bounds.get("low", 0)}
    return _Reader(
        lambda value, _: parse_number(value, **bounds),
        lambda value: value,
        {"anyOf": [{"type": "number", **schema}, {"type": "string", "pattern": f"^{NUMBER}$"}]},
    )


def quantity_schema(kind: str) -> dict[str, Any]:
    """JSON Schema of one quantity: text with a unit (a level in dB may also be a plain number)."""
    units = r"dB" if kind == "level" else UNIT
    text = {"type": "string", "pattern": rf"^\s*{NUMBER}\s*{units}\s*$", "examples": [KINDS[kind].example]}
    return {"anyOf": [text, {"type": "number", "minimum": 0}]} if kind == "level" else text


def range_schema(kind: str) -> dict[str, Any]:
    """JSON Schema of a quantity or a range of it, in both spellings."""
    joined = {"type": "string", "pattern": rf"^\s*\[\s*{NUMBER}\s*,\s*{NUMBER}\s*\]\s*{UNIT}\s*$"}
    pair = {"type": "array", "items": quantity_schema(kind), "minItems": 2, "maxItems": 2}
    # An editor's YAML parser sees `[3.5, 4.5] GHz` only when it is quoted; mecsim reads it either way.
    return {"anyOf": [quantity_schema(kind), joined, pair]}


def whole(low: int, high: int) -> _Reader:
    """Annotation of a whole number from `low` to `high`."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return _Reader(lambda value, _: parse_count(value, low, high), lambda value: value, schema)


def _count_range(low: int, high: int) -> _Reader:
    one = {"type": "integer", "minimum": low, "maximum": high}
    return _Reader(
        lambda value, _: parse_count_range(value, low, high),
        lambda ends: ends.low if ends.low == ends.high else list(ends),
        {"anyOf": [one, {"type": "array", "items": one, "minItems": 2, "maxItems": 2}]},
    )


def _parse_mean(value: Any, bare: bool) -> Any:
    if value == "balanced":
        return value
    try:
        return parse_quantity(value, "size", bare=bare)
    except ValueError as error:
        raise ValueError(str(error).replace("expected ", "expected 'balanced' or ", 1)) from None


def _parse_clip(value: Any, bare: bool) -> Any:
    if value is None:
        return None
    ends = parse_range(value, "size", bare=bare)
    if ends.low == ends.high:
        raise ValueError("expected a range such as [0.1, 100] Mbit with low < high, or null for no clipping")
    return ends


Frequency = Annotated[float, _quantity("frequency")]
FrequencyRange = Annotated[Uniform, _range("frequency")]
Power = Annotated[float, _quantity("power")]
Rate = Annotated[float, _quantity("rate", zero=True)]
Size = Annotated[float, _quantity("size")]
Duration = Annotated[float, _quantity("duration")]
DistanceRange = Annotated[Uniform, _range("distance")]
Energy = Annotated[float, _quantity("energy")]
Level = Annotated[float, _quantity("level")]
LevelOrZero = Annotated[float, _quantity("level", zero=True)]
Positive = Annotated[float, _number()]
PositiveUpToOne = Annotated[float, _number(high=1.0)]
AboveOne = Annotated[float, _number(low=1.0, high=1e6)]
EdgeCount = Annotated[CountRange, _count_range(1, 256)]
Mean = Annotated[
    Literal["balanced"] | float,
    _Reader(
        _parse_mean,
        lambda value: value if value == "balanced" else format_quantity(value, "size"),
        {"anyOf": [{"const": "balanced"}, quantity_schema("size")]},
    ),
]
Clip = Annotated[
    Uniform | None,
    _Reader(
        _parse_clip,
        lambda value: None if value is None else format_range(value, "size"),
        {"anyOf": [range_schema("size"), {"type": "null"}]},
    ),
]
