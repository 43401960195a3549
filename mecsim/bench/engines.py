"""Speed of the engines, measured in one process so that ratios mean something."""

import multiprocessing
import resource
import signal
import sys
import time

import numpy as np
from numpy.typing import NDArray

from mecsim.bench.quantity import Probe
from mecsim.core.engine import Observation
from mecsim.core.episodes import EngineName
from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, layout_of, new_episodes, system_of
from mecsim.core.tape import Tapes
from mecsim.core.target import in_numpy
from mecsim.core.threads import on_threads
from mecsim.envs.vector import make_vec

SIMPY_EPISODES = 10
MEMORY_ENVS = 4096
MEMORY_ROUNDS = 3
TAPES_BYTE = 2**31  # of the environments whose memory is measured; of large scenarios there are fewer


class EnginePlay:
    """Episodes of an engine under uniformly random actions among those that are possible."""

    def __init__(self, scenario: Scenario, episodes: int, engine: str = "batched") -> None:
        self._tapes = draw_episodes(scenario, 0, 0, episodes)
        self._engine = system_of(scenario).new_episodes(scenario, engine).engine
        self._actions = self._engine.xp.asarray(_random_actions(scenario, self._tapes))
        self._out = Observation.empty(episodes, layout_of(scenario).shape, xp=self._engine.xp)
        self._env_steps = scenario.steps * episodes

    def steps_per_s(self, observe: bool = True) -> float:
        """Environment steps per second of one more play; the drawing of the episodes is left out."""
        engine = self._engine
        engine.begin(self._tapes)
        started = time.perf_counter()
        for action in self._actions:
            reward = engine.step_and_observe(action, self._out) if observe else engine.step(action)
        in_numpy(reward)  # a device is done when it can be read
        return self._env_steps / (time.perf_counter() - started)


class _VectorPlay:
    """Episodes of the vector environment under uniformly random actions."""

    def __init__(self, scenario: Scenario, envs: int) -> None:
        self._env = make_vec(scenario, envs)
        options = self._env.episodes.max_options
        self._actions = np.random.default_rng(0).integers(options, size=(scenario.steps, envs))

    def steps_per_s(self) -> float:
        """Environment steps per second of one more play, the drawing of the next episodes included."""
        self._env.reset()
        started = time.perf_counter()
        for action in self._actions:
            self._env.step(action)
        return self._actions.size / (time.perf_counter() - started)


def engine_probes(scenario: Scenario, envs: int) -> list[Probe]:
    """Environment steps per second with uniformly random actions; a step is one decision in one environment.

    `batched` and `simpy`, or whatever engines the system has and this machine can use, include observations (with
    whatever features the scenario has); `..._dynamics` leave them out; `vector_env` is the whole Gymnasium environment,
    with the drawing of new episodes. `one_thread_...` is the speed of a single core, the others are those of all
    threads; SimPy has one, and a GPU none.
    """
    plays = {
        name: EnginePlay(scenario, SIMPY_EPISODES if name == "simpy" else envs, name)
        for name in system_of(scenario).usable_engines()
    }
    vector = _VectorPlay(scenario, envs)
    vector.steps_per_s()  # compiles
    for play in plays.values():
        play.steps_per_s(observe=False)

    def all_threads() -> dict[str, float]:
        found: dict[str, float] = {}
        for name, play in plays.items():
            found[f"{name}_env_steps_per_s"] = play.steps_per_s()
            found[f"{name}_dynamics_steps_per_s"] = play.steps_per_s(observe=False)
        return found | {"vector_env_steps_per_s": vector.steps_per_s()}

    def one_thread() -> dict[str, float]:
        with on_threads(1):
            found = {
                f"one_thread_{name}_env_steps_per_s": play.steps_per_s()
                for name, play in plays.items()
                if name not in ("simpy", "cuda")
            }
            return found | {"one_thread_vector_env_steps_per_s": vector.steps_per_s()}

    memory_envs = max(1, min(MEMORY_ENVS, int(TAPES_BYTE // scenario.tape_byte)))

    def memory() -> dict[str, float]:
        return {f"memory_of_{memory_envs}_envs_mib": _memory_mib(scenario, memory_envs)}

    return [
        Probe("engines", all_threads),
        Probe("engines, one thread", one_thread),
        Probe("memory", memory, MEMORY_ROUNDS),
    ]


def engine_steps_per_s(
    scenario: Scenario, episodes: int, repetitions: int, engine: EngineName = "batched", observe: bool = True
) -> float:
    """Environment steps per second of an engine in the fastest of some repetitions, as by `EnginePlay`."""
    play = EnginePlay(scenario, episodes, engine)
    return max(play.steps_per_s(observe) for _ in range(repetitions))


def _random_actions(scenario: Scenario, tapes: Tapes) -> NDArray[np.int64]:
    """Random actions (T, N) that are possible when they come."""
    rng, episodes = np.random.default_rng(0), new_episodes(scenario, "batched")
    observation = episodes.begin(tapes)
    actions = np.empty((episodes.steps, len(tapes)), np.int64)
    for action in actions:
        action[:] = np.where(observation["mask"] != 0, rng.random(observation["mask"].shape), -1.0).argmax(axis=1)
        observation, _, _ = episodes.step(action)
    return actions


def _memory_mib(scenario: Scenario, envs: int) -> float:
    """Peak memory of a process that plays an episode of many environments, the interpreter and libraries included."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:  # Ctrl-C is for this process
        return pool.apply(_peak_mib, (scenario, envs))


def _peak_mib(scenario: Scenario, envs: int) -> float:
    env = make_vec(scenario, envs)
    env.reset()
    for _ in range(scenario.steps):
        env.step(np.zeros(envs, np.int64))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB elsewhere
