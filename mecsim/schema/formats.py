"""How a CSV file of somebody else is to be read: its names for our columns, units, separator, decimal sign, clock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from mecsim.schema.fields import Finding, Section, refuse, unread_keys
from mecsim.schema.mappings import FrozenDict, parsed_each
from mecsim.schema.stamps import EXAMPLE, parse_stamp
from mecsim.schema.units import show
from mecsim.schema.words import nearest

MAX_COLUMN_NAME = 100
SEPARATORS = {",": ",", ";": ";", "|": "|", "tab": "\t"}
Separator = Literal[",", ";", "|", "tab"]
Decimal = Literal[".", ","]


@dataclass(frozen=True)
class Source:
    """Where the values of a column come from: a column of the file, or a number for all rows."""

    column: str | None = None
    unit: str | None = None  # what 1 stands for, such as B or 32 bit; None for the unit in our column's name
    ids: bool = False  # whether they are names, which are numbered from 0 in their order
    value: float | None = None

    def written(self) -> str | dict[str, Any]:
        """As in a scenario."""
        if self.value is not None:
            return {"value": self.value}
        if self.unit is None and not self.ids:
            return str(self.column)
        further = {"unit": self.unit} if self.unit is not None else {"ids": True}
        return {"column": self.column, **further}


def _parse_source(given: Any) -> Source:
    if isinstance(given, (Source, str)):
        given = given.written() if isinstance(given, Source) else {"column": given}
    expected = "expected the name of a column, {column: Bytes, unit: B}, {column: id, ids: true} or {value: 0}"
    if not isinstance(given, Mapping):
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return _parse_source({"column": str(given)})  # a name that looks like a number
        raise ValueError(f"{expected}, got {show(given)}")
    unknown = next((str(key) for key in given if key not in ("column", "unit", "ids", "value")), None)
    if unknown is not None:
        raise ValueError(f"unknown key {show(unknown)}, {nearest(unknown, ('column', 'unit', 'ids', 'value'))}")
    column, unit, ids, value = (given.get(key) for key in ("column", "unit", "ids", "value"))
    if (column is None) == (value is None) or (value is not None and len(given) > 1):
        raise ValueError(f"{expected}, got {'both a column and a value' if value is not None else 'neither'}")
    if value is not None:
        number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
        if not math.isfinite(number):
            raise ValueError(f"expected a number for all rows, got {show(value)}")
        return Source(value=number)
    if not str(column).strip() or len(str(column)) > MAX_COLUMN_NAME:
        raise ValueError(f"{expected} of up to {MAX_COLUMN_NAME} characters, got {show(column)}")
    if ids not in (None, True, False) or (unit is not None and (ids or not isinstance(unit, str))):
        raise ValueError(f"{expected}: a unit is text, ids is true or false, and names have no unit")
    return Source(str(column).strip(), unit, bool(ids))


def _parse_sources(value: Any) -> FrozenDict[str, Source]:
    if not isinstance(value, Mapping):
        raise ValueError(
            f"expected a mapping from our columns to those of the file, {{time_s: TIMESTAMP}}, got {show(value)}"
        )
    return FrozenDict(parsed_each({str(key): given for key, given in value.items()}, _parse_source))


def _parse_origin(value: Any) -> str | None:
    if value is None:
        return None
    if parse_stamp(str(value)) is None:
        raise ValueError(f"expected a date and a time such as {EXAMPLE}, got {show(value)}")
    return str(value).strip()


Sources = Annotated[
    FrozenDict[str, Source],
    PlainValidator(_parse_sources),
    PlainSerializer(lambda sources: {name: source.written() for name, source in sources.items()}),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {
                            "column": {"type": "string"},
                            "unit": {"type": "string"},
                            "ids": {"type": "boolean"},
                            "value": {"type": "number"},
                        },
                        "additionalProperties": False,
                    },
                ]
            },
        }
    ),
]


@dataclass(frozen=True)
class Format:
    """What is said of a file; as our own tables are if nothing is."""

    columns: Mapping[str, Source] = FrozenDict[str, Source]()
    separator: Separator = ","
    decimal: Decimal = "."
    origin: str | None = None

    @property
    def delimiter(self) -> str:
        """The letter between two values."""
        return SEPARATORS[self.separator]


PLAIN = Format()


class Formatted(Section):
    """The part of a section that tells how the file is to be read that it names."""

    columns: Sources = Field(
        FrozenDict[str, Source](),
        description="The file's columns by our names: {time_s: TIMESTAMP, size_bit: {column: Bytes, unit: B}, user: "
        "{value: 0}}; {column: id, ids: true} numbers names from 0. All other columns are left unread then.",
    )
    separator: Separator = Field(",", description="What stands between two values of the file.")
    decimal: Decimal = Field(".", description="The decimal sign of the file's numbers.")

    @model_validator(mode="after")
    def _check_signs(self) -> "Formatted":
        if self.decimal == self.separator:
            refuse([("decimal", "is the separator, too, expected another separator, such as ;")])
        return self

    @property
    def format(self) -> Format:
        """How the file is to be read."""
        return Format(self.columns, self.separator, self.decimal)

    def unread_format(self, path: str | None) -> list[Finding]:
        """Findings for what is said of a file that is not there."""
        return unread_keys(self, dict.fromkeys(("columns", "separator", "decimal"), (path is None, "a file")))


class Clocked(Formatted):
    """The same of a file of what happened at certain times."""

    origin: Annotated[str | None, BeforeValidator(_parse_origin)] = Field(
        None, description=f"When second 0 is, such as {EXAMPLE}, where the file has dates; null: the first of them."
    )

    @property
    def format(self) -> Format:
        """How the file is to be read."""
        return Format(self.columns, self.separator, self.decimal, self.origin)

    def unread_format(self, path: str | None) -> list[Finding]:
        """Findings for what is said of a file that is not there."""
        return super().unread_format(path) + unread_keys(self, {"origin": (path is None, "a file")})
