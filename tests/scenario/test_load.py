"""Scenario files: what loads, and for everything else exactly one line per finding, at the right place, quickly."""

import os
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.core.system import system_of_kind
from mecsim.errors import ScenarioError
from mecsim.scenario import builtin_names, load_scenario, parse_scenario, scenario_to_yaml
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import offload_scenario, parse_offload

HEAD = "mecsim: 1\nkind: offload\n"

SKETCH = """\
mecsim: 1                      # format version
kind: offload
description: GMORL training space
episode: {steps: 100, step: 1 s}
users: {count: 10, arrival_rate: 0.1 /s}
tasks: {size: {distribution: exponential, mean: balanced, clip: [0.1, 100] Mbit}, cycles_per_bit: 1000}
dispatch: {queue: fifo}        # fifo | priority | edf
servers:
  cloud: {count: 1, cpu: [3.5, 4.5] GHz, distance: [1000, 2000] m}
  edge:  {count: [1, 8], cpu: [1.75, 2.25] GHz, distance: [50, 500] m}
channel: {model: gmorl, bandwidth: 16.6 MHz, tx_power: 10 mW, fading: episode, interference: false}
energy: {capacitance: 5e-31}
objectives: [delay, energy]    # + satisfaction
observation: {histogram: {bins: 60, width: 1 Mbit}, cost_features: true}
"""


def problems(text: str) -> list[str]:
    started = time.monotonic()
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "f.yaml")
    assert time.monotonic() - started < 10
    assert all(line.startswith("f.yaml") and "\n" not in line and len(line) < 400 for line in caught.value.problems)
    return caught.value.problems


def test_the_documented_sketch_loads() -> None:
    assert parse_scenario(SKETCH) == OffloadScenario(mecsim=1, kind="offload", description="GMORL training space")


@pytest.mark.parametrize("name", ["gmorl", "gmorl-test", "gmorl-e6", "quickstart"])
def test_built_ins_load_and_round_trip(name: str) -> None:
    scenario = load_scenario(name)
    assert builtin_names()[name] == scenario.description != ""
    assert parse_scenario(scenario_to_yaml(scenario)) == scenario


def test_built_in_values() -> None:
    e6, test, quick = (offload_scenario(name) for name in ("gmorl-e6", "gmorl-test", "quickstart"))
    assert e6.servers.edge.count == CountRange(6, 6)
    assert e6.servers.cloud.cpu_hz == Uniform(4e9, 4e9)
    assert e6.evaluation.reference is not None
    assert e6.evaluation.scale is not None
    assert (e6.evaluation.reference.delay_s, e6.evaluation.reference.energy_j) == (3000.0, 6.0)
    assert e6.evaluation.scale.energy_j == pytest.approx(1 / 1.85)
    assert test.max_servers == 11
    assert test.servers.edge.cpu_hz == Uniform(1.5e9, 2.5e9)
    assert quick.servers.edge.count == CountRange(3, 3)
    assert quick.training.steps == 500_000
    gmorl, sketch = load_scenario("gmorl"), parse_offload(SKETCH)
    own = {"description": sketch.description, "evaluation": sketch.evaluation, "training": sketch.training}
    assert gmorl.model_copy(update=own) == sketch


def test_the_starter_shows_every_key_with_its_default() -> None:
    text = system_of_kind("offload").starter()
    assert parse_scenario(text) == OffloadScenario(mecsim=1, kind="offload", description="My scenario")
    assert "schema" in text

    def keys(value: object) -> object:
        return {key: keys(below) for key, below in value.items()} if isinstance(value, dict) else None

    shown = yaml.safe_load(re.sub(r"\] (Mbit|GHz|m/s|m)\b", "]", text))
    assert keys(shown) == keys(yaml.safe_load(scenario_to_yaml(parse_scenario(text))))


def test_the_starter_of_cells_shows_every_section_with_its_defaults() -> None:
    text = system_of_kind("cells").starter()
    assert parse_scenario(text) == parse_scenario("mecsim: 1\nkind: cells\ndescription: My scenario\n")
    shown = yaml.safe_load(re.sub(r"\] (m/s)\b", "]", text))
    written = yaml.safe_load(scenario_to_yaml(parse_scenario(text)))
    for name, section in written.items():
        if isinstance(section, dict):
            assert shown[name].keys() == section.keys()


def test_a_scenario_passes_through_and_files_load(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + SKETCH.replace("\n", "\r\n").encode())
    scenario = load_scenario(file)
    assert load_scenario(str(file)) == scenario
    assert load_scenario(scenario) is scenario


MAGNITUDES = st.floats(min_value=1.0, max_value=1e9)


@settings(max_examples=30, deadline=None)
@given(MAGNITUDES, MAGNITUDES, st.text(max_size=50).filter(str.isprintable), st.integers(1, 1024))
def test_resolved_yaml_round_trips_exactly(low: float, high: float, description: str, edges: int) -> None:
    scenario = OffloadScenario.model_validate(
        {
            "mecsim": 1,
            "kind": "offload",
            "description": description,
            "episode": {"step_s": min(low, 100.0)},
            "servers": {"edge": {"count": edges, "cpu_hz": sorted((low, high))}},
            "channel": {"bandwidth_hz": high, "tx_power_w": low},
            "tasks": {"cycles_per_bit": high, "size": {"mean_bit": low, "clip_bit": None}},
        }
    )
    assert parse_scenario(scenario_to_yaml(scenario)) == scenario


def test_every_finding_is_reported_at_its_line() -> None:
    text = HEAD + (
        "users: {counts: 3, count: 3 Hz, arrival_rate: nan}\n"
        "servers:\n"
        "  edge:\n"
        "    cpu: [3, 2] GHz\n"
        "    count: 0\n"
        "  cloud: {cpu: [1, 2] mW, count: 2}\n"
        "channel:\n"
        "  bandwidth_hz: 3\n"
        "  interference: 3\n"
        "  fading: sometimes\n"
        "objectives: [delay,\n"
        "  speed]\n"
        "dispatch: {queue: lifo}\n"
        "tasks:\n"
        "energy: 3\n"
        "observation: {cost_features: maybe}\n"
    )
    assert problems(text) == [
        "f.yaml:3: users.counts: unknown key, did you mean 'count'?",
        "f.yaml:3: users.count: expected a whole number from 1 to 100000, got '3 Hz'",
        "f.yaml:3: users.arrival_rate: expected a rate such as '0.1 /s', got 'nan'",
        "f.yaml:6: servers.edge.cpu: expected a range [low, high] with low <= high, got '[3, 2] GHz'",
        "f.yaml:7: servers.edge.count: expected at least 1, got 0",
        "f.yaml:8: servers.cloud.count: expected at most 1, got 2",
        "f.yaml:8: servers.cloud.cpu: expected a frequency such as '16.6 MHz', got '[1, 2] mW'",
        "f.yaml:10: channel.bandwidth_hz: unknown key, did you mean 'bandwidth'?",
        "f.yaml:11: channel.interference: expected true or false, got 3",
        "f.yaml:12: channel.fading: expected 'episode', 'step' or 'ar1', got 'sometimes'",
        "f.yaml:14: objectives[1]: expected 'delay', 'energy', 'satisfaction', 'misses' or 'price', got 'speed'",
        "f.yaml:15: dispatch.queue: expected 'fifo', 'priority' or 'edf', got 'lifo'",
        "f.yaml:16: tasks: expected keys such as size and cycles_per_bit, got nothing",
        "f.yaml:17: energy: expected keys such as model and capacitance, got 3",
        "f.yaml:18: observation.cost_features: expected true or false, got 'maybe'",
    ]


BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
)
ROOT = "expected keys such as 'mecsim: 1' and 'kind: offload', got"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f.yaml: is empty, expected a scenario that starts with 'mecsim: 1' and 'kind: offload'"),
        ("# nothing\n", "f.yaml: is empty, expected a scenario that starts with 'mecsim: 1' and 'kind: offload'"),
        ("\n[1]", f"f.yaml:2: {ROOT} [1]"),
        ("3", f"f.yaml:1: {ROOT} 3"),
        ("~", f"f.yaml:1: {ROOT} nothing"),
        (HEAD + "a\0b", "f.yaml:3: contains the control character '\\x00', expected a text file"),
        (HEAD + "a\ud800", "f.yaml:3: contains the control character '\\ud800', expected a text file"),
        (HEAD + "x: " + "1" * 2**20, "f.yaml: larger than 1 MiB, expected a scenario of a few kilobytes"),
        ("[" * 100_000, "f.yaml:1: nested more than 32 levels deep, expected at most 4"),
        ("{" * 100_000, "f.yaml:1: nested more than 32 levels deep, expected at most 4"),
        ("- " * 100_000, "f.yaml:1: nested more than 32 levels deep, expected at most 4"),
        ("a: 1\n" * 100_000, "f.yaml:5000: more than 10,000 values, expected fewer than 100"),
        (HEAD + BOMB, "f.yaml:3: aliases expand to more than 10,000 values, expected fewer than 100"),
        (HEAD + "a: &x [*x]", "f.yaml:3: an alias contains itself, expected values without cycles"),
        (HEAD + "---\n" + HEAD, "f.yaml:3: a second document starts here, expected one scenario per file"),
        (
            HEAD + "users: {count: 1}\nusers: {count: 2}",
            "f.yaml:4: users: given twice, expected it once (first in line 3)",
        ),
        (
            HEAD + "users:\n  count: 1\n  count: 2",
            "f.yaml:5: users.count: given twice, expected it once (first in line 4)",
        ),
        (
            HEAD + "servers: !!python/object:os.system {a: 1}",
            "f.yaml:3: servers: has the tag !!python/object:os.system, expected a plain value without a tag",
        ),
        (
            HEAD + "users: {count: !!python/object/apply:os.getcwd []}",
            "f.yaml:3: users.count: has the tag !!python/object/apply:os.getcwd, expected a plain value without a tag",
        ),
        (
            HEAD + "users: {count: [}",
            "f.yaml:3: not valid YAML: while parsing a flow node expected the node content, but found '}'",
        ),
        (HEAD + "? [1]\n: 3", "f.yaml:3: expected keys that are plain words"),
        (HEAD.replace("1", "2"), "f.yaml:1: mecsim: expected 1, the version of this format, got 2"),
        ("mecsim: 1", "f.yaml:1: kind: missing, expected 'kind: offload'"),
        (HEAD + "description: 4", "f.yaml:3: description: expected text, got 4"),
        (
            HEAD + "episode: {steps: 1:30}",
            "f.yaml:3: episode.steps: expected a whole number from 1 to 10000000, got '1:30'",
        ),
        (HEAD + "episode: {step: 1}", "f.yaml:3: episode.step: expected a duration such as '1 s', got 1"),
        (HEAD + "tasks: {size: {mean: 5}}", None),
        (HEAD + "tasks: {size: {clip: 5 Mbit}}", None),
        (HEAD + "tasks: {size: {scv: 1, distribution: normal}}", None),
        (HEAD + "energy: {capacitance: .nan}", None),
        (HEAD + "<<: {users: {}}", None),
        (HEAD + "k\ty: 1\n\tb: 2", None),
        (HEAD + "users: *nobody", None),
        (HEAD + "users: {count: " + "9" * 5000 + "}", None),
        (HEAD + "users: {count: !!int x}", None),
        ("%YAML 9.9\n---\n" + HEAD, None),
    ],
)
def test_bad_texts_get_one_clear_line(text: str, problem: str | None) -> None:
    found = problems(text)
    if problem is not None:
        assert found == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "'" * 2**19,
        " '" * 2**18,
        ' "' * 2**18,
        "x: [1," * 80_000,
        "x: |\n" * 100_000,
        "*a: " * 100_000,
        ": [1, " * 80_000,
    ],
    ids=range(7),
)
def test_hostile_texts_end_quickly(text: str) -> None:
    assert len(problems(text)) <= 3


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab:-[]{},&*!|>'\"#%@\n \t1.GHz?~<=", max_size=60))
def test_any_text_loads_or_is_refused(tail: str) -> None:
    found: list[str] = []
    try:
        parse_scenario(HEAD + tail, "f.yaml")
    except ScenarioError as error:
        found = error.problems
    assert all(re.match(r"f\.yaml(:\d+)?: ", line) for line in found)


def test_joined_ranges_only_where_they_are_values() -> None:
    text = HEAD + (
        "description: |\n"
        "  cpu: [1, 2] GHz\n"
        "servers: # it's [1, 2] GHz, cpu: [5, 6] GHz\n"
        "  edge: {cpu: [1, 2]GHz, distance: [1 m, 2 m]}\n"
        "  cloud:\n"
        "    cpu: [3, 4] GHz # don't\n"
    )
    scenario = parse_offload(text)
    assert scenario.description == "cpu: [1, 2] GHz\n"
    assert scenario.servers.edge.cpu_hz == Uniform(1e9, 2e9)
    assert scenario.servers.edge.distance_m == Uniform(1.0, 2.0)
    assert scenario.servers.cloud.cpu_hz == Uniform(3e9, 4e9)
    assert parse_scenario(HEAD + "description: 'x: [1, 2] GHz'").description == "x: [1, 2] GHz"
    assert parse_offload(HEAD + "users: {count: 010}").users.count == 10


def refused(source: str | Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source)
    assert len(caught.value.problems) == 1
    assert "\n" not in caught.value.problems[0]
    return caught.value.problems[0]


def test_missing_files_suggest_a_built_in() -> None:
    assert refused("gmrol") == "gmrol: no such file and no built-in of that name, did you mean 'gmorl'?"
    assert refused("x/quickstrat.yaml").endswith("did you mean 'quickstart'?")
    assert refused("zzz").endswith("expected one of " + ", ".join(builtin_names()))


def test_what_is_no_scenario_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path}: is a folder, expected a scenario file or a built-in's name"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "is not a regular file" in refused(pipe)
    binary = tmp_path / "b.yaml"
    binary.write_bytes(HEAD.encode() + b"\xff\xfe\x00")
    assert refused(binary) == f"{binary}:3: is not UTF-8 text, expected a YAML file"
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (2**20 + 1))
    assert refused(large) == f"{large}: larger than 1 MiB, expected a scenario of a few kilobytes"
    assert "cannot be read" in refused("a\0b")
    assert "cannot be read" in refused("x" * 5000)
    assert "\\n" in refused("a\nb")


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "secret.yaml"
    file.write_text(SKETCH)
    monkeypatch.setattr(Path, "open", deny)
    assert refused(file) == f"{file}: cannot be read: Permission denied, expected a readable scenario file"
