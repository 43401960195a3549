"""Laws: models of a phenomenon that a scenario names, each one class in one file, found by name.

A law is a section of its own, whose keys stand in the section that names it, beside those which are there whatever the
law: in `channel: {model: rayleigh, bandwidth: 1 MHz, shadowing: 6 dB}`, `shadowing` is a key of `rayleigh`. Keys of
other built-in laws may stand there at their defaults, as in a file that was written with all values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from mecsim.core.plugins import BUILT_IN, Registry
from mecsim.schema.fields import FileContext, Finding, Section, refuse
from mecsim.schema.units import show

LAW = "(law)"
"""Stands before a law's keys in the paths of pydantic's errors; no key of a file is called so."""


class Law(Section):
    """Base of all laws. Its fields are its keys: plain values, each with a default and a description."""

    ABOUT: ClassVar[str]  # a sentence, for the description of the key that names it


@dataclass(frozen=True)
class _Given:
    """What stands in a section for its law."""

    section: "type[LawSection]"
    name: object
    keys: Mapping[str, Any]


class LawSection(Section):
    """A section that names a law. Subclasses declare the field `CHOICE`, a name, and `law`, as `law: LAW_FIELD`."""

    # Keys of laws are no fields, and type checkers have to let them pass; which there are is checked here.
    model_config = ConfigDict(extra="allow")

    LAWS: ClassVar[Registry[Any]]  # of types of `Law`
    CHOICE: ClassVar[str] = "model"
    DEFAULTS: ClassVar[Mapping[str, object]] = {}
    """By YAML key, as in a file: defaults that this section has other than the laws' own."""

    if TYPE_CHECKING:
        law: Any  # a Law

    @classmethod
    def built_in(cls) -> dict[str, type[Law]]:
        """The laws of mecsim, by name."""
        return {name: cls.LAWS.load(name) for name, place in cls.LAWS.plugins.items() if place.package == BUILT_IN}

    @classmethod
    def law_named(cls, name: object) -> type[Law] | None:
        """The law of a name; None where there is none."""
        return cls.LAWS.load(name) if isinstance(name, str) and name in cls.LAWS.plugins else None

    @classmethod
    def default_of(cls, law: type[Law]) -> Law:
        """A law at the defaults it has in this section."""
        return law.model_validate({key: value for key, value in cls.DEFAULTS.items() if key in _words(law)})

    @classmethod
    def keys_with(cls, laws: Iterable[type[Law]]) -> list[str]:
        """The YAML keys of this section with the keys of some laws."""
        own = [field.alias or name for name, field in cls.model_fields.items() if name != "law"]
        return list(dict.fromkeys([*own, *(key for law in laws for key in _keys(law))]))

    @classmethod
    def known_keys(cls, name: object) -> list[str]:
        """The YAML keys that may stand beside the name of a law: also those of built-in laws, at their defaults."""
        law = cls.law_named(name)
        return cls.keys_with([*cls.built_in().values(), *([law] if law else [])])

    @classmethod
    def all_keys(cls) -> list[str]:
        """The YAML keys with any law."""
        return cls.keys_with(cls.LAWS.load(name) for name in cls.LAWS.plugins)

    @model_validator(mode="before")
    @classmethod
    def _set_apart(cls, values: Any) -> Any:
        """The keys of the law apart from those of the section."""
        if not isinstance(values, dict) or "law" in values:
            return values
        own = {word for name, field in cls.model_fields.items() for word in (name, field.alias)}
        keys = {key: value for key, value in values.items() if key not in own}
        name = values.get(cls.CHOICE, cls.model_fields[cls.CHOICE].default)
        return {**{key: value for key, value in values.items() if key in own}, LAW: _Given(cls, name, keys)}

    @field_validator("*", mode="before")
    @classmethod
    def _check_name(cls, value: Any, info: ValidationInfo) -> Any:
        if info.field_name == cls.CHOICE and cls.law_named(value) is None:
            *names, last = map(repr, cls.LAWS.plugins)
            raise ValueError(f"expected {', '.join(names)} or {last}, got {show(value)}")
        return value

    @model_serializer(mode="wrap")
    def _write(self, write: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """With the keys of its law, and those of other built-in laws at their defaults."""
        values: dict[str, Any] = write(self)
        for law in self.built_in().values():
            default = self.default_of(law).model_dump(mode=info.mode, by_alias=info.by_alias, context=info.context)
            values |= {key: value for key, value in default.items() if key not in values}
        own: dict[str, Any] = self.law.model_dump(mode=info.mode, by_alias=info.by_alias, context=info.context)
        return values | own

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """An object with the keys of all laws; which of them belong together is left to the reader of a file."""
        found = handler(schema)
        section = handler.resolve_ref_schema(found)
        section["additionalProperties"] = False
        properties = section["properties"]
        del properties[LAW]
        laws: dict[str, type[Law]] = {name: cls.LAWS.load(name) for name in cls.LAWS.plugins}
        about = _told({name: law.ABOUT for name, law in laws.items()})
        properties[cls.CHOICE] |= {"type": "string", "enum": list(laws), "description": about}
        for key in cls.keys_with(laws.values()):
            if key not in properties:
                properties[key] = cls._key_schema(key, {name: law for name, law in laws.items() if key in _keys(law)})
        return found

    @classmethod
    def _key_schema(cls, key: str, laws: Mapping[str, type[Law]]) -> dict[str, Any]:
        """What may stand at a key that some laws have."""
        parts = {name: dict(law.model_json_schema()["properties"][key]) for name, law in laws.items()}
        told = _told({name: part.pop("description", "") for name, part in parts.items()})
        for part in parts.values():
            part.pop("default", None)
            part.pop("title", None)
        forms = [part for index, part in enumerate(parts.values()) if part not in list(parts.values())[:index]]
        form = forms[0] if len(forms) == 1 else {"anyOf": forms}
        first = cls.default_of(next(iter(laws.values())))
        return {**form, "description": told, "default": first.model_dump(mode="json", by_alias=True)[key]}


def _law_of(given: Any, info: ValidationInfo) -> Any:
    """The law that a section names, of the keys that stand there."""
    if not isinstance(given, _Given):
        return given
    section, law = given.section, given.section.law_named(given.name)
    if law is None:  # which is told at the name
        return section.default_of(section.built_in()[section.model_fields[section.CHOICE].default])
    own = {key: value for key, value in section.DEFAULTS.items() if key in _words(law)}
    findings: list[Finding] = []
    for key, value in given.keys.items():
        others = {name: other for name, other in section.built_in().items() if key in _words(other)}
        if key in _words(law) or not others:  # an unknown key is refused with the law's own
            own.pop(_words(law).get(key, key), None)
            own[key] = value
        elif not _is_default(section, next(iter(others.values())), key, value, info.context):
            cure = f"{section.CHOICE}: {' or '.join(others)}"
            findings.append((key, f"has no meaning here, expected {cure} or the default"))
    made = law.model_validate(own, context=info.context)
    refuse(findings)
    return made


LAW_FIELD = BeforeValidator(_law_of)
"""Annotation of the field `law` of a `LawSection`."""


def _is_default(section: type[LawSection], law: type[Law], key: str, value: Any, context: FileContext | None) -> bool:
    """Whether a value is the default of a law's key. Raises ValidationError for one that the key cannot have."""
    try:
        given = law.model_validate({key: value}, context=context)
    except ValidationError as error:
        if all(details["type"] == "findings" for details in error.errors(include_url=False)):
            return False
        raise
    name = _words(law)[key]
    return bool(_by_key(given)[name] == _by_key(section.default_of(law))[name])


def _by_key(law: Law) -> dict[str, Any]:
    """The values of a law in SI units by YAML key."""
    return law.model_dump(by_alias=True)


def _keys(law: type[Law]) -> list[str]:
    """The YAML keys of a law."""
    return [field.alias or name for name, field in law.model_fields.items()]


def _words(law: type[Law]) -> dict[str, str]:
    """The YAML key of each word that stands for it: itself and the attribute's name."""
    return {
        word: field.alias or name for name, field in law.model_fields.items() for word in (name, field.alias or name)
    }


def _told(texts: Mapping[str, str]) -> str:
    """What is said of laws, by name: each text once, after the names of those it is about."""
    names: dict[str, list[str]] = {}
    for name, text in texts.items():
        names.setdefault(text, []).append(name)
    return " ".join(f"{', '.join(about)}: {text}" for text, about in names.items())
