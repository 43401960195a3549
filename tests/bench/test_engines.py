"""Engines are measured on all threads and on one, with actions that are possible."""

from typing import Any

import pytest

from mecsim.bench import engines
from mecsim.core.episodes import EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.threads import kernel_threads, on_threads
from tests.bench.quick import SCENARIOS, make_quick


@pytest.fixture(params=list(SCENARIOS))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


def measured(scenario: Scenario) -> dict[str, float]:
    return {key: value for probe in engines.engine_probes(scenario, 2) for key, value in probe.measure().items()}


def test_every_engine_is_measured(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    make_quick(monkeypatch)
    found = measured(scenario)
    assert found.keys() == {
        "batched_env_steps_per_s",
        "batched_dynamics_steps_per_s",
        "simpy_env_steps_per_s",
        "simpy_dynamics_steps_per_s",
        "vector_env_steps_per_s",
        "one_thread_batched_env_steps_per_s",
        "one_thread_vector_env_steps_per_s",
        "memory_of_4096_envs_mib",
    }
    assert all(value > 0.0 for value in found.values())


def test_one_thread_is_one_and_the_others_are_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    make_quick(monkeypatch)
    threads = lambda *given: float(kernel_threads())  # noqa: E731
    monkeypatch.setattr(engines.EnginePlay, "steps_per_s", lambda play, observe=True: threads())
    monkeypatch.setattr(engines._VectorPlay, "steps_per_s", threads)
    with on_threads(3):
        found = measured(SCENARIOS["offload"])
    for key, value in found.items():
        if key.endswith("_per_s"):
            assert value == (1.0 if key.startswith("one_thread") else 3.0), key


@pytest.mark.parametrize("engine", ["batched", "simpy"])
def test_both_engines_play_the_same_possible_actions(
    scenario: Scenario, engine: EngineName, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = []
    original = engines._random_actions

    def watched(*given: Any) -> Any:
        played.append(original(*given))
        return played[-1]

    monkeypatch.setattr(engines, "_random_actions", watched)
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

    make_quick(monkeypatch)
    monkeypatch.setattr(engines, "_memory_mib", memory_mib)
    monkeypatch.setattr(engines, "TAPES_BYTE", 3 * scenario.tape_byte)
    assert measured(scenario)["memory_of_3_envs_mib"] == 1.0
    assert asked == [3]
