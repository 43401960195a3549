"""Wrong input about people, their requests and what was learnt of them: exit code 2, one line, nothing touched."""

from pathlib import Path

import numpy as np
import pytest

from mecsim.systems.cells.scenario import CellsScenario
from tests.cli.conftest import Command
from tests.predictor.request_log import small_log

HEAD = "mecsim: 1\nkind: personalize\n"
FILM = "population: {{applications: {{film: {{min_rate: {}, demand_rate: 4 Mbit/s, duration: 1 min}}}}}}"
PERSONA = "population: {{personas: {{a: {{{}}}}}}}"

SCENARIOS = {
    "a negative rate": (FILM.format("-1 Mbit/s"), "applications.film.min_rate: expected a bit rate above 0"),
    "a window too short": (
        "memory: {churn: {below: 4, window: 3}}",
        "memory.churn.below: expected at most the window, 3, got 4",
    ),
    "a rate in kg": (FILM.format("5 kg"), "applications.film.min_rate: expected a bit rate such as"),
    "a rate without a unit": (FILM.format("5"), "applications.film.min_rate: expected a bit rate"),
    "a minimum above the demand": (FILM.format("5 Mbit/s"), "applications.film.min_rate: lies above demand_rate"),
    "no rate": (
        "population: {applications: {film: {demand_rate: 4 Mbit/s, duration: 1 min}}}",
        "applications.film.min_rate: missing",
    ),
    "no duration": (
        "population: {applications: {film: {min_rate: 1 Mbit/s, demand_rate: 4 Mbit/s, duration: 0 s}}}",
        "applications.film.duration: expected a duration above 0",
    ),
    "an inverted zone": (PERSONA.format("adequate: 0.8, desired: 0.3"), "personas.a.adequate: expected a position"),
    "shares of personas": (
        "population: {personas: {a: {share: 0.4}, b: {share: 0.4}}}",
        "population.personas: expected shares that sum to 1, got a sum of 0.8",
    ),
    "shares of applications": (
        PERSONA.format("applications: {voice: 0.4, ar: 0.4}"),
        "personas.a.applications: expected shares that sum to 1, got a sum of 0.8",
    ),
    "shares of activities": (
        "population: {activities: {home: {sitting: 0.5}}}",
        "activities.home: expected shares that sum to 1, got a sum of 0.5",
    ),
    "an unknown application": (PERSONA.format("applications: {voise: 1}"), "unknown application, did you mean 'voice'"),
    "an unknown place": (PERSONA.format("weekday: {0: hoem}"), "unknown place 'hoem', did you mean 'home'"),
    "an unknown context": (PERSONA.format("shifts: {monring: 0.1}"), "unknown context, did you mean 'morning'"),
    "a persona that is a number": ("population: {personas: {a: 3}}", "personas.a: expected keys such as share"),
    "no persona": ("population: {personas: {}}", "population.personas: expected a mapping"),
    "a misspelt section": ("population: {persona: {}}", "population.persona: unknown key, did you mean 'personas'"),
    "an unknown law of arrivals": ("arrivals: {model: poison}", "arrivals.model: expected 'poisson' or 'gamma'"),
    "an unknown form": ("satisfaction: {form: zones}", "satisfaction.form: expected 'zone', 'power'"),
    "a negative spread": ("satisfaction: {spread: -1}", "satisfaction.spread: expected a number of 0 or more"),
    "a key without effect": ("satisfaction: {wait_at_demand: 1 s}", "satisfaction.wait_at_demand: has no meaning"),
    "an unknown predictor": ("satisfaction: {predictor: orakle}", "did you mean 'oracle'"),
    "a predictor that is a number": ("satisfaction: {predictor: 3}", "satisfaction.predictor: expected oracle"),
    "one level": ("service: {levels: 1}", "service.levels: expected at least 2, got 1"),
    "a negative load": ("service: {load: -2}", "service.load: expected a number above 0, got -2"),
    "more candidates than cells": ("cells: {candidates: 3}", "cells.candidates: expected at most the number of cells"),
    "hours the wrong way round": ("episode: {hours: [21, 17]}", "episode.hours: expected two hours of a day"),
    "an objective of the other kind": ("objectives: [satisfaction, delay]", "objectives[1]: expected 'satisfaction'"),
    "nobody": ("users: {count: 0}", "users.count: expected at least 1, got 0"),
    "one scale of two": ("evaluation: {scale: {satisfaction: 2}}", "evaluation.scale.saved_resources: missing"),
}


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_a_scenario_that_cannot_be(refused: Command, tmp_path: Path, name: str) -> None:
    content, part = SCENARIOS[name]
    (tmp_path / "wrong.yaml").write_text(f"{HEAD}{content}\n")
    said = refused("validate", "wrong.yaml")
    assert said.err.startswith("wrong.yaml:3: ")
    assert part in said.err
    for arguments in (
        ("simulate", "wrong.yaml", "--plot", "satisfaction", "--out", "new"),
        ("dataset", "wrong.yaml", "--out", "log.csv"),
        ("sweep", "greedy", "--scenario", "wrong.yaml", "--out", "new"),
        ("train", "wrong.yaml", "--out", "new"),
        ("bench", "--scenario", "wrong.yaml"),
    ):
        assert refused(*arguments).err == said.err


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "no such file, expected a predictor"),
        (b"", "is no predictor, or damaged"),
        (b"mecsim: 1\n", "is no predictor, or damaged"),
        (np.random.default_rng(0).bytes(3000), "is no predictor, or damaged"),
    ],
    ids=["absent", "empty", "text", "noise"],
)
def test_a_predictor_that_is_none_is_found_before_anything_is_written(
    refused: Command, tmp_path: Path, content: bytes | None, part: str
) -> None:
    if content is not None:
        (tmp_path / "people.safetensors").write_bytes(content)
    (tmp_path / "cell.yaml").write_text(f"{HEAD}satisfaction: {{predictor: people.safetensors}}\n")
    for arguments in (
        ("simulate", "cell.yaml"),
        ("train", "cell.yaml", "--steps", 100),
        ("sweep", "greedy", "--scenario", "cell.yaml", "--episodes", 1, "--preferences", 2),
    ):
        assert part in refused(*arguments, "--out", "new").err
    assert part in refused("bench", "--scenario", "cell.yaml").err
    told = refused("validate", "cell.yaml").err
    assert told.startswith("cell.yaml:3: satisfaction.predictor: ")
    assert part.partition(",")[0] in told


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("personalized-cel", "--out", "log.csv"), "did you mean 'personalized-cell'"),
        (("personalized-cell", "--users", 0, "--out", "log.csv"), "'--users': 0 is not in the range"),
        (("personalized-cell", "--users", "x", "--out", "log.csv"), "'x' is not a valid integer"),
        (("personalized-cell", "--days", -1, "--out", "log.csv"), "'--days': -1 is not in the range"),
        (("personalized-cell", "--seed", -1, "--out", "log.csv"), "'--seed': -1 is not in the range"),
        (("personalized-cell", "--out", "file/log.csv"), "cannot be written"),
    ],
)
def test_a_log_that_cannot_be_written(
    refused: Command, tmp_path: Path, arguments: tuple[int | str, ...] | tuple[str, ...], part: str
) -> None:
    (tmp_path / "file").write_text("precious")
    assert part in refused("dataset", *arguments).err


ROW = 3  # a line of the log that is spoilt
LOGS = {
    "nothing": (lambda lines: [], "no column 'user', 'date', 'application'"),
    "a header": (lambda lines: lines[:1], "no requests, expected at least one"),
    "text for a rating": (
        lambda lines: spoilt(lines, "satisfaction_noisy", "many"),
        ":3: satisfaction_noisy: got 'many'",
    ),
    "a rating of 7": (lambda lines: spoilt(lines, "satisfaction_noisy", "7"), ":3: satisfaction_noisy: got '7'"),
    "text for a rate": (lambda lines: spoilt(lines, "given_rate_kbit_per_s", "fast"), ":3: given_rate_kbit_per_s: got"),
    "a negative rate": (lambda lines: spoilt(lines, "min_rate_kbit_per_s", "-5"), ":3: min_rate_kbit_per_s: got '-5'"),
    "an unknown activity": (
        lambda lines: spoilt(lines, "activity", "x"),
        ":3: activity: got 'x', expected one of layi",
    ),
    "no date": (lambda lines: spoilt(lines, "date", "yesterday"), ":3: date: got 'yesterday'"),
    "one value more": (lambda lines: [*lines[:2], lines[2] + ",7", *lines[3:]], "cannot be read"),
}


def spoilt(lines: list[str], column: str, value: str) -> list[str]:
    """The log with another value in one of its rows."""
    values = lines[ROW - 1].split(",")
    values[lines[0].replace('"', "").split(",").index(column)] = value
    return [*lines[: ROW - 1], ",".join(values), *lines[ROW:]]


@pytest.mark.parametrize("name", list(LOGS))
def test_a_log_that_teaches_nothing(refused: Command, tmp_path: Path, name: str) -> None:
    change, part = LOGS[name]
    small_log(users=6, days=3).write(tmp_path / "log.csv")
    lines = (tmp_path / "log.csv").read_text().splitlines()
    (tmp_path / "log.csv").write_text("".join(f"{line}\n" for line in change(lines)))
    said = refused("fit", "log.csv", "--out", "people.safetensors")
    assert said.err.removeprefix("mecsim: ").startswith("log.csv")
    assert part in said.err


@pytest.mark.parametrize("name", ["log.parquet", "log.csv"])
@pytest.mark.parametrize("content", [b"", np.random.default_rng(1).bytes(3000)], ids=["empty", "noise"])
def test_a_file_that_is_no_log(refused: Command, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    said = refused("fit", name, "--out", "people.safetensors")
    assert said.err.removeprefix("mecsim: ").startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["README.md", ".", "log"])
def test_a_log_of_another_format(refused: Command, name: str) -> None:
    assert "expected a file that ends in .csv or .parquet" in refused("fit", name, "--out", "people.safetensors").err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--policy", "lookahead"), "nor a policy; these are "),
        (("--preference", "1,1"), "objectives: satisfaction, saved_resources"),
        (("--context", "edges=3"), "edges: unknown key"),
        (("--context", "population.personas=3"), "population.personas: expected a mapping"),
    ],
)
def test_options_of_the_other_kind(refused: Command, arguments: tuple[str, str], part: str) -> None:
    assert part in refused("simulate", "personalized-quick", *arguments, "--out", "new").err


def test_every_section_of_the_kind_has_a_wrong_example() -> None:
    """So that a new section is not forgotten here."""
    tried = {content.partition(":")[0] for content, _ in SCENARIOS.values()}
    sections = set(CellsScenario.model_fields) - {"mecsim", "kind", "description", "data"}
    assert sections - tried == {"radio", "observation", "training"}  # as of the other kind
