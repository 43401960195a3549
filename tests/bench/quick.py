"""A benchmark in the smallest sizes, shared by its tests."""

import pytest

from mecsim.bench import contention, engines, latency, quantity, start, training
from mecsim.core.scenario import Scenario
from mecsim.scenario import parse_scenario
from mecsim.training import TrainingConfig
from tests.training.small import small_config, small_scenario

CELL = """
mecsim: 1
kind: personalize
episode: {requests: 12}
users: {count: 5}
cells: {count: 2, blocks: 10, candidates: 2}
service: {levels: 3, load: 4}
"""
SCENARIOS: dict[str, Scenario] = {"offload": small_scenario(), "personalize": parse_scenario(CELL)}


def make_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few and small repetitions; no process but this one is started, apart from busy loops."""

    def config() -> TrainingConfig:
        return small_config()

    monkeypatch.setattr(quantity, "ROUNDS", 2)
    monkeypatch.setattr(engines, "SIMPY_EPISODES", 1)
    monkeypatch.setattr(engines, "_memory_mib", lambda scenario, envs: 1.0)
    monkeypatch.setattr(contention, "PLAYED_S", 0.0)
    monkeypatch.setattr(latency, "WARM_UP", 5)
    monkeypatch.setattr(latency, "DECISIONS", 20)
    monkeypatch.setattr(latency, "TrainingConfig", config)
    monkeypatch.setattr(training, "TrainingConfig", config)
    monkeypatch.setattr(start, "_seconds", lambda scenario, folder: (1.0, 2.0))
