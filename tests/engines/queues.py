"""A long-lived processor-sharing queue with Poisson arrivals, on the compiled primitives: many jobs per second."""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from mecsim.physics.processor_sharing import advance, idle_servers, send, unsent_tasks
from mecsim.physics.workload import SizeDistribution, unit_mean_sizes

Array = NDArray[np.float64]
MAX_SEEN = 200


@numba.njit(nogil=True)
def run_queue(
    servers: Any, tasks: Any, interarrival_s: Array, size_bit: Array, every_s: float, warm_up: int, cool_down: int,
    number_seen: NDArray[np.int64],
) -> tuple[float, float]:  # fmt: skip
    """Send every job without an upload, in one episode; drain at the end.

    Adds to `number_seen[n]` how often n tasks are found at the instants k·every_s (an observer who is independent of
    the arrivals) while the jobs from `warm_up` to `cool_down` arrive; returns the observer's mean and the time watched.
    """
    now_s, look_s = 0.0, every_s
    looks = seen = 0
    start_s = 0.0
    for j in range(len(size_bit)):
        arrival_s = now_s + interarrival_s[j]
        while look_s <= arrival_s:
            advance(servers, tasks, 0, 0, now_s, look_s)
            now_s = look_s
            look_s += every_s
            if warm_up <= j < cool_down:
                number = servers[0, 0].executing
                looks += 1
                seen += number
                number_seen[min(number, len(number_seen) - 1)] += 1
        advance(servers, tasks, 0, 0, now_s, arrival_s)
        now_s = arrival_s
        send(servers, tasks, 0, 0, j, size_bit[j], arrival_s)
        advance(servers, tasks, 0, 0, now_s, now_s)  # joins at once
        if j == warm_up:
            start_s = now_s
        if j == cool_down:
            start_s = now_s - start_s
    advance(servers, tasks, 0, 0, now_s, np.inf)
    return seen / max(looks, 1), start_s


@dataclass(frozen=True)
class Sample:
    """R replications of J jobs each, after warm-up. The server's speed is 1 bit/s, so sizes are service times."""

    size_s: Array  # (R, J)
    sojourn_s: Array  # (R, J)
    number_mean: Array  # (R,) seen by an observer at regular times
    number_seen: NDArray[np.int64]  # (MAX_SEEN,) how often, all replications together
    arrival_rate_per_s: Array  # (R,) as realised

    @property
    def replications(self) -> int:
        return len(self.number_mean)

    def mean_and_error(self, per_replication: Array) -> tuple[float, float]:
        """Mean over replications and its standard error."""
        return float(per_replication.mean()), float(per_replication.std(ddof=1) / np.sqrt(self.replications))


def arrivals_and_sizes(
    load: float, distribution: SizeDistribution, scv: float, jobs: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Interarrival times of rate `load` and sizes of mean 1."""
    return rng.standard_exponential(jobs) / load, unit_mean_sizes(distribution, rng, (jobs,), scv)


def sample_queue(
    load: float, distribution: SizeDistribution, replications: int, jobs: int, seed: int, scv: float = 4.0
) -> Sample:
    """Simulate; a twentieth of the jobs warms up, as many at the end cool down."""
    margin = jobs // 20
    kept = slice(margin, jobs - margin)
    size_s = np.empty((replications, jobs - 2 * margin))
    sojourn_s = np.empty_like(size_s)
    number_mean, rate = np.empty(replications), np.empty(replications)
    number_seen = np.zeros(MAX_SEEN, np.int64)
    for r in range(replications):
        rng = np.random.default_rng([seed, r])
        interarrival_s, size = arrivals_and_sizes(load, distribution, scv, jobs, rng)
        servers, tasks = idle_servers(np.ones((1, 1))), unsent_tasks(1, jobs)
        number_mean[r], watched_s = run_queue(
            servers, tasks, interarrival_s, size, 1.3, margin, jobs - margin, number_seen
        )
        rate[r] = (jobs - 2 * margin) / watched_s
        size_s[r] = size[kept]
        sojourn_s[r] = tasks["finish_s"][0, kept] - np.cumsum(interarrival_s)[kept]
    return Sample(size_s, sojourn_s, number_mean, number_seen, rate)
