"""A yardstick of the machine: work that no version of mecsim changes, on one core and on all."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

from mecsim.bench.quantity import Probe
from mecsim.core.threads import kernel_threads

KEYS = ("machine_hashes_per_s", "one_thread_machine_hashes_per_s")
BLOCK = bytes(2**18)
HASHES = 60  # of each thread


def machine_probe() -> Probe:
    """SHA-256 of a quarter of a MiB on all threads and on one: where it is slower, so is everything else."""

    def measure() -> dict[str, float]:
        return dict(zip(KEYS, map(_hashes_per_s, (kernel_threads(), 1)), strict=True))

    return Probe("machine", measure)


def _hashes_per_s(threads: int) -> float:
    def work(thread: int) -> None:
        for _ in range(HASHES):
            hashlib.sha256(BLOCK)  # lets other threads run

    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        list(pool.map(work, range(threads)))
        return threads * HASHES / (time.perf_counter() - started)
