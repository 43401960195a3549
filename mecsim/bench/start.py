"""How long a command takes at first, when kernels have to be compiled, and from then on."""

import os
import subprocess
import sys
import tempfile
import time

from mecsim.bench.quantity import Probe
from mecsim.core.kernel_cache import FOLDER_VARIABLE
from mecsim.errors import MecsimError

EPISODES = 2
ROUNDS = 3
LATER = 2  # commands after each first one


def start_probe(scenario: str) -> Probe:
    """Seconds that `mecsim simulate` of two episodes takes, of the processor and by the clock.

    `start_first_...` of a first call, with nothing compiled yet, `start_later_...` of the next ones.
    """
    return Probe("commands", lambda: measure_start(scenario), ROUNDS)


def measure_start(scenario: str) -> dict[str, float]:
    """A first call, and the fastest of some later ones.

    Raises:
        MecsimError: the command failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        first, *later = (_seconds(scenario, folder) for _ in range(1 + LATER))
    return {
        "start_first_cpu_s": first[0],
        "start_first_wall_s": first[1],
        "start_later_cpu_s": min(cpu_s for cpu_s, _ in later),
        "start_later_wall_s": min(wall_s for _, wall_s in later),
    }


def _seconds(scenario: str, folder: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "mecsim", "simulate", scenario, "--episodes", str(EPISODES)]
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, FOLDER_VARIABLE: folder}, capture_output=True, text=True, check=False
    )
    wall_s, after = time.perf_counter() - started, os.times()
    if done.returncode:
        raise MecsimError(f"mecsim simulate {scenario} failed: {done.stderr.strip()}")
    children = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return children, wall_s
