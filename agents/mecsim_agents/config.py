"""Hyper-parameters as frozen pydantic dataclasses, and errors of one line that say what was expected.

A field's type is one of those below, or any `Annotated` type whose description is what it expects, in words.
"""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar, get_args

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

Made = TypeVar("Made")

FINITE = 1e12  # beyond it no hyper-parameter makes sense
SETTINGS = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


def number(lowest: float, highest: float) -> Any:
    """The constraint of a number from `lowest` to `highest`, for an `Annotated[float, …]`."""
    return Field(ge=lowest, le=highest, description=f"a number from {lowest:g} to {highest:g}")


Share = Annotated[float, number(0.0, 1.0)]
NotNegative = Annotated[float, number(0.0, FINITE)]
Positive = Annotated[float, Field(gt=0.0, le=FINITE, description=f"a number above 0, up to {FINITE:g}")]
PositiveShare = Annotated[float, Field(gt=0.0, le=1.0, description="a number above 0, up to 1")]
Count = Annotated[int, Field(ge=1, description="a positive whole number")]
Switch = Annotated[bool, Field(description="true or false")]
Sizes = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, description="one or more positive whole numbers")
]


@dataclass(frozen=True, config=SETTINGS)
class LearnerConfig:
    """What a training has to know of any learner's settings; learners add their own.

    batch_size, replay_capacity: transitions.
    corner_fraction: share of the preferences, played or not, that care for almost one objective only.
    """

    EARLIER: ClassVar[Mapping[str, Any]] = {}
    """What settings were when there was no choice: their values in files that do not know them."""

    batch_size: Count = 512
    replay_capacity: Count = 204_800
    corner_fraction: Share = 0.15

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Make a config from plain values, as a YAML or JSON file gives them; what is missing keeps its default.

        Raises ValueError of one line naming the field, and the nearest valid name for one that does not exist.
        """
        return checked(cls, mapping, "field")

    @classmethod
    def from_stored(cls, mapping: Mapping[str, Any]) -> Self:
        """Make a config from what `to_mapping` returned, perhaps in an earlier version. Errors as `from_mapping`."""
        return cls.from_mapping({**cls.EARLIER, **mapping})

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values (lists instead of tuples) that `from_mapping` turns into an equal config."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def checked(cls: type[Made], mapping: Mapping[str, Any], noun: str) -> Made:
    """Make an object of a pydantic dataclass from plain values, lists standing for tuples.

    Raises ValueError of one line: for a `noun` that does not exist, or for the first value that cannot be used.
    """
    fields: Mapping[str, FieldInfo] = cls.__pydantic_fields__  # type: ignore[attr-defined]
    for name in mapping:
        if name not in fields:
            raise ValueError(f"{name}: {no_such(noun, name, fields)}")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in mapping.items()}
    try:
        return cls(**values)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # a check of several fields at once, with words of its own
            raise ValueError(first["msg"].removeprefix("Value error, ")) from None
        name = str(first["loc"][0])
        raise ValueError(f"{name}: expected {expected(fields[name])}, got {mapping[name]!r}") from None


def no_such(noun: str, name: object, known: Iterable[str]) -> str:
    """Say that there is no such thing, and which of those there are has its initials or the nearest name."""
    names = list(known)
    meant = [one for one in names if "".join(word[:1] for word in one.split("_")) == str(name).lower()]
    near = meant or difflib.get_close_matches(str(name), names, n=1, cutoff=0.0)
    return f"no such {noun}; did you mean {near[0]}?"


def expected(field: FieldInfo, quoted: Callable[[Any], str] = repr) -> str:
    """Say in words what a setting may be; `quoted` writes the words that it chooses from."""
    return field.description or " or ".join(map(quoted, get_args(field.annotation)))
