"""Latencies are those of single decisions on real tasks."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mecsim.bench import latency
from mecsim.bench.latency import Decide, agent_decides, decision_probe, measure_latency, policy_decides
from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.threads import kernel_threads
from mecsim.errors import InputError
from mecsim.policies import named_policy
from mecsim.scenario import parse_scenario
from mecsim.systems.offload.demand import Tasks, TaskSize, Users
from mecsim.systems.offload.layout import QUEUED_TASKS
from tests.training.small import new_run, small_config, small_scenario, trained

EVEN = np.array([0.5, 0.5])
SCENARIO = small_scenario()


@pytest.fixture(autouse=True)
def _short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "WARM_UP", 5)


def test_what_is_measured_is_the_decision() -> None:
    def slow_then_fast(slow_share: float) -> Decide:
        rng = np.random.default_rng(0)

        def decide(episodes: AnyEpisodes, observation: Arrays) -> int:
            if observation["context"][0, QUEUED_TASKS] > 0 and rng.random() < slow_share:
                time.sleep(0.02)
            return 0

        return decide

    seldom = measure_latency(slow_then_fast(0.1), SCENARIO, 100)
    often = measure_latency(slow_then_fast(0.9), SCENARIO, 100)
    assert seldom.decisions == often.decisions == 100
    assert seldom.median_us < 10_000 < 20_000 <= seldom.p99_us
    assert 20_000 <= often.median_us <= often.p99_us
    assert often.cpu_p99_us < 10_000  # who sleeps takes no processor


def test_work_takes_time_on_a_processor() -> None:
    def busy(episodes: AnyEpisodes, observation: Arrays) -> int:
        until = time.thread_time() + 2e-3
        while time.thread_time() < until:
            pass
        return 0

    found = measure_latency(busy, SCENARIO, 20)
    assert 2_000 <= found.cpu_median_us <= found.cpu_p99_us
    assert found.median_us >= 2_000


def test_only_decisions_on_tasks_count_and_all_run_on_one_thread() -> None:
    asked, threads = [], set()

    def decide(episodes: AnyEpisodes, observation: Arrays) -> int:
        asked.append(int(observation["context"][0, QUEUED_TASKS] > 0))
        threads.add((torch.get_num_threads(), kernel_threads()))
        assert observation["options"].shape == (1, 3, len(episodes.layout.option_columns))
        return 0

    before = torch.get_num_threads(), kernel_threads()
    measure_latency(decide, SCENARIO, 30)
    assert sum(asked) >= 30 + latency.WARM_UP
    assert sum(asked) < len(asked)
    assert threads == {(1, 1)}
    assert (torch.get_num_threads(), kernel_threads()) == before


def test_every_kind_of_policy_can_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path / "run")
    trained(run)
    agent = run.load_agent()
    wanted, seen = [], []
    original = agent.eval

    def watched(observation: Arrays, preference: NDArray[np.float64]) -> NDArray[np.int64] | int:
        wanted.append(tuple(preference))
        seen.append({name: values.ndim for name, values in observation.items()})
        return original(observation, preference)

    monkeypatch.setattr(agent, "eval", watched)
    decisions = [agent_decides(agent, EVEN), policy_decides(named_policy("greedy", SCENARIO)(0), EVEN)]
    for decide in decisions:
        found = measure_latency(decide, SCENARIO, 20)
        assert 0.0 < found.median_us <= found.p99_us
        assert 0.0 < found.cpu_median_us <= found.cpu_p99_us
    assert set(wanted) == {(0.5, 0.5)}
    assert all(one == {"options": 2, "mask": 1, "context": 1} for one in seen)


def test_decisions_on_requests_are_measured_as_well() -> None:
    cell = parse_scenario("mecsim: 1\nkind: personalize\nepisode: {requests: 8}\nusers: {count: 4}\n")
    asked = []

    def decide(episodes: AnyEpisodes, observation: Arrays) -> int:
        asked.append(observation["mask"].shape)
        return int(observation["mask"][0].argmax())

    assert measure_latency(decide, cell, 20).decisions == 20
    assert len(asked) >= 20 + latency.WARM_UP  # each request is one


def test_decisions_of_an_agent_and_of_greedy_are_measured_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "DECISIONS", 10)
    monkeypatch.setattr(latency, "TrainingConfig", small_config)
    probe = decision_probe(SCENARIO)
    first, second = probe.measure(), probe.measure()
    assert first.keys() == second.keys() == {
        f"{who}_decision_{what}_us" for who in ("agent", "greedy") for what in ("median", "p99")
    }  # fmt: skip
    for who in ("agent", "greedy"):
        median, p99 = (second[f"{who}_decision_{what}_us"] for what in ("median", "p99"))
        assert 0.0 < median <= p99


def test_a_scenario_without_tasks_is_refused() -> None:
    idle = small_scenario(users=Users(count=1, arrival_rate_per_s=0.0), tasks=Tasks(size=TaskSize(mean_bit=1e6)))
    with pytest.raises(InputError, match="no tasks to decide on"):
        measure_latency(lambda episodes, observation: 0, idle, 10)
