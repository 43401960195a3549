"""Field types of the scenario models: each reads what a YAML file or Python may give and writes YAML text back.

In a file a quantity needs its unit. In Python, where the attribute's name carries the unit, a float is taken as SI.
`model_dump(mode="json", by_alias=True)` gives the text that a file would hold; the default mode gives SI floats.
"""

import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializationInfo,
    ValidationInfo,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mecsim.schema.units import (
    KINDS,
    NUMBER,
    UNIT,
    CountRange,
    Place,
    Uniform,
    format_place,
    format_quantity,
    format_range,
    parse_count,
    parse_count_range,
    parse_number,
    parse_place,
    parse_quantity,
    parse_range,
    show,
)

MAX_EDGES = 1024

Finding = tuple[str, str]  # dotted key path, what is wrong and what is expected


class FileContext(TypedDict):
    """Validation context of values as written in a file: units are mandatory, paths are relative to its folder."""

    folder: str
    complete: bool  # whether every file has to be there


class FileNames(TypedDict):
    """Serialization context in which files are called otherwise than by their absolute paths."""

    name_of: Callable[[str], str]


def file_text(path: str, info: SerializationInfo) -> str:
    """What stands for a file in YAML."""
    return str(info.context["name_of"](path)) if info.context else path


class Section(BaseModel):
    """Base of every part of a scenario: immutable, no unknown keys, YAML keys as aliases of the attribute names."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def refuse(findings: list[Finding]) -> None:
    """Raise what checks across fields found, if anything; each finding names its own key, relative to the model."""
    if findings:
        text = "; ".join(f"{path}: {message}" for path, message in findings)
        raise PydanticCustomError("findings", "{text}", {"text": text, "findings": findings})


def unread_keys(section: Section, idle: Mapping[str, tuple[bool, str]], path: str = "") -> list[Finding]:
    """Findings for attributes that differ from their defaults although nothing reads them.

    `idle` tells of each attribute whether it is unread, and what would read it; `path` stands before the keys.
    """
    fields = type(section).model_fields
    return [
        (path + (fields[name].alias or name), f"has no meaning here, expected {cure} or the default")
        for name, (unread, cure) in idle.items()
        if unread and getattr(section, name) != fields[name].default
    ]


@dataclass(frozen=True, eq=False)  # hashed by identity, as parts of a type
class _Reader:
    """Annotation of a field: parses `(value, bare)`, where `bare` allows SI floats; writes YAML; describes itself."""

    parse: Callable[[Any, bool], Any]
    write: Callable[[Any], Any]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any, info: core_schema.ValidationInfo) -> Any:
            return self.parse(value, info.context is None)

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


def _range(kind: str, zero: bool = False) -> _Reader:
    return _Reader(
        lambda value, bare: parse_range(value, kind, bare=bare, zero=zero),
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


def absolute_path(value: Any, info: ValidationInfo) -> str | None:
    """The path of a data file: relative to the scenario file's folder, else to the working folder."""
    if value is None:
        return None
    if not isinstance(value, (str, Path)) or not str(value).strip() or "\0" in str(value):
        raise ValueError(f"expected the path of a CSV file, got {show(value)}")
    path = os.path.abspath(os.path.join(info.context["folder"] if info.context else "", value))
    if info.context and info.context["complete"] and not os.path.exists(path):
        raise ValueError(f"{path}: no such file, expected the path of one that is there")
    return path


def _parse_shares(value: Any, bare: bool) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MAX_CLASSES:
        raise ValueError(f"expected a list of 1 to {MAX_CLASSES} shares such as [0.2, 0.8], got {show(value)}")
    shares = tuple(parse_number(share, high=1.0) for share in value)
    if abs(sum(shares) - 1.0) > 1e-9:
        raise ValueError(f"expected shares that sum to 1, got {show(value)}")
    return shares


def _parse_power_curve(value: Any, bare: bool) -> str | tuple[float, ...]:
    if isinstance(value, str) and value in POWER_CURVES_W:
        return value
    if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= MAX_CURVE:
        known = ", ".join(POWER_CURVES_W)
        raise ValueError(f"expected {known} or a list of 2 to {MAX_CURVE} powers [50 W, 120 W], got {show(value)}")
    curve = tuple(parse_quantity(power, "power", bare=bare, zero=True) for power in value)
    if any(high < low for low, high in itertools.pairwise(curve)):
        raise ValueError(f"expected powers that do not fall from idle to full load, got {show(value)}")
    return curve


def _place_schema() -> dict[str, Any]:
    """JSON Schema of a place, in both spellings."""
    joined = {"type": "string", "pattern": rf"^\s*\[\s*{NUMBER}\s*,\s*{NUMBER}\s*\]\s*{UNIT}\s*$"}
    pair = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
    return {"anyOf": [joined, pair]}


MAX_CLASSES = 8
MAX_CURVE = 101
POWER_CURVES_W = {  # SPECpower measurements at 0, 10, …, 100 % load, as CloudSim ships them
    "ibm-x5675": (58.4, 98.0, 109.0, 118.0, 128.0, 140.0, 153.0, 170.0, 189.0, 205.0, 222.0),
    "ml110-g5": (93.7, 97.0, 101.0, 105.0, 110.0, 116.0, 121.0, 125.0, 129.0, 133.0, 135.0),
}

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
PositiveUpToTen = Annotated[float, _number(high=10.0)]
AboveOne = Annotated[float, _number(low=1.0, high=1e6)]
Distance = Annotated[float, _quantity("distance")]
SizeRange = Annotated[Uniform, _range("size")]
PowerOrZero = Annotated[float, _quantity("power", zero=True)]
DurationRange = Annotated[Uniform, _range("duration")]
DurationRangeOrZero = Annotated[Uniform, _range("duration", zero=True)]
SpeedRange = Annotated[Uniform, _range("speed")]
BitRate = Annotated[float, _quantity("bit_rate")]
PositiveRate = Annotated[float, _quantity("rate")]
DurationOrZero = Annotated[float, _quantity("duration", zero=True)]
NotNegative = Annotated[float, _number(low_included=True)]
NotNegativeUpToOne = Annotated[float, _number(low_included=True, high=1.0)]
EdgeCount = Annotated[CountRange, _count_range(1, MAX_EDGES)]
File = Annotated[Annotated[str, PlainSerializer(file_text, when_used="json")] | None, BeforeValidator(absolute_path)]
At = Annotated[
    Place,
    _Reader(lambda value, bare: parse_place(value, bare=bare), format_place, _place_schema()),
]
Shares = Annotated[
    tuple[float, ...],
    _Reader(
        _parse_shares,
        list,
        {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "minItems": 1},
    ),
]
PowerCurve = Annotated[
    str | tuple[float, ...],
    _Reader(
        _parse_power_curve,
        lambda value: value if isinstance(value, str) else [format_quantity(power, "power") for power in value],
        {
            "anyOf": [
                {"enum": list(POWER_CURVES_W)},
                {"type": "array", "items": quantity_schema("power"), "minItems": 2, "maxItems": MAX_CURVE},
            ]
        },
    ),
]
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
