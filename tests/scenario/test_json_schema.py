"""The JSON Schema that editors use: complete, described, and in agreement with what loads."""

import json
import re
from typing import Any

import pytest
import yaml

from mecsim.core.system import system_of_kind
from mecsim.errors import InputError
from mecsim.scenario import (
    builtin_names,
    json_schema,
    kind_schema,
    load_scenario,
    parse_scenario,
    scenario_to_yaml,
)

KEYWORDS = {
    "anyOf", "additionalProperties", "const", "default", "description", "enum", "examples", "exclusiveMinimum", "items",
    "maxItems", "maxLength", "maximum", "minItems", "minProperties", "minimum",
    "pattern", "prefixItems", "properties", "required", "type",
}  # fmt: skip
TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
                         "boolean": bool, "null": type(None)}  # fmt: skip


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """Whether `schema` accepts `value`, for the keywords that the schema of a scenario uses."""
    assert schema.keys() <= KEYWORDS | {"$schema", "title"}
    if "anyOf" in schema and not any(accepts(option, value) for option in schema["anyOf"]):
        return False
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return False
    if isinstance(value, dict) and "properties" in schema:
        below = schema["properties"]
        return set(schema.get("required", ())) <= value.keys() <= below.keys() and all(
            accepts(below[key], part) for key, part in value.items()
        )
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):  # free names
        return all(accepts(schema["additionalProperties"], part) for part in value.values())
    if isinstance(value, list):
        size = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        parts = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        return size and all(accepts(own, part) for own, part in zip(parts, value, strict=True))
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return False
    if isinstance(value, (int, float)):
        low, above = schema.get("minimum", value), schema.get("exclusiveMinimum", value - 1)
        if not (low <= value <= schema.get("maximum", value) and above < value):
            return False
    return value in schema.get("enum", [value]) and value == schema.get("const", value)


def sections(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """`schema` and everything below it that describes an object."""
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    return [schema] * (schema.get("type") == "object") + [found for part in parts for found in sections(part)]


def values(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(scenario_to_yaml(load_scenario(name)))
    return loaded


@pytest.mark.parametrize("kind", ["offload", "cells"])
def test_every_key_is_described_and_no_other_is_allowed(kind: str) -> None:
    found = sections(kind_schema(kind))
    assert len(found) > 10
    for section in found:
        free_names = section["additionalProperties"]
        assert free_names is False or isinstance(free_names, dict)
        for key, part in section.get("properties", {}).items():
            assert part.get("description", "").endswith("."), key


def test_the_schema_is_plain_json_without_references() -> None:
    text = json.dumps(json_schema())
    assert "$ref" not in text
    assert "$id" not in text
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", list(builtin_names()))
def test_built_ins_satisfy_the_schema(name: str) -> None:
    assert accepts(json_schema(), values(name))


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("users", "count", 0),
        ("users", "counts", 3),
        ("users", "arrival_rate", 0.1),
        ("servers", "edge", {"count": 0}),
        ("servers", "edge", {"cpu": ["1 GHz"]}),
        ("channel", "fading", "sometimes"),
        ("channel", "bandwidth", "wide"),
        ("energy", "capacitance", 0),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(section: str, key: str, value: object) -> None:
    changed = values("gmorl")
    changed[section][key] = value
    assert not accepts(json_schema(), changed)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("cells", "blocks", 0),
        ("service", "load", -1),
        ("satisfaction", "form", "linear"),
        ("population", "applications", {"voice": {"min_rates": "1 kbit/s"}}),
        ("population", "personas", {"one": {"share": 0}}),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses_of_cells(section: str, key: str, value: object) -> None:
    changed = values("personalized-cell")
    changed[section][key] = value
    assert not accepts(json_schema(), changed)


@pytest.mark.parametrize("kind", ["offload", "cells"])
def test_defaults_are_written_as_in_a_file(kind: str) -> None:
    found = kind_schema(kind)["properties"]
    if kind == "offload":
        assert found["channel"]["properties"]["bandwidth"]["default"] == "16.6 MHz"
        assert found["servers"]["properties"]["edge"]["properties"]["cpu"]["default"] == "[1.75, 2.25] GHz"

    def defaults(part: dict[str, Any]) -> Any:
        below = part.get("properties")
        return {key: defaults(value) for key, value in below.items()} if below else part["default"]

    written = {key: defaults(part) for key, part in found.items() if key not in ("mecsim", "kind")}
    expected = parse_scenario(f"mecsim: 1\nkind: {kind}\n").model_dump(mode="json", by_alias=True)
    assert {"mecsim": 1, "kind": kind, **written} == expected


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(InputError, match="no kind of scenario is called 'other', expected one of offload, cells"):
        system_of_kind("other")
