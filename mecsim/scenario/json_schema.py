"""JSON Schema of a scenario file, for editors that complete and check YAML while it is written."""

from typing import Any

from mecsim.core.system import SYSTEMS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
UNKNOWN = object()  # a default of an entry that may not be there at all


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a scenario file as it is written: YAML keys, and quantities as text with units.

    It checks form, not physics: that a unit fits its key, and checks across keys, are left to `load_scenario`.
    """
    return {
        "$schema": DIALECT,
        "title": "mecsim scenario",
        "description": "A scenario of mecsim. Quantities carry their units, as in 16.6 MHz; unknown keys are errors.",
        "anyOf": [kind_schema(kind) for kind in SYSTEMS.plugins],
    }


def kind_schema(kind: str) -> dict[str, Any]:
    """The part of the schema for one kind of scenario."""
    model = SYSTEMS.load(kind).scenario
    schema = model.model_json_schema(by_alias=True, mode="validation")
    sections = schema.pop("$defs")
    defaults = model.model_validate({"mecsim": 1, "kind": kind}).model_dump(mode="json", by_alias=True)
    properties = {name: _inline(part, sections, defaults[name]) for name, part in schema["properties"].items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": schema["required"],
        "properties": properties,
    }


def _inline(part: dict[str, Any], sections: dict[str, Any], default: Any) -> dict[str, Any]:
    """`part` with references replaced by what they name and with defaults as a file would give them."""
    result = {key: value for key, value in part.items() if key not in ("title", "default", "$ref")}
    if "default" in part and "$ref" not in part and default is not UNKNOWN:
        result["default"] = default
    if isinstance(entry := part.get("additionalProperties"), dict) and "$ref" in entry:
        result["additionalProperties"] = _section(entry["$ref"], sections, None)
    if "$ref" in part:
        result = {**_section(part["$ref"], sections, default if isinstance(default, dict) else None), **result}
    elif "anyOf" in part:
        result["anyOf"] = [
            _section(option["$ref"], sections, None) if "$ref" in option else option for option in part["anyOf"]
        ]
    return result


def _section(reference: str, sections: dict[str, Any], defaults: dict[str, Any] | None) -> dict[str, Any]:
    """The section that `reference` names; `defaults` are its values by key, None where it need not be there."""
    section = sections[reference.rsplit("/", 1)[-1]]
    properties = {
        key: _inline(part, sections, defaults.get(key, part.get("default", UNKNOWN)) if defaults else UNKNOWN)
        for key, part in section["properties"].items()
    }
    return {
        "type": "object",
        "description": section["description"],
        "additionalProperties": False,
        "properties": properties,
    }
