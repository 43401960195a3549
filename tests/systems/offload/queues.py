"""Long-lived queues with Poisson arrivals, on the compiled primitives (millions of jobs a second) and in SimPy."""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import simpy
from numpy.typing import NDArray

from mecsim.physics.contended_server import (
    NewJob,
    Patience,
    Rules,
    Station,
    advance_jobs,
    prepare,
    send_job,
    unsent_jobs,
)
from mecsim.physics.processor_sharing import advance, idle_servers, send, unsent_tasks
from mecsim.physics.threshold_index import index_room
from mecsim.physics.workload import SizeDistribution, unit_mean_sizes
from mecsim.systems.offload.demand import Tasks
from mecsim.systems.offload.layout import offload_spec
from mecsim.systems.offload.network import Servers
from mecsim.systems.offload.simpy_processor import Task
from mecsim.systems.offload.simpy_server import Server
from tests.systems.offload.offloading import make_scenario

Array = NDArray[np.float64]
MAX_NUMBER = 200
SIZE_BINS = np.array([0.0, 0.25, 0.5, 1.0, 1.5, 2.5, 4.0, np.inf])
OBSERVE_EVERY_S = 1.3


@numba.njit(nogil=True)
def run_queue(
    servers: Any, tasks: Any, index: Any, arrival_s: Array, size_bit: Array, first: int, last: int,
    found: NDArray[np.int64],
) -> None:  # fmt: skip
    """Send every job at its arrival, without an upload, to one server; drain at the end.

    Counts in `found[n]` how often an observer, who looks at regular times between the arrivals of the jobs `first`
    and `last`, finds n jobs executing.
    """
    now_s = 0.0
    look_s = arrival_s[first]
    for j in range(len(size_bit)):
        while look_s <= min(arrival_s[j], arrival_s[last]):
            advance(servers, tasks, index, 0, 0, now_s, look_s)
            now_s = look_s
            look_s += OBSERVE_EVERY_S
            found[min(servers[0, 0].executing, len(found) - 1)] += 1
        advance(servers, tasks, index, 0, 0, now_s, arrival_s[j])
        now_s = arrival_s[j]
        send(servers, tasks, 0, 0, j, size_bit[j], now_s)
    advance(servers, tasks, index, 0, 0, now_s, np.inf)


@dataclass(frozen=True)
class Estimate:
    """A mean over independent replications and its standard error."""

    mean: Array
    error: Array

    @staticmethod
    def of(replications: Array) -> "Estimate":
        """From one value (or row) per replication."""
        return Estimate(replications.mean(axis=0), replications.std(axis=0, ddof=1) / np.sqrt(len(replications)))

    def assert_near(self, theory: Array | float, tolerance: float = 0.02) -> None:
        """Within `tolerance` of theory, by enough jobs that noise could not excuse more: three errors fit inside."""
        assert np.all(3.0 * self.error < tolerance * np.abs(theory)), f"too few jobs: error {self.error} at {theory}"
        np.testing.assert_allclose(self.mean, theory, rtol=tolerance)


@dataclass(frozen=True)
class Sample:
    """R replications of a queue in steady state. The server's speed is 1 bit/s, so that sizes are service times."""

    sojourn_s: Array  # (R,) mean
    slowdown_by_size: Array  # (R, B) E[T | size bin] / E[x | size bin]
    variance_ratio: Array  # (R, B) of T around x/(1−ρ), over its theory for M/M/1-PS
    found: Array  # (R, MAX_NUMBER) share of looks that found n jobs
    arrival_rate_per_s: Array  # (R,) realised


def arrivals_and_sizes(
    load: float, distribution: SizeDistribution, jobs: int, rng: np.random.Generator, scv: float = 4.0
) -> tuple[Array, Array]:
    """Poisson arrivals of rate `load` and sizes of mean 1."""
    return np.cumsum(rng.standard_exponential(jobs) / load), unit_mean_sizes(distribution, rng, (jobs,), scv)


def mm1_conditional_variance(size_s: Array, load: float) -> Array:
    """Var[T | x] of M/M/1-PS with unit service rate: 2ρ/(1−ρ)³·[x − (1 − e^{−(1−ρ)x})/(1−ρ)] (Coffman et al. 1970)."""
    free = 1.0 - load
    return 2.0 * load / free**3 * (size_s + np.expm1(-free * size_s) / free)


def _ratio_by_bin(within: NDArray[np.int64], above: Array, below: Array) -> Array:
    """Σ above / Σ below per size bin; NaN for a bin without jobs."""
    bins = len(SIZE_BINS) - 1
    total = np.bincount(within, below, bins)
    return np.divide(np.bincount(within, above, bins), total, out=np.full(bins, np.nan), where=total > 0.0)


def sample_queue(load: float, distribution: SizeDistribution, replications: int, jobs: int, seed: int) -> Sample:
    """Simulate; the first and the last twentieth of the jobs are left out."""
    first, last = jobs // 20, jobs - jobs // 20
    rows = []
    for r in range(replications):
        arrival_s, size_s = arrivals_and_sizes(load, distribution, jobs, np.random.default_rng([seed, r]))
        servers, tasks, index = idle_servers(np.ones((1, 1))), unsent_tasks(1, jobs), index_room(1, jobs, 1)
        found = np.zeros(MAX_NUMBER, np.int64)
        run_queue(servers, tasks, index, arrival_s, size_s, first, last, found)
        rate = (last - first) / (arrival_s[last] - arrival_s[first])
        size_s, sojourn_s = size_s[first:last], (tasks["finish_s"][0] - arrival_s)[first:last]
        within = np.searchsorted(SIZE_BINS, size_s, side="right") - 1
        square_s2 = (sojourn_s - size_s / (1.0 - load)) ** 2
        slowdown = _ratio_by_bin(within, sojourn_s, size_s)
        spread = _ratio_by_bin(within, square_s2, mm1_conditional_variance(size_s, load))
        rows.append((sojourn_s.mean(), slowdown, spread, found / found.sum(), rate))
    return Sample(*(np.array(column) for column in zip(*rows, strict=True)))


PREEMPTIVE = Rules(
    interference=False,
    cqi=False,
    bandwidth_hz=1.0,
    preemptive=True,
    power_curve=False,
    step_s=1.0,
    rated=False,
    logistic=False,
    slope_below=1.0,
    slope_above=1.0,
    missed=False,
)  # of which only the priority matters without uploads

UNRATED = Patience(since_s=0.0, first=1.0, second=1.0)


@numba.njit(nogil=True)
def run_classes(rules: Rules, station: Station, arrival_s: Array, size_bit: Array, priority: NDArray[np.int64]) -> None:
    """Send every job at its arrival, without an upload, to one server with priorities; drain at the end."""
    now_s = 0.0
    for j in range(len(size_bit)):
        advance_jobs(rules, station, 0, 0, now_s, arrival_s[j])
        now_s = arrival_s[j]
        prepare(station.jobs[0, j], NewJob(size_bit[j], size_bit[j], 0.0, now_s, priority[j], UNRATED, np.inf), now_s)
        send_job(station, 0, 0, j)
    advance_jobs(rules, station, 0, 0, now_s, np.inf)


def preemptive_finish_s(arrival_s: Array, size_s: Array, priority: NDArray[np.int64]) -> Array:
    """When each job leaves a compiled server of speed 1 with preemptive-resume priority."""
    servers, jobs, work = idle_servers(np.ones((1, 1))), unsent_jobs(1, len(size_s)), unsent_jobs(1, len(size_s) + 1)
    station = Station(servers, jobs, work, np.zeros((1, 2)), np.array([2]))
    run_classes(PREEMPTIVE, station, arrival_s, size_s, priority)
    return np.asarray(jobs["finish_s"][0])


def sharing_finish_s(arrival_s: Array, size_s: Array) -> Array:
    """When each job leaves a compiled server of speed 1 that all share."""
    jobs = len(size_s)
    servers, tasks, index = idle_servers(np.ones((1, 1))), unsent_tasks(1, jobs), index_room(1, jobs, 1)
    run_queue(servers, tasks, index, arrival_s, size_s, 0, jobs - 1, np.zeros(MAX_NUMBER, np.int64))
    return np.asarray(tasks["finish_s"][0])


def simpy_finish_s(arrival_s: Array, size_s: Array, priority: NDArray[np.int64] | None = None) -> Array:
    """When each job leaves the SimPy server of speed 1; with priorities if there are any."""
    scenario = make_scenario()
    if priority is not None:
        shares = np.bincount(priority) / len(priority)
        scenario = make_scenario(tasks=Tasks(priorities=tuple(shares)), servers=Servers(scheduling="priority"))
    env = simpy.Environment()
    server = Server(env, offload_spec(scenario), 1.0)
    classes = np.zeros(len(size_s), np.int64) if priority is None else priority
    rows = zip(size_s.tolist(), classes.tolist(), arrival_s.tolist(), strict=True)
    jobs = [Task(j, 0, 0, size, level, at, np.inf) for j, (size, level, at) in enumerate(rows)]

    def arrivals() -> simpy.events.ProcessGenerator:
        for job in jobs:
            yield env.timeout(job.arrival_s - env.now)
            server.send(job, 0.0, 0.0)

    env.process(arrivals())
    env.run()
    return np.array([job.finish_s for job in jobs])
