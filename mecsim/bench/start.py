"""How long a command takes at first, when kernels have to be compiled, and from then on; and what answers at once."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from mecsim.bench.quantity import Probe
from mecsim.core.kernel_cache import FOLDER_VARIABLE
from mecsim.errors import MecsimError

EPISODES = 2
ROUNDS = 3
LATER = 2  # commands after each first one
MISSPELT = "no-such-policy"


def start_probe(scenario: str) -> Probe:
    """Seconds that `mecsim simulate` of two episodes takes, of the processor and by the clock.

    `start_first_...` of a first call, with nothing compiled yet, `start_later_...` of the next ones. Of the processor
    alone `start_import_...`, `start_help_...` and `start_wrong_name_...`: `import mecsim`, `mecsim --help`, and the
    refusal of a policy that is not there.
    """
    return Probe("commands", lambda: measure_start(scenario), ROUNDS)


def measure_start(scenario: str) -> dict[str, float]:
    """A first call, and the fastest of some later ones and of those that answer at once.

    Raises:
        MecsimError: the command failed.
    """
    simulate = ("simulate", scenario, "--episodes", str(EPISODES))
    at_once = {
        "import": ("-c", "import mecsim"),
        "help": ("-m", "mecsim", "--help"),
        "wrong_name": ("-m", "mecsim", *simulate, "--policy", MISSPELT),
    }
    with tempfile.TemporaryDirectory() as folder:
        first, *later = (_seconds(("-m", "mecsim", *simulate), folder) for _ in range(1 + LATER))
        quick = {name: min(_seconds(given, folder) for _ in range(LATER)) for name, given in at_once.items()}
    return {
        "start_first_cpu_s": first[0],
        "start_first_wall_s": first[1],
        "start_later_cpu_s": min(cpu_s for cpu_s, _ in later),
        "start_later_wall_s": min(wall_s for _, wall_s in later),
        **{f"start_{name}_cpu_s": cpu_s for name, (cpu_s, _) in quick.items()},
    }


def _seconds(given: Sequence[str], folder: str) -> tuple[float, float]:
    """Of the processor and by the clock, of Python with such arguments."""
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *given],
        env={**os.environ, FOLDER_VARIABLE: folder},
        capture_output=True,
        text=True,
        check=False,
    )
    wall_s, after = time.perf_counter() - started, os.times()
    if done.returncode and MISSPELT not in given:
        raise MecsimError(f"{' '.join(given).removeprefix('-m ')} failed: {done.stderr.strip()}")
    children = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return children, wall_s
