"""mecsim bench: speeds of every kind of scenario."""

from pathlib import Path
from typing import Any

import pytest

from mecsim.bench import engines, latency, training
from mecsim.core.episodes import EngineName
from mecsim.core.scenario import Scenario
from mecsim.scenario import parse_scenario, scenario_to_yaml
from tests.cli.conftest import Command
from tests.training.small import small_scenario

CELL = """
mecsim: 1
kind: personalize
episode: {requests: 12}
users: {count: 5}
cells: {count: 2, blocks: 10, candidates: 2}
service: {levels: 3, load: 4}
"""
SCENARIOS = {"offload": small_scenario(), "personalize": parse_scenario(CELL)}


@pytest.fixture(params=list(SCENARIOS))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "REPETITIONS", 1)
    monkeypatch.setattr(engines, "SIMPY_EPISODES", 1)
    monkeypatch.setattr(latency, "WARM_UP", 5)
    monkeypatch.setattr(latency.measure_decisions, "__defaults__", (20,))


def test_it_prints_speeds_and_latencies(
    mecsim: Command, scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_memory_mib", lambda scenario, envs: 1.0)  # a process of its own
    (tmp_path / "small.yaml").write_text(scenario_to_yaml(scenario))
    plain = mecsim("bench", "--scenario", "small.yaml", "--envs", 4).content
    assert plain["envs"] == 4
    speeds = {name: value for name, value in plain.items() if name.endswith("_per_s")}
    assert {"simpy_env_steps_per_s", "batched_env_steps_per_s", "vector_env_steps_per_s"} <= speeds.keys()
    assert all(value > 0.0 for value in speeds.values())
    assert not any(name.startswith("training") or name.endswith("_us") for name in plain)
    more = mecsim("bench", "--scenario", "small.yaml", "--envs", 4, "--latency").content
    taken = {name: value for name, value in more.items() if name.endswith("_us")}
    assert taken.keys() == {f"{who}_decision_{what}_us" for who in ("agent", "greedy") for what in ("median", "p99")}
    for who in ("agent", "greedy"):
        assert 0.0 < taken[f"{who}_decision_median_us"] <= taken[f"{who}_decision_p99_us"]


def test_it_measures_training_on_request(scenario: Scenario) -> None:
    found = training.measure_training(scenario, epochs=3)
    shares = {name: value for name, value in found.items() if name.endswith("_share")}
    assert found.keys() - shares.keys() == {"training_env_steps_per_s", "training_updates_per_s"}
    assert all(value > 0.0 for value in found.values())
    parts = ("network", "sampling", "environments", "storing", "rest")
    assert sum(shares[f"training_{part}_share"] for part in parts) == pytest.approx(1.0)


@pytest.mark.parametrize("engine", ["batched", "simpy"])
def test_both_engines_play_the_same_possible_actions(
    scenario: Scenario, engine: EngineName, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = []
    original = engines._random_play

    def watched(*given: Any) -> Any:
        actions, out = original(*given)
        played.append(actions)
        return actions, out

    monkeypatch.setattr(engines, "_random_play", watched)
    assert engines.engine_steps_per_s(scenario, 3, 1, engine) > 0.0
    [actions] = played
    assert actions.shape == (scenario.steps, 3)
    assert len(set(actions.ravel().tolist())) > 2


def test_memory_is_measured_in_a_process_of_its_own(scenario: Scenario) -> None:
    assert engines._peak_mib.__module__ == "mecsim.bench.engines"
    assert 10.0 < engines._peak_mib(scenario, 2) < 1e5


def test_fewer_environments_where_they_would_take_much_memory(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def memory_mib(scenario: Scenario, envs: int) -> float:
        asked.append(envs)
        return 1.0

    monkeypatch.setattr(engines, "_memory_mib", memory_mib)
    monkeypatch.setattr(engines, "TAPES_BYTE", 3 * scenario.tape_byte)
    assert engines.measure_engines(scenario, 2)["memory_of_3_envs_mib"] == 1.0
    assert asked == [3]
