"""What the machine has for this process."""

import math
import os


def cores() -> int:
    """How many cores this process may use: those of its affinity, its container and its scheduler."""
    from joblib import cpu_count

    return int(cpu_count())


def memory_byte() -> float:
    """The machine's memory; infinite where it does not tell."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
