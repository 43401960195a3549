"""Speed of the engines, measured in one process so that ratios mean something."""

import multiprocessing
import resource
import sys
import time

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import Observation
from mecsim.core.episodes import EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.core.tape import Tapes
from mecsim.envs.vector import make_vec

REPETITIONS = 5
SIMPY_EPISODES = 10
MEMORY_ENVS = 4096
TAPES_BYTE = 2**31  # of the environments whose memory is measured; of large scenarios there are fewer


def measure_engines(scenario: Scenario, envs: int) -> dict[str, float]:
    """Environment steps per second with uniformly random actions; a step is one decision in one environment.

    `batched` and `simpy` include observations (with whatever features the scenario has); `..._dynamics` leave them out;
    `vector_env` is the whole Gymnasium environment, with the drawing of new episodes.
    """

    def simpy(observe: bool) -> float:
        return engine_steps_per_s(scenario, SIMPY_EPISODES, REPETITIONS, "simpy", observe)

    memory_envs = max(1, min(MEMORY_ENVS, int(TAPES_BYTE // scenario.tape_byte)))
    found = {
        "batched_env_steps_per_s": engine_steps_per_s(scenario, envs, REPETITIONS),
        "batched_dynamics_steps_per_s": engine_steps_per_s(scenario, envs, REPETITIONS, observe=False),
        "vector_env_steps_per_s": _vector_steps_per_s(scenario, envs),
        "simpy_env_steps_per_s": simpy(observe=True),
        "simpy_dynamics_steps_per_s": simpy(observe=False),
    }
    found["batched_to_simpy"] = found["batched_env_steps_per_s"] / found["simpy_env_steps_per_s"]
    found[f"memory_of_{memory_envs}_envs_mib"] = _memory_mib(scenario, memory_envs)
    return found


def engine_steps_per_s(
    scenario: Scenario, episodes: int, repetitions: int, engine: EngineName = "batched", observe: bool = True
) -> float:
    """Environment steps per second of an engine in the fastest of some repetitions.

    Uniformly random actions among those that are possible; the drawing of the episodes is left out.
    """
    tapes = draw_episodes(scenario, 0, 0, episodes)
    actions, out = _random_play(scenario, tapes)
    timed = new_episodes(scenario, engine).engine

    def run() -> float:
        timed.begin(tapes)
        started = time.perf_counter()
        for action in actions:
            if observe:
                timed.step_and_observe(action, out)
            else:
                timed.step(action)
        return actions.size / (time.perf_counter() - started)

    return max(run() for _ in range(repetitions))


def _random_play(scenario: Scenario, tapes: Tapes) -> tuple[NDArray[np.int64], Observation]:
    """Random actions (T, N) that are possible when they come, and arrays that observations can be written to."""
    rng, episodes = np.random.default_rng(0), new_episodes(scenario, "batched")
    observation = episodes.begin(tapes)
    actions = np.empty((episodes.steps, len(tapes)), np.int64)
    for action in actions:
        action[:] = np.where(observation["mask"] != 0, rng.random(observation["mask"].shape), -1.0).argmax(axis=1)
        observation, _, _ = episodes.step(action)
    return actions, Observation(**observation)


def _vector_steps_per_s(scenario: Scenario, envs: int) -> float:
    env = make_vec(scenario, envs)
    chosen = np.random.default_rng(0).integers(env.episodes.max_options, size=(scenario.steps, envs))

    def run() -> float:
        env.reset()
        started = time.perf_counter()
        for action in chosen:
            env.step(action)
        return chosen.size / (time.perf_counter() - started)

    return max(run() for _ in range(REPETITIONS))


def _memory_mib(scenario: Scenario, envs: int) -> float:
    """Peak memory of a process that plays an episode of many environments, the interpreter and libraries included."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak_mib, (scenario, envs))


def _peak_mib(scenario: Scenario, envs: int) -> float:
    env = make_vec(scenario, envs)
    env.reset()
    for _ in range(scenario.steps):
        env.step(np.zeros(envs, np.int64))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB elsewhere
