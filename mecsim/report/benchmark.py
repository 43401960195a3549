"""Speed of the engines, measured in one process so that ratios mean something."""

import multiprocessing
import resource
import sys
import time

import numpy as np

from mecsim.engines.batched import BatchedEngine
from mecsim.engines.simpy_engine import SimpyEngine
from mecsim.engines.system import OffloadEngine, empty_observation, system_of
from mecsim.engines.tape import draw_tapes
from mecsim.envs.vector import make_vec
from mecsim.scenario import Scenario

REPETITIONS = 5
SIMPY_EPISODES = 10
MEMORY_ENVS = 4096


def measure_engines(scenario: Scenario, envs: int) -> dict[str, float]:
    """Environment steps per second with uniformly random actions; a step is one decision in one environment.

    `batched` and `simpy` include observations (with whatever features the scenario has); `..._dynamics` leave them out;
    `vector_env` is the whole Gymnasium environment, with the drawing of new episodes.
    """
    simpy = SimpyEngine(scenario)
    found = {
        "batched_env_steps_per_s": engine_steps_per_s(scenario, envs, REPETITIONS),
        "batched_dynamics_steps_per_s": engine_steps_per_s(scenario, envs, REPETITIONS, observe=False),
        "vector_env_steps_per_s": _vector_steps_per_s(scenario, envs),
        "simpy_env_steps_per_s": engine_steps_per_s(scenario, SIMPY_EPISODES, REPETITIONS, simpy),
        "simpy_dynamics_steps_per_s": engine_steps_per_s(scenario, SIMPY_EPISODES, REPETITIONS, simpy, observe=False),
    }
    found["batched_to_simpy"] = found["batched_env_steps_per_s"] / found["simpy_env_steps_per_s"]
    found[f"memory_of_{MEMORY_ENVS}_envs_mib"] = _memory_mib(scenario)
    return found


def engine_steps_per_s(
    scenario: Scenario, episodes: int, repetitions: int, engine: OffloadEngine | None = None, observe: bool = True
) -> float:
    """Environment steps per second of an engine, by default the batched one, in the fastest of some repetitions.

    Uniformly random actions; the drawing of the episodes is left out.
    """
    engine = engine or BatchedEngine(scenario)
    tapes = draw_tapes(scenario, 0, 0, episodes)
    actions = np.random.default_rng(0).integers(0, tapes.num_servers, (scenario.episode.steps, episodes))
    out = empty_observation(system_of(scenario), episodes)

    def run() -> float:
        engine.begin(tapes)
        started = time.perf_counter()
        for action in actions:
            if observe:
                engine.step_and_observe(action, out)
            else:
                engine.step(action)
        return actions.size / (time.perf_counter() - started)

    return max(run() for _ in range(repetitions))


def _vector_steps_per_s(scenario: Scenario, envs: int) -> float:
    env = make_vec(scenario, envs)
    action = np.zeros(envs, np.int64)

    def run() -> float:
        env.reset()
        started = time.perf_counter()
        for _ in range(scenario.episode.steps):
            env.step(action)
        return scenario.episode.steps * envs / (time.perf_counter() - started)

    return max(run() for _ in range(REPETITIONS))


def _memory_mib(scenario: Scenario) -> float:
    """Peak memory of a process that plays an episode of many environments, the interpreter and libraries included."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak_mib, (scenario,))


def _peak_mib(scenario: Scenario) -> float:
    env = make_vec(scenario, MEMORY_ENVS)
    env.reset()
    for _ in range(scenario.episode.steps):
        env.step(np.zeros(MEMORY_ENVS, np.int64))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB elsewhere
