"""What is measured of training, and of an update."""

from collections.abc import Iterator

import pytest

from mecsim.bench import training
from mecsim.bench.training import measure_training, training_probes, update_s
from mecsim.core.scenario import Scenario
from tests.bench.quick import SCENARIOS, make_quick
from tests.training.small import small_config


@pytest.fixture(params=list(SCENARIOS))
def scenario(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    make_quick(monkeypatch)
    return SCENARIOS[request.param]


def test_speeds_and_what_the_time_goes_to(scenario: Scenario) -> None:
    found = measure_training(scenario, epochs=3)
    shares = {name: value for name, value in found.items() if name.endswith("_share")}
    assert found.keys() - shares.keys() == {
        "training_env_steps_per_s", "training_updates_per_s", "one_thread_training_env_steps_per_s",
    }  # fmt: skip
    assert all(value > 0.0 for value in found.values())
    parts = ("network", "sampling", "environments", "storing", "rest")
    assert sum(shares[f"training_{part}_share"] for part in parts) == pytest.approx(1.0)


def test_the_fastest_of_a_few_updates_is_a_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken_s(*given: object) -> Iterator[float]:
        yield from (0.5, 3.0, 2.0, 4.0, 1.0, 5.0, 6.0)  # the first one compiles

    monkeypatch.setattr(training, "_updates", taken_s)
    _, updates = training_probes(SCENARIOS["offload"])
    assert [updates.measure(), updates.measure()] == [{"update_ms": 2000.0}, {"update_ms": 1000.0}]


def test_updates_take_time(scenario: Scenario) -> None:
    assert update_s(scenario, small_config(), within_s=0.0) > 0.0


def test_the_fastest_update_of_those_in_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken_s(*given: object) -> Iterator[float]:
        yield from (3.0, 2.0, 4.0, 1.0, 0.5)

    monkeypatch.setattr(training, "_updates", taken_s)
    assert update_s(SCENARIOS["offload"], small_config(), within_s=0.0) == 2.0
    assert update_s(SCENARIOS["offload"], small_config(), within_s=10.0) == 1.0
