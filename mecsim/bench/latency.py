"""How long a policy takes for one decision: one observation, on one thread of the CPU, as a dispatcher asks for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mecsim_agents import Learner
from numpy.typing import NDArray

from mecsim.bench.quantity import Probe
from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.core.threads import on_threads
from mecsim.errors import InputError
from mecsim.policies import Policy, named_policy
from mecsim.training import Run, TrainingConfig, prepared

WARM_UP = 200  # decisions that are not counted: something is compiled, allocated or read for the first time
DECISIONS = 500  # of each repetition
PATIENCE = 100  # episodes without any task after which there will be none

Decide = Callable[[AnyEpisodes, Arrays], int]
"""Chooses the option for the task or request of the one episode; arrays have a leading dimension of 1."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Times of decisions from the observation to the option.

    By the clock on the wall, and by the time that the deciding thread had on a processor, which other programs on the
    same cores lengthen far less.
    """

    decisions: int
    median_us: float
    p99_us: float
    cpu_median_us: float
    cpu_p99_us: float


def measure_latency(decide: Decide, scenario: Scenario, decisions: int, seed: int = 0) -> Latency:
    """Play episodes of a scenario one at a time and time the decision on each of so many tasks or requests.

    What lies between decisions, where the simulator moves on, is not counted, but it leaves caches as it does.

    Raises:
        InputError: the scenario has no tasks.
    """
    taken_ns: list[tuple[int, int]] = []  # on the wall, on a processor
    episodes = new_episodes(scenario, "batched")
    episode = 0
    with on_threads(1):
        while len(taken_ns) < WARM_UP + decisions:
            if episode >= PATIENCE and not taken_ns:
                raise InputError("latency: the scenario has no tasks to decide on")
            observation = episodes.begin(draw_episodes(scenario, seed, episode, 1))
            while not episodes.over:
                cpu_ns, wall_ns = time.thread_time_ns(), time.perf_counter_ns()
                action = decide(episodes, observation)
                wall_ns, cpu_ns = time.perf_counter_ns() - wall_ns, time.thread_time_ns() - cpu_ns
                if episodes.waits(observation)[0]:
                    taken_ns.append((wall_ns, cpu_ns))
                observation, _, _ = episodes.step(np.array([action], np.int64))
            episode += 1
    taken_us = np.array(taken_ns[WARM_UP : WARM_UP + decisions]) / 1e3
    (median_us, cpu_median_us), (p99_us, cpu_p99_us) = np.quantile(taken_us, (0.5, 0.99), axis=0).tolist()
    return Latency(decisions, median_us, p99_us, cpu_median_us, cpu_p99_us)


def decision_probe(scenario: Scenario) -> Probe:
    """Times in µs of an untrained agent with the default settings, and of greedy, at even weights.

    An agent takes as long before its training as after it.
    """
    even = np.full(len(scenario.objectives), 1.0 / len(scenario.objectives))
    agent = prepared(Run(Path(), scenario, TrainingConfig(), steps=1, seed=0)).agent
    measured = {
        "agent": agent_decides(agent, even),
        "greedy": policy_decides(named_policy("greedy", scenario)(0), even),
    }

    def measure() -> dict[str, float]:
        found: dict[str, float] = {}
        for name, decide in measured.items():
            taken = measure_latency(decide, scenario, DECISIONS)
            found |= {f"{name}_decision_median_us": taken.median_us, f"{name}_decision_p99_us": taken.p99_us}
        return found

    return Probe("decisions", measure)


def agent_decides(agent: Learner, preference: NDArray[np.float64]) -> Decide:
    """`Learner.eval` of a single state at a preference (objectives,)."""

    def decide(episodes: AnyEpisodes, observation: Arrays) -> int:
        return int(agent.eval({name: values[0] for name, values in observation.items()}, preference))

    return decide


def policy_decides(policy: Policy, preference: NDArray[np.float64]) -> Decide:
    """A baseline or an exported policy at a preference (objectives,)."""
    wanted = preference[None]

    def decide(episodes: AnyEpisodes, observation: Arrays) -> int:
        return int(policy.act(episodes, observation, wanted)[0])

    return decide
