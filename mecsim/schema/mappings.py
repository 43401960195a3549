"""Mappings in a scenario whose keys are no keys of a section: names that the author chooses, hours of a day.

They never change once they are read, and equal ones have equal hashes, as scenarios are keys of caches.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NoReturn, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mecsim.schema.fields import Finding, Section, refuse
from mecsim.schema.units import parse_number, show
from mecsim.schema.words import nearest

Key = TypeVar("Key")
Value = TypeVar("Value")

Place: TypeAlias = "str | FrozenDict[str, float]"
"""Of a schedule: the name of a place, or the share of each of several."""

MAX_NAMES = 64
_NAME = re.compile(r"[^\W\d_][\w-]{0,39}")
_HOUR = re.compile(r"(\d{1,2}):([0-5]\d)")


class FrozenDict(dict[Key, Value]):
    """A dict that never changes, and so has a hash."""

    def __hash__(self) -> int:  # type: ignore[override]  # a plain dict has none
        return hash(tuple(self.items()))

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a mapping of a scenario never changes; make a new scenario instead")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Any dict, frozen: what the keys and values are is up to the annotation of the field."""
        return core_schema.no_info_after_validator_function(cls, core_schema.dict_schema())


class Entry(Section):
    """A section under a name that the author chooses."""

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, values: Any) -> Any:
        """Says what is missing in words that fit the section at hand."""
        if isinstance(values, cls):
            return values
        fields = {field.alias or name: (name, field) for name, field in cls.model_fields.items()}
        if not isinstance(values, Mapping):
            raise ValueError(f"expected keys such as {' and '.join(list(fields)[:2])}, got {show(values)}")
        needed = {key: name for key, (name, field) in fields.items() if field.is_required()}
        missing = [key for key, name in needed.items() if key not in values and name not in values]
        if missing:
            refuse([(key, f"missing, expected values of {', '.join(needed)}") for key in missing])
        return values


def named(noun: str, example: str, least: int = 1) -> BeforeValidator:
    """Annotation of a mapping from at least `least` names of `noun`, such as `example`, which the author chooses."""

    def check(value: Any) -> Any:
        return checked_names(value, f"expected a mapping from names of {noun}, such as {example}", least)

    return BeforeValidator(check)


def checked_names(value: Any, expected: str, least: int = 1) -> Mapping[str, Any]:
    """`value`, if it is a mapping from at least `least` names.

    Raises:
        ValueError: it is none; the message begins with `expected`.
    """
    if not isinstance(value, Mapping) or len(value) < least:
        raise ValueError(f"{expected}, got {'none' if value == {} else show(value)}")
    if len(value) > MAX_NAMES:
        raise ValueError(f"{expected}, at most {MAX_NAMES}, got {len(value)}")
    for name in value:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            rule = "a letter, then letters, digits, - or _, 40 at most"
            raise ValueError(f"{expected}: {rule}, got {show(name)}")
    return value


def unknown_names(names: Iterable[str], known: Iterable[str], noun: str, path: str = "") -> list[Finding]:
    """A finding for each of `names`, keys below `path`, that is not among `known`."""
    known = list(known)
    return [(f"{path}{name}", f"unknown {noun}, {nearest(name, known)}") for name in names if name not in known]


def _parse_mix(value: Any) -> FrozenDict[str, float]:
    entries = checked_names(value, "expected a mapping from names to shares such as {voice: 0.4, browsing: 0.6}")
    shares = FrozenDict(parsed_each(entries, lambda share: parse_number(share, low_included=True)))
    if abs(sum(shares.values()) - 1.0) > 1e-9:
        raise ValueError(f"expected shares that sum to 1, got a sum of {sum(shares.values()):.10g}")
    return shares


def parsed_each(entries: Mapping[str, Any], parse: Callable[[Any], Value]) -> dict[str, Value]:
    """All values parsed; what is wrong is found with its key."""
    parsed: dict[str, Value] = {}
    findings: list[Finding] = []
    for key, entry in entries.items():
        try:
            parsed[key] = parse(entry)
        except PydanticCustomError as error:
            findings += [(f"{key}.{where}", message) for where, message in (error.context or {})["findings"]]
        except ValueError as error:
            findings.append((key, str(error)))
    refuse(findings)
    return parsed


def name_of(text: str) -> str:
    """Text as a name of a scenario: `_` for each run of what no name has, and a letter first."""
    kept = re.sub(r"[^\w-]+", "_", text.strip())
    return (kept if kept and _NAME.match(kept) else f"x{kept}")[:40]


def _parse_hours(value: Any) -> FrozenDict[float, Place]:
    expected = "expected a mapping from start hours to places such as {8: work, 17.5: home}"
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{expected}, got {'none' if value == {} else show(value)}")
    hours: dict[float, Place] = {}
    findings: list[Finding] = []
    for key, place in value.items():
        hour = _hour(key)
        if hour is None:
            findings.append((str(key), f"expected a start hour from 0 to below 24 such as 8 or 17:30, got {show(key)}"))
        elif hour in hours:
            findings.append((str(key), "given twice, expected each start hour once"))
        elif isinstance(place, str):
            hours[hour] = place
        elif isinstance(place, Mapping):
            try:
                hours[hour] = _parse_mix(place)
            except ValueError as error:
                findings.append((str(key), str(error)))
        else:
            findings.append((str(key), f"expected the name of a place or shares of several, got {show(place)}"))
    refuse(findings)
    return FrozenDict(sorted(hours.items()))


def _hour(key: Any) -> float | None:
    """Hours since midnight of `8`, `8.5` or `8:30`; None for anything else."""
    match = _HOUR.fullmatch(key.strip()) if isinstance(key, str) else None
    try:
        hour = int(match[1]) + int(match[2]) / 60.0 if match else parse_number(key, low_included=True)
    except ValueError:
        return None
    return hour if hour < 24.0 else None


def hour_text(hour: float) -> str:
    """An hour of the day as a schedule's key, which reads back to exactly the same float."""
    return str(int(hour)) if hour == math.floor(hour) else repr(hour)


_SHARE_SCHEMA = {"type": "number", "minimum": 0, "maximum": 1}
_MIX_SCHEMA = {"type": "object", "additionalProperties": _SHARE_SCHEMA, "minProperties": 1}

Mix = Annotated[
    FrozenDict[str, float],
    PlainValidator(_parse_mix),
    PlainSerializer(dict),
    WithJsonSchema(_MIX_SCHEMA),
]
Schedule = Annotated[
    FrozenDict[float, Place],
    PlainValidator(_parse_hours),
    PlainSerializer(
        lambda hours: {
            hour_text(hour): place if isinstance(place, str) else dict(place) for hour, place in hours.items()
        },
        when_used="json",
    ),
    WithJsonSchema(
        {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, _MIX_SCHEMA]}, "minProperties": 1}
    ),
]
Frozen = AfterValidator(FrozenDict)
