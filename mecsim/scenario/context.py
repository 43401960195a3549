"""A scenario with some of its values replaced, as `--context servers.edge.cpu="2 GHz"` asks for."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel

from mecsim.errors import ScenarioError
from mecsim.scenario.cell import CellScenario
from mecsim.scenario.kinds import AnyScenario
from mecsim.scenario.model import Scenario
from mecsim.scenario.problems import check, keys_of
from mecsim.scenario.text import TextProblem, dotted, one_line, read_plain

SHORT_KEYS = {"edges": "servers.edge.count"}
_EXAMPLES: dict[type[AnyScenario], str] = {
    Scenario: "'edges' or 'servers.edge.cpu'",
    CellScenario: "'users.count' or 'cells.blocks'",
}


def with_context(scenario: AnyScenario, assignments: Mapping[str, str]) -> AnyScenario:
    """`scenario` with YAML values assigned to dotted YAML keys, such as `{"servers.edge.cpu": "2 GHz"}`.

    `edges` is short for `servers.edge.count`. Raises ScenarioError with one line per finding.
    """
    root = scenario.model_dump(mode="json", by_alias=True)
    if isinstance(scenario, Scenario) and (
        scenario.tasks.size.mean_bit != "balanced" or "tasks.size.mean" in assignments
    ):
        del root["tasks"]["size"]["load"]  # only a balanced mean has one, and a new mean starts afresh
    problems: list[str] = []
    for key, text in assignments.items():
        name = SHORT_KEYS.get(key, key)
        if name not in _keys(type(scenario)):
            problems.append(f"--context: {one_line(key)}: unknown key, {_suggestion(key, type(scenario))}")
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
        _put(root, name.split("."), plain.root["value"])
        if (
            name == "servers.edge.sites"
            and plain.root["value"]
            and not {"edges", "servers.edge.count"} & set(assignments)
        ):
            root["servers"]["edge"].pop("count", None)  # as many edges as there are sites now
    changed, findings = check(root)
    problems += [f"--context: {dotted(path)}: {message}" for path, message in findings]
    if problems or changed is None:
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


def _suggestion(key: str, scenario: type[AnyScenario]) -> str:
    """The key that was probably meant: one spelled like it, or one that ends in the same word."""
    known = [*(short for short, name in SHORT_KEYS.items() if name in _keys(scenario)), *_keys(scenario)]
    same_end = [name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    close = get_close_matches(key[:100], known, n=1, cutoff=0.6) or same_end
    return f"did you mean '{close[0]}'?" if close else f"expected a key such as {_EXAMPLES[scenario]}"


def _put(root: dict[str, Any], keys: list[str], value: Any) -> None:
    """Sets the value at `keys`; a section that is null becomes one."""
    for key in keys[:-1]:
        if not isinstance(root.get(key), dict):
            root[key] = {}
        root = root[key]
    root[keys[-1]] = value
