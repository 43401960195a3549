"""Speeds, measured with pytest-benchmark: `pytest tests/benchmarks --benchmark-enable`.

Nothing here fails for being slow: how fast is fast enough depends on the machine. `extra_info` holds the rate of the
fastest round, in environment steps (decisions in one environment) or updates per second.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from mecsim_agents import DiscreteSAC, EnvironmentShape, Replay, Transitions
from pytest_benchmark.fixture import BenchmarkFixture

from mecsim.core.engine import Observation
from mecsim.envs.vector import BatchVectorEnv, make_vec
from mecsim.scenario import with_context
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.engine import OffloadEngine
from mecsim.systems.offload.layout import EXECUTING, offload_spec
from mecsim.systems.offload.simpy import SimpyOffloadEngine
from tests.one_system import offload_scenario

SCENARIO = offload_scenario("gmorl-e6")
STEPS = SCENARIO.episode.steps
COPIES = 8  # of each episode, as training has by default

Measure = Callable[..., Any]


@pytest.fixture
def measure(benchmark: BenchmarkFixture) -> Measure:
    """`measure(function, per_call, unit)`: the function does `per_call` of what is counted."""

    def measured(function: Callable[[], object], per_call: int, unit: str) -> object:
        result = benchmark(function)
        if benchmark.stats is not None:  # none when benchmarks are disabled and the function ran once
            benchmark.extra_info[f"{unit}_per_s"] = per_call / benchmark.stats.stats.min
        return result

    return measured


def episode_of(engine: OffloadEngine, envs: int, observe: bool) -> Callable[[], int]:
    """Plays whole episodes with random actions; returns the number of tasks."""
    tapes = draw_tapes(SCENARIO, 0, 0, envs)
    actions = np.random.default_rng(0).integers(0, tapes.num_servers, (STEPS, envs))
    out = Observation.empty(envs, offload_spec(SCENARIO).shape)

    def run() -> int:
        engine.begin(tapes)
        for action in actions:
            if observe and isinstance(engine, BatchedOffloadEngine):
                engine.step_and_observe(action, out)
                continue
            engine.step(action)
            if observe:
                engine.observe(out)
        return int(engine.records().dispatched.sum())

    return run


@pytest.mark.parametrize("observe", [True, False], ids=["observations", "dynamics"])
def test_batched_engine(measure: Measure, observe: bool) -> None:
    assert SCENARIO.observation.cost_features
    assert measure(episode_of(BatchedOffloadEngine(SCENARIO), 256, observe), 256 * STEPS, "env_steps")


@pytest.mark.parametrize("observe", [True, False], ids=["observations", "dynamics"])
def test_simpy_engine(measure: Measure, observe: bool) -> None:
    assert measure(episode_of(SimpyOffloadEngine(SCENARIO), 2, observe), 2 * STEPS, "env_steps")


@pytest.mark.parametrize("tasks", [500, 1000, 2000])
def test_simpy_engine_overloaded(measure: Measure, tasks: int) -> None:
    """A task a step for one server, none of which is done before all are there."""
    huge = {"tasks.size.mean": "100 Gbit", "tasks.size.clip": "null"}
    scenario = with_context(SCENARIO, {"episode.steps": str(tasks), "users.arrival_rate": "0.2 /s", **huge})
    tapes = draw_tapes(scenario, 0, 0, 1)
    tapes = replace(tapes, rate_bit_per_s=np.full_like(tapes.rate_bit_per_s, 1e13))
    engine, action = SimpyOffloadEngine(scenario), np.zeros(1, np.int64)
    out = Observation.empty(1, offload_spec(scenario).shape)

    def run() -> float:
        engine.begin(tapes)
        for _ in range(tasks):
            engine.step_and_observe(action, out)
        return float(out.options[0, 0, EXECUTING])

    assert measure(run, tasks, "env_steps") > 0.9 * tasks


def test_vector_env(measure: Measure) -> None:
    env = make_vec(SCENARIO, 256)
    action = np.zeros(256, np.int64)
    env.reset()

    def run() -> bool:
        for _ in range(STEPS):
            _, _, ended, _, _ = env.step(action)
        return bool(ended.all())

    assert measure(run, 256 * STEPS, "env_steps")


def filled(envs: int) -> tuple[BatchVectorEnv, DiscreteSAC, Replay]:
    """An environment, an agent for it, and a replay with one episode of each copy."""
    env = BatchVectorEnv(SCENARIO, envs, copies=COPIES)
    servers, features, context = env.episodes.layout.shape
    shape = EnvironmentShape(
        2, features, context, (200.0, 0.5), servers, env.episodes.cost_columns, (), env.episodes.layout.count_columns
    )
    agent, replay = DiscreteSAC(shape), Replay(shape, envs * STEPS, group=COPIES)
    observation, _ = env.reset()
    action, preference = np.zeros(envs, np.int64), np.full((envs, 2), 0.5)
    for _ in range(STEPS):
        following, reward, terminated, _, info = env.step(action)
        ended = info.get("final_obs", following)
        replay.add(Transitions.from_arrays(observation, action, reward, terminated, ended, preference))
        observation = following
    agent.observe(replay)
    return env, agent, replay


def test_agent_update(measure: Measure) -> None:
    _, agent, replay = filled(16)
    metrics = measure(lambda: agent.update(replay, 0.0), 1, "updates")
    assert torch.isfinite(metrics["critic_loss"])


@pytest.mark.parametrize("explore", [True, False], ids=["explore", "greedy"])
def test_agent_act(measure: Measure, explore: bool) -> None:
    envs = 64
    env, agent, _ = filled(envs)
    observation, _ = env.reset()
    preference = np.random.default_rng(0).dirichlet([1.0, 1.0], envs)
    action = measure(lambda: agent.act(observation, preference, explore=explore), envs, "env_steps")
    assert action.shape == (envs,)
