"""A yardstick of the machine: work that no version of mecsim changes."""

import time

from mecsim.bench.quantity import Probe

KEY = "machine_loops_per_s"
TURNS = 300_000


def machine_probe() -> Probe:
    """Turns per second of a loop of Python. Where it is slower than it was, so is everything, whatever mecsim does."""

    def measure() -> dict[str, float]:
        started, total = time.perf_counter(), 0
        for turn in range(TURNS):
            total += turn
        return {KEY: TURNS / (time.perf_counter() - started)}

    return Probe("machine", measure)
