"""A scenario with some of its values replaced, as `--context servers.edge.cpu="2 GHz"` asks for."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from mecsim.core.engine import ScenarioT
from mecsim.core.laws import LawSection
from mecsim.core.scenario import Scenario
from mecsim.errors import ScenarioError
from mecsim.scenario.problems import check, keys_of
from mecsim.scenario.text import TextProblem, dotted, read_plain
from mecsim.schema.words import close_name, one_line


def with_context(scenario: ScenarioT, assignments: Mapping[str, str]) -> ScenarioT:
    """`scenario` with YAML values assigned to dotted YAML keys, such as `{"servers.edge.cpu": "2 GHz"}`.

    A system may have short words for keys, such as `edges` for `servers.edge.count`. Raises ScenarioError with one line
    per finding.
    """
    kind, problems = type(scenario), list[str]()
    assigned: dict[str, Any] = {}
    for key, text in assignments.items():
        name = kind.SHORT_KEYS.get(key, key)
        if name not in _keys(kind):
            problems.append(f"--context: {one_line(key)}: unknown key, {_suggestion(key, kind)}")
            continue
        try:
            plain = read_plain(f"value: {text}")
        except TextProblem as problem:
            problems.append(f"--context: {name}: {problem.message}")
            continue
        problems += [f"--context: {name}: {message}" for _, _, message in plain.findings]
        if set(plain.root) != {"value"}:
            problems.append(f"--context: {name}: expected a single value, got {text!r}")
            continue
        assigned[name] = plain.root["value"]
    root = scenario.model_dump(mode="json", by_alias=True)
    kind.adapt(root, assigned)
    _leave_laws(root, assigned, kind)
    for name, value in assigned.items():
        _put(root, name.split("."), value)
    changed, findings = check(root)
    problems += [f"--context: {dotted(path)}: {message}" for path, message in findings]
    if problems or not isinstance(changed, kind):
        raise ScenarioError(problems)
    return changed


@cache
def _keys(scenario: type[BaseModel]) -> tuple[str, ...]:
    """Every dotted key of a scenario file, sections included."""

    def below(model: type[BaseModel], prefix: str) -> Iterator[str]:
        for key, section in keys_of(model).items():
            yield prefix + key
            if section:
                yield from below(section, f"{prefix}{key}.")

    return tuple(below(scenario, ""))


def known_keys(scenario: type[Scenario]) -> tuple[str, ...]:
    """What `with_context` knows: short words, and every dotted key of a scenario file, sections included."""
    return (*scenario.SHORT_KEYS, *_keys(scenario))


def _suggestion(key: str, scenario: type[Scenario]) -> str:
    """The key that was probably meant: one spelled like it, or one that ends in the same word."""
    known = known_keys(scenario)
    same_end = (name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1])
    close = close_name(key, known) or next(same_end, None)
    return (
        f"did you mean '{close}'?"
        if close is not None
        else "expected a key such as " + " or ".join(map(repr, scenario.EXAMPLE_KEYS))
    )


def _leave_laws(root: dict[str, Any], assigned: Mapping[str, Any], scenario: type[Scenario]) -> None:
    """Where another law is named, drop the keys that only the former one has."""
    for name, value in assigned.items():
        *path, last = name.split(".")
        section: type[BaseModel] | None = scenario
        values: Any = root
        for key in path:
            section = keys_of(section)[key] if section else None
            values = values.get(key) if isinstance(values, dict) else None
        if section and issubclass(section, LawSection) and last == section.CHOICE and isinstance(values, dict):
            for key in set(values) - set(section.known_keys(value)):
                del values[key]


def _put(root: dict[str, Any], keys: list[str], value: Any) -> None:
    """Sets the value at `keys`; a section that is null becomes one."""
    for key in keys[:-1]:
        if not isinstance(root.get(key), dict):
            root[key] = {}
        root = root[key]
    root[keys[-1]] = value
