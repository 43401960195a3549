"""Scenarios from files and by name, and back to YAML."""

import os
from functools import cache
from pathlib import Path

import yaml

from mecsim.core.scenario import Scenario
from mecsim.errors import ScenarioError
from mecsim.scenario.problems import check
from mecsim.scenario.text import MAX_BYTE, TextProblem, dotted, read_plain
from mecsim.schema.words import nearest, one_line


def load_scenario(source: str | Path | Scenario, complete: bool = False) -> Scenario:
    """The scenario of a built-in's name or a file's path; a scenario passes through.

    `complete` also asks for what only a run needs, such as a predictor.

    A built-in's name wins over a file of that name in the working folder; write `./name` for the file.
    Raises ScenarioError with one line per finding.
    """
    if isinstance(source, Scenario):
        return source
    name = os.fspath(source)
    built_in = _built_in_files().get(name) if isinstance(source, str) else None
    path = built_in or Path(name)
    return parse_scenario(_read(path, name), name, path.parent, complete)


def parse_scenario(text: str, name: str = "scenario", folder: str | Path = "", complete: bool = False) -> Scenario:
    """The scenario that YAML `text` describes; `name` stands for the file in messages.

    Paths of data files are relative to `folder`, by default the working folder, and absolute in the scenario.
    `complete`: see `load_scenario`.

    Raises ScenarioError with one line per finding: `NAME:LINE: servers.edge.cpu: what is wrong, what is expected`.
    """
    name = one_line(name)
    try:
        plain = read_plain(text)
    except TextProblem as problem:
        place = name if problem.line is None else f"{name}:{problem.line}"
        raise ScenarioError([f"{place}: {problem.message}"]) from None
    refused = frozenset(path for _, path, _ in plain.findings)
    scenario, checked = check(plain.root, refused, str(folder), complete)
    findings = plain.findings + [(plain.line(path), path, message) for path, message in checked]
    if findings or scenario is None:
        findings.sort(key=lambda finding: finding[0])
        raise ScenarioError(
            [
                one_line(f"{name}:{line}: {dotted(path)}: {message}").replace(": : ", ": ", 1)
                for line, path, message in findings
            ]
        )
    return scenario


def builtin_names() -> dict[str, str]:
    """The built-in scenarios: name to description, in alphabetical order."""
    return {name: load_scenario(name).description for name in _built_in_files()}


def scenario_to_yaml(scenario: Scenario) -> str:
    """All values of `scenario`, defaults included, as YAML that `parse_scenario` reads back to an equal scenario."""
    values = scenario.model_dump(mode="json", by_alias=True)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)


@cache
def _built_in_files() -> dict[str, Path]:
    """Name to file. An installed package holds `scenarios/` inside, a source checkout beside the package."""
    package = Path(__file__).parents[1]
    folder = next((place for place in (package / "scenarios", package.parent / "scenarios") if place.is_dir()), None)
    return {file.stem: file for file in sorted(folder.glob("*.yaml"), key=lambda file: file.stem)} if folder else {}


def _read(path: Path, name: str) -> str:
    """The text of `path`, at most 1 MiB."""
    name = one_line(name)
    try:
        if path.is_dir():
            raise ScenarioError([f"{name}: is a folder, expected a scenario file or a built-in's name"])
        if path.exists() and not path.is_file():
            raise ScenarioError([f"{name}: is not a regular file, expected a scenario file or a built-in's name"])
        with path.open("rb") as file:
            data = file.read(MAX_BYTE + 1)
    except FileNotFoundError:
        suggestion = nearest(Path(name).stem, list(_built_in_files()))
        raise ScenarioError([f"{name}: no such file and no built-in of that name, {suggestion}"]) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ScenarioError([f"{name}: cannot be read: {reason}, expected a readable scenario file"]) from None
    if len(data) > MAX_BYTE:
        raise ScenarioError([f"{name}: larger than 1 MiB, expected a scenario of a few kilobytes"])
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError([f"{name}:{line}: is not UTF-8 text, expected a YAML file"]) from None
