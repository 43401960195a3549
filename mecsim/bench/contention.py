"""Speed of the batched engine where other programs keep all cores busy."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mecsim.bench.engines import EnginePlay
from mecsim.bench.quantity import Probe
from mecsim.core.machine import cores
from mecsim.core.scenario import Scenario
from mecsim.core.threads import on_threads
from mecsim.errors import MecsimError

PLAYED_S = 0.4  # many slices of the scheduler, which are of milliseconds

LOOP = """
import os, sys
print(flush=True)
while os.getppid() == int(sys.argv[1]):
    sum(range(100_000))
"""
"""Says that it has begun, and ends with the process that started it, however that ends."""


def contention_probe(scenario: Scenario, envs: int) -> Probe:
    """Environment steps per second of the batched engine beside an endless loop for each core.

    On all threads and on one, and the ratio of the two: where it is below 1, more threads are slower than one.
    """
    play = EnginePlay(scenario, envs)

    def measure() -> dict[str, float]:
        with endless_loops(cores()):
            many = _steps_per_s(play)
            with on_threads(1):
                one = _steps_per_s(play)
        return {
            "contended_batched_env_steps_per_s": many,
            "contended_one_thread_batched_env_steps_per_s": one,
            "contended_to_one_thread": many / one,
        }

    return Probe("beside busy cores", measure)


@contextmanager
def endless_loops(count: int) -> Iterator[None]:
    """So many processes that do nothing but keep a core busy, for as long as the context lasts.

    Raises:
        MecsimError: one of them does not start.
    """
    command = [sys.executable, "-I", "-S", "-c", LOOP, str(os.getpid())]
    running: list[subprocess.Popen[bytes]] = []
    try:
        # In sessions of their own: Ctrl-C is for this process, which then ends them.
        running.extend(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
            for _ in range(count)
        )
        for loop in running:
            if loop.stdout is None or not loop.stdout.readline():
                raise MecsimError("contention: a process that keeps a core busy did not start")
        yield
    finally:
        for loop in running:
            loop.kill()
        for loop in running:
            loop.communicate()


def _steps_per_s(play: EnginePlay) -> float:
    """The harmonic mean of plays that take PLAYED_S together: all their steps over all their time."""
    inverse: list[float] = []
    ends_s = time.perf_counter() + PLAYED_S
    while not inverse or time.perf_counter() < ends_s:
        inverse.append(1.0 / play.steps_per_s())
    return len(inverse) / sum(inverse)
