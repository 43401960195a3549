"""The servers against theorems: M/G/1 processor sharing on the compiled primitives and on the SimPy server.

Tolerance 2 %, with so many jobs that three standard errors, measured over independent replications, fit inside it.
"""

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from mecsim.physics.processor_sharing import idle_servers, unsent_tasks
from mecsim.physics.threshold_index import index_room
from mecsim.physics.workload import SizeDistribution
from tests.kernels import advance, send
from tests.systems.offload.queues import (
    MAX_NUMBER,
    SIZE_BINS,
    Estimate,
    Sample,
    arrivals_and_sizes,
    run_queue,
    sample_queue,
    simpy_finish_s,
)

Array = NDArray[np.float64]
DISTRIBUTIONS: list[SizeDistribution] = ["deterministic", "exponential", "hyperexponential"]
REPLICATIONS = {0.5: 20, 0.7: 30, 0.9: 160}  # of 250,000 jobs: the variance grows with (1−ρ)⁻⁴
EVERY_QUEUE = [(load, distribution) for load in REPLICATIONS for distribution in DISTRIBUTIONS]


@lru_cache
def queue(load: float, distribution: SizeDistribution) -> Sample:
    return sample_queue(load, distribution, REPLICATIONS[load], 250_000, seed=17)


@pytest.mark.parametrize(("load", "distribution"), EVERY_QUEUE)
def test_mean_sojourn_depends_on_the_load_alone(load: float, distribution: SizeDistribution) -> None:
    """E[T] = E[S]/(1−ρ), whatever the size distribution."""
    Estimate.of(queue(load, distribution).sojourn_s).assert_near(1.0 / (1.0 - load))


@pytest.mark.parametrize(("load", "distribution"), EVERY_QUEUE)
def test_sojourn_is_proportional_to_size(load: float, distribution: SizeDistribution) -> None:
    """E[T | x] = x/(1−ρ): every size is slowed down alike."""
    slowdown = queue(load, distribution).slowdown_by_size
    slowdown = slowdown[:, ~np.isnan(slowdown).any(axis=0)]
    assert slowdown.shape[1] == (1 if distribution == "deterministic" else len(SIZE_BINS) - 1)
    Estimate.of(slowdown).assert_near(1.0 / (1.0 - load))


@pytest.mark.parametrize(("load", "distribution"), EVERY_QUEUE)
def test_the_number_in_system_is_geometric(load: float, distribution: SizeDistribution) -> None:
    """P(n) = (1−ρ)·ρⁿ: the tail P(N ≥ n) = ρⁿ, for an observer who looks at regular times."""
    found = queue(load, distribution).found
    tail = found[:, ::-1].cumsum(axis=1)[:, ::-1][:, : {0.5: 5, 0.7: 6, 0.9: 8}[load]]
    Estimate.of(tail).assert_near(load ** np.arange(tail.shape[1], dtype=np.float64))


@pytest.mark.parametrize("load", REPLICATIONS)
def test_conditional_variance_of_exponential_jobs(load: float) -> None:
    """Var[T | x] of M/M/1-PS, in size bins; around the exact mean, so that bins have no width error."""
    Estimate.of(queue(load, "exponential").variance_ratio[:, 1:-1]).assert_near(1.0, tolerance=0.05)


@pytest.mark.parametrize(("load", "distribution"), EVERY_QUEUE)
def test_littles_law(load: float, distribution: SizeDistribution) -> None:
    """L = λ·W, L from the observer, λ and W from the jobs; holds on every path, so the tolerance is tighter."""
    sample = queue(load, distribution)
    number = sample.found @ np.arange(MAX_NUMBER)
    np.testing.assert_allclose(number.mean(), (sample.arrival_rate_per_s * sample.sojourn_s).mean(), rtol=0.003)
    np.testing.assert_allclose(number.mean(), load / (1.0 - load), rtol=0.02)


@pytest.mark.parametrize("distribution", [*DISTRIBUTIONS, "uniform"])
def test_simpy_server_and_compiled_primitives_are_the_same_queue(distribution: SizeDistribution) -> None:
    """At ρ = 0.9, job by job: what holds for millions of jobs on the one holds for the other."""
    jobs = 8_000
    arrival_s, size_s = arrivals_and_sizes(0.9, distribution, jobs, np.random.default_rng(3))
    servers, tasks, index = idle_servers(np.ones((1, 1))), unsent_tasks(1, jobs), index_room(1, jobs, 1)
    run_queue(servers, tasks, index, arrival_s, size_s, 0, jobs - 1, np.zeros(MAX_NUMBER, np.int64))
    np.testing.assert_allclose(tasks["finish_s"][0], simpy_finish_s(arrival_s, size_s), rtol=1e-9)


@pytest.mark.parametrize(
    ("load", "distribution", "replications"),
    [(0.5, "deterministic", 10), (0.5, "exponential", 10), (0.7, "deterministic", 30)],
)
def test_simpy_server_mean_sojourn(load: float, distribution: SizeDistribution, replications: int) -> None:
    means = []
    for r in range(replications):
        arrival_s, size_s = arrivals_and_sizes(load, distribution, 20_000, np.random.default_rng([23, r]))
        means.append((simpy_finish_s(arrival_s, size_s) - arrival_s)[1000:].mean())
    Estimate.of(np.array(means)).assert_near(1.0 / (1.0 - load))


def test_speed_scales_time() -> None:
    """A server of speed s with sizes s times as large is the same queue."""
    arrival_s, size_s = arrivals_and_sizes(0.8, "exponential", 2_000, np.random.default_rng(9))
    finish_s = []
    for speed in (1.0, 2e6):
        servers, tasks, index = idle_servers(np.full((1, 1), speed)), unsent_tasks(1, 2_000), index_room(1, 2_000, 1)
        for j in range(2_000):
            send(servers, tasks, 0, 0, j, speed * size_s[j], arrival_s[j])
        advance(servers, tasks, index, 0, 0, 0.0, np.inf)
        finish_s.append(tasks["finish_s"][0])
    np.testing.assert_allclose(finish_s[0], finish_s[1], rtol=1e-9)
