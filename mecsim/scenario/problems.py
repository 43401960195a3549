"""Plain values to a checked Scenario, or every finding with its key path in words a scenario's author knows."""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mecsim.core.laws import LAW, LawSection
from mecsim.core.scenario import Scenario
from mecsim.core.system import SYSTEMS, system_of_kind
from mecsim.errors import InputError
from mecsim.scenario.text import Path
from mecsim.schema.fields import FileContext
from mecsim.schema.units import show
from mecsim.schema.words import nearest

_EXPECTED = {  # pydantic's error types that need no details
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list such as [delay, energy]",
    "too_short": "at least one entry",
}


def check(
    root: Any, refused: frozenset[Path] = frozenset(), folder: str = "", complete: bool = False
) -> tuple[Scenario | None, list[tuple[Path, str]]]:
    """The scenario that `root` describes, with units as in a file, and all findings as `(key path, message)`.

    Paths of data files are relative to `folder`, by default the working folder. `complete` also asks for all that a run
    will need.
    Paths in `refused` are known to be wrong already: what else is found at or below them is not reported again.
    """
    if not isinstance(root, dict):
        return None, [((), f"expected keys such as 'mecsim: 1' and 'kind: offload', got {show(root)}")]
    findings: list[tuple[Path, str]] = []
    model, kind = _model_of(root.get("kind"))
    known = _known_part({**root, **kind}, model, (), findings)
    scenario = None
    try:
        scenario = model.model_validate(known, context=FileContext(folder=folder, complete=complete))
    except ValidationError as error:
        for details in error.errors(include_url=False):
            findings += _explain(details, model)
    if scenario and complete:
        findings += [(tuple(key.split(".")), message) for key, message in scenario.check_needs()]
    return scenario, [(path, message) for path, message in findings if not _below(path, refused)]


def _model_of(kind: Any) -> tuple[type[Scenario], dict[str, str]]:
    """What a scenario of a kind has to be, and the name of the kind; an offloading scenario where that is none."""
    try:
        system = system_of_kind(kind if isinstance(kind, str) else "")
    except InputError:
        return SYSTEMS.load("offload").scenario, {}
    return system.scenario, {"kind": system.name}


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The model in a field's annotation `Model` or `Model | None`; None for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType):
        return next((model for part in get_args(annotation) if (model := section_of(part))), None)
    return None


def entries_of(annotation: Any) -> type[BaseModel] | None:
    """The model of the values of a field that is a mapping, whose keys are free names; None for any other field."""
    if get_origin(annotation) is Annotated:
        return entries_of(get_args(annotation)[0])
    if get_origin(annotation) in (dict, Mapping):
        return section_of(get_args(annotation)[1])
    return None


def keys_of(model: type[BaseModel], values: Mapping[str, Any] | None = None) -> dict[str, type[BaseModel] | None]:
    """The YAML keys of `model`, each with the model of the section below it.

    Where the section names a law, these are the keys that may stand beside the name in `values`; without values those
    of all laws.
    """
    fields = {field.alias or name: section_of(field.annotation) for name, field in model.model_fields.items()}
    if not issubclass(model, LawSection):
        return fields
    name = None if values is None else values.get(model.CHOICE, model.model_fields[model.CHOICE].default)
    return {key: fields.get(key) for key in (model.all_keys() if values is None else model.known_keys(name))}


def _known_part(root: dict[str, Any], model: type[BaseModel], path: Path, findings: list[Any]) -> dict[str, Any]:
    """`root` without its unknown keys, which go to `findings`. Attribute names are no YAML keys, so pydantic's own
    check, which takes both, would let `bandwidth_hz` through."""
    keys = keys_of(model, root)
    entries = {field.alias or name: entries_of(field.annotation) for name, field in model.model_fields.items()}
    known: dict[str, Any] = {}
    for key, value in root.items():
        if key not in keys:
            findings.append(((*path, key), f"unknown key, {nearest(key, list(keys))}"))
            continue
        section, entry = keys[key], entries.get(key)
        if section and isinstance(value, dict):
            value = _known_part(value, section, (*path, key), findings)
        elif entry and isinstance(value, dict):
            value = {
                name: _known_part(part, entry, (*path, key, name), findings) if isinstance(part, dict) else part
                for name, part in value.items()
            }
        known[key] = value
    return known


def _explain(details: ErrorDetails, model: type[Scenario]) -> list[tuple[Path, str]]:
    """One pydantic error as findings."""
    path = tuple(part for part in details["loc"] if part != LAW)
    given, context = show(details["input"]), details.get("ctx", {})
    match details["type"]:
        case "findings":
            return [((*path, *where.split(".")), message) for where, message in context["findings"]]
        case "value_error" if path == ("mecsim",):
            return [(path, f"expected 1, the version of this format, got {given}")]
        case "value_error":
            return [(path, str(context["error"]))]
        case "missing":
            return [(path, f"missing, expected '{path[-1]}: {'1' if path[-1] == 'mecsim' else 'offload'}'")]
        case "literal_error" if path == ("kind",):
            return [(path, f"expected {' or '.join(map(repr, SYSTEMS.plugins))}, got {given}")]
        case "literal_error":
            options = str(context["expected"]).replace("False", "false")
            return [(path, f"expected {options}, got {given}")]
        case "model_type" | "dict_type":
            return [(path, f"expected {_keys_text(path, model)}, got {given}")]
        case "too_long":
            return [(path, f"expected at most {context['max_length']} entries, got {context['actual_length']}")]
        case "string_too_long":
            return [(path, f"expected at most {context['max_length']} characters")]
        case kind:
            return [(path, f"expected {_EXPECTED.get(kind, details['msg'])}, got {given}")]


def _keys_text(path: Path, scenario: type[Scenario]) -> str:
    """`keys such as count and arrival_rate`, for the section at `path`."""
    model: type[BaseModel] | None = scenario
    for part in path:
        model = keys_of(model).get(str(part)) if model else None
    names = list(keys_of(model))[:2] if model else []
    return f"keys such as {' and '.join(names)}"


def _below(path: Path, refused: frozenset[Path]) -> bool:
    return any(path[:length] in refused for length in range(len(path) + 1))
