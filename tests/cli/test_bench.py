"""mecsim bench: a table, a file, a comparison, for every kind of scenario."""

import json
from pathlib import Path

import pytest

from mecsim.bench.quantity import Probe
from mecsim.core.scenario import Scenario
from mecsim.scenario import scenario_to_yaml
from tests.bench.quick import SCENARIOS, make_quick
from tests.cli.conftest import Command

PARTS = {
    "contention": "contended_to_one_thread",
    "training": "update_ms",
    "latency": "agent_decision_median_us",
    "start": "start_first_cpu_s",
}
BENCH = ("bench", "--scenario", "small.yaml", "--envs", 4)


@pytest.fixture(params=list(SCENARIOS))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_quick(monkeypatch)
    (tmp_path / "small.yaml").write_text(scenario_to_yaml(SCENARIOS["offload"]))


KEYS = ("machine_hashes_per_s", "batched_env_steps_per_s", "simpy_env_steps_per_s", "update_ms")


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What is said to be measured, always the same; a test may change it."""
    speeds = dict.fromkeys(KEYS, 2.0)
    probe = Probe("all", lambda: dict(speeds))
    monkeypatch.setattr("mecsim.cli.bench._probes", lambda *given: iter([probe]))
    return speeds


@pytest.fixture
def stored(mecsim: Command, steady: dict[str, float]) -> Path:
    """A benchmark of that."""
    assert mecsim(*BENCH, "--out", "stored.json").code == 0
    return Path("stored.json")


def test_everything_is_measured_and_has_its_repetitions(mecsim: Command, scenario: Scenario, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(scenario_to_yaml(scenario))
    found = mecsim(*BENCH, "--num-threads", 1, "--json").content
    assert (found["scenario"], found["envs"], found["threads"], found["format"]) == ("small.yaml", 4, 1, 1)
    assert {"versions", "git_revision", "hardware", "machine_hashes_per_s", *PARTS.values()} <= found.keys()
    for key, values in found["repetitions"].items():
        assert min(values) > 0.0, key
        assert min(values) <= found[key] <= max(values) * (1 + 1e-9), key
    assert found["batched_to_simpy"] == found["batched_env_steps_per_s"] / found["simpy_env_steps_per_s"]


@pytest.mark.parametrize("part", list(PARTS))
def test_a_part_is_measured_alone_beside_the_engines(mecsim: Command, part: str) -> None:
    found = mecsim(*BENCH, f"--{part}", "--json").content
    assert "batched_env_steps_per_s" in found
    assert [name for name, key in PARTS.items() if key in found] == [part]


def test_people_see_a_table_and_programs_a_file(mecsim: Command) -> None:
    said = mecsim(*BENCH, "--start", "--out", "new/stored.json")
    assert "small.yaml, 4 environments" in said.out
    assert "batched env " in said.out
    assert "steps/s" in said.out
    assert said.err.splitlines() == [f"measuring: {what}" for what in ("preparing", "round 1 of 2", "round 2 of 2")]
    assert json.loads(Path("new/stored.json").read_text())["start_later_wall_s"] == 2.0


def test_what_is_slower_than_a_stored_one_is_told(mecsim: Command, stored: Path, steady: dict[str, float]) -> None:
    steady["update_ms"] = 4.0
    found = mecsim(*BENCH, "--against", stored, "--json").content["against"]
    assert found["update_ms"] == {"before": 2.0, "ratio": 2.0, "interval": [2.0, 2.0], "verdict": "slower"}
    assert {key for key, change in found.items() if change["verdict"]} == {"update_ms"}
    assert found.keys() == {*KEYS, "batched_to_simpy"}
    said = mecsim(*BENCH, "--against", stored)
    assert said.code == 0
    Path("printed.json").write_text(mecsim(*BENCH, "--against", stored, "--json").out)  # as good as a file of --out
    assert mecsim(*BENCH, "--against", "printed.json").code == 0
    rows = [line for line in said.out.splitlines() if " update " in line]  # of the tables that fit 80 columns
    assert [cell.strip() for row in rows for cell in row.strip("│").split("│")] == [
        "update", "4", "ms", "0%", "2", "2.00", "2.00 to 2.00", "update", "slower",
    ]  # fmt: skip


@pytest.mark.parametrize(("update_ms", "code"), [(4.0, 1), (2.0, 0), (1.0, 0)])
def test_fail_is_for_what_is_slower_alone(
    mecsim: Command, stored: Path, steady: dict[str, float], update_ms: float, code: int
) -> None:
    steady["update_ms"] = update_ms
    said = mecsim(*BENCH, "--against", stored, "--fail")
    assert said.code == code
    assert (said.err.splitlines()[-1] == "mecsim: worse than stored.json beyond noise: update_ms") == bool(code)
    assert " update " in said.out


def test_quantities_that_only_one_has_are_noted(mecsim: Command, stored: Path, steady: dict[str, float]) -> None:
    del steady["update_ms"]
    steady["start_first_cpu_s"] = 1.0
    said = mecsim(*BENCH, "--against", stored)
    assert said.code == 0
    assert said.out.splitlines()[-2:] == [
        "measured only then: update_ms", "measured only now: start_first_cpu_s",
    ]  # fmt: skip
    quiet = mecsim(*BENCH, "--against", stored, "--json")
    assert quiet.content["against"]
    assert "measured only then: update_ms" in quiet.err


def test_a_file_that_cannot_be_written_leaves_the_table(
    mecsim: Command, steady: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mecsim.sweep.write_json", full)
    said = mecsim(*BENCH, "--out", "full.json")
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("mecsim: No space left on device; make room")
    assert " update " in said.out


def test_what_cannot_be_compared_is_refused_before_anything_is_measured(
    refused: Command, stored: Path, tmp_path: Path
) -> None:
    other = refused("bench", "--scenario", "quickstart", "--against", stored)
    assert "add --scenario small.yaml --envs 4" in other.err
    (tmp_path / "broken.json").write_text(stored.read_text()[:99])
    assert "broken.json: " in refused(*BENCH, "--against", "broken.json").err
    assert "absent.json: cannot be read" in refused(*BENCH, "--against", "absent.json").err
    assert "add --against FILE" in refused(*BENCH, "--fail").err
    assert "exists already" in refused(*BENCH, "--out", stored).err
    assert "ends in .json" in refused(*BENCH, "--out", "stored.txt").err
