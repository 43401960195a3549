"""Speed of the engines and of training, measured in one process so that ratios mean something."""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mecsim.engines.batched import BatchedEngine
from mecsim.engines.simpy_engine import SimpyEngine
from mecsim.engines.system import OffloadEngine, empty_observation, system_of
from mecsim.engines.tape import draw_tapes
from mecsim.envs.vector import make_vec
from mecsim.scenario import Scenario
from mecsim.training import EpochReport, Evaluation, Run, TrainingConfig, train

REPETITIONS = 5
SIMPY_EPISODES = 10
MEMORY_ENVS = 4096


def measure_engines(scenario: Scenario, envs: int) -> dict[str, float]:
    """Environment steps per second with uniformly random actions; a step is one decision in one environment.

    `batched` and `simpy` include observations (with whatever features the scenario has); `..._dynamics` leave them out;
    `vector_env` is the whole Gymnasium environment, with the drawing of new episodes.
    """
    batched, simpy = BatchedEngine(scenario), SimpyEngine(scenario)
    found = {
        "batched_env_steps_per_s": _engine_steps_per_s(batched, scenario, envs, observe=True),
        "batched_dynamics_steps_per_s": _engine_steps_per_s(batched, scenario, envs, observe=False),
        "vector_env_steps_per_s": _vector_steps_per_s(scenario, envs),
        "simpy_env_steps_per_s": _engine_steps_per_s(simpy, scenario, SIMPY_EPISODES, observe=True),
        "simpy_dynamics_steps_per_s": _engine_steps_per_s(simpy, scenario, SIMPY_EPISODES, observe=False),
    }
    found["batched_to_simpy"] = found["batched_env_steps_per_s"] / found["simpy_env_steps_per_s"]
    found[f"memory_of_{MEMORY_ENVS}_envs_mib"] = _memory_mib(scenario)
    return found


def _best(run: Callable[[], float], repetitions: int = REPETITIONS) -> float:
    """The fastest of several runs, each returning its rate."""
    return max(run() for _ in range(repetitions))


def _actions(scenario: Scenario, num_servers: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, num_servers, (scenario.episode.steps, len(num_servers)))


def _engine_steps_per_s(engine: OffloadEngine, scenario: Scenario, episodes: int, observe: bool) -> float:
    tapes = draw_tapes(scenario, 0, 0, episodes)
    actions = _actions(scenario, tapes.num_servers)
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

    return _best(run)


def _vector_steps_per_s(scenario: Scenario, envs: int) -> float:
    env = make_vec(scenario, envs)
    action = np.zeros(envs, np.int64)

    def run() -> float:
        env.reset()
        started = time.perf_counter()
        for _ in range(scenario.episode.steps):
            env.step(action)
        return scenario.episode.steps * envs / (time.perf_counter() - started)

    return _best(run)


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


class _Clock:
    """A monitor that remembers when each epoch ended."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, EpochReport]] = []

    def on_epoch(self, report: EpochReport) -> None:
        """Note the time."""
        self.ends.append((time.perf_counter(), report))


def measure_training(scenario: Scenario, epochs: int = 6) -> dict[str, float]:
    """Environment steps and updates per second of training with the default settings, evaluation left out."""
    config = TrainingConfig(evaluation_epochs=epochs, checkpoint_epochs=epochs)
    steps = epochs * config.num_envs * scenario.episode.steps
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), scenario, config, steps, seed=0)
        nothing = np.zeros((0, len(scenario.objectives)))
        train(run, lambda policy: Evaluation(nothing, nothing[:, None], 0.0, 0.0), [clock])
    (first_s, first), (last_s, last) = clock.ends[config.warmup_epochs], clock.ends[-1]
    return {
        "training_env_steps_per_s": (last.env_steps - first.env_steps) / (last_s - first_s),
        "training_updates_per_s": (last.updates - first.updates) / (last_s - first_s),
    }
