"""Servers with preemptive-resume priority against theorems, on the compiled primitives and on the SimPy server.

Within a class jobs share the processor. Tolerance 2 %, with so many jobs that three standard errors fit inside it.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from mecsim.physics.workload import SizeDistribution
from tests.systems.offload.queues import (
    SIZE_BINS,
    Estimate,
    arrivals_and_sizes,
    preemptive_finish_s,
    sharing_finish_s,
    simpy_finish_s,
)

Array = NDArray[np.float64]
DISTRIBUTIONS: list[SizeDistribution] = ["deterministic", "exponential", "hyperexponential"]
LOADS = np.array([0.3, 0.2, 0.1])  # of the classes, the most urgent first
REPLICATIONS, JOBS = 40, 50_000


@dataclass(frozen=True)
class Jobs:
    """Jobs of several classes in the order of arrival, sizes as service times, and when each leaves."""

    arrival_s: Array
    size_s: Array
    priority: NDArray[np.int64]
    finish_s: Array

    @property
    def sojourn_s(self) -> Array:
        return self.finish_s - self.arrival_s


def drawn(
    loads: Array, distribution: SizeDistribution, jobs: int, *seed: int
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Arrivals, sizes of mean 1, and classes that come in proportion to their loads."""
    rng = np.random.default_rng(seed)
    arrival_s, size_s = arrivals_and_sizes(loads.sum(), distribution, jobs, rng)
    return arrival_s, size_s, rng.choice(len(loads), jobs, p=loads / loads.sum())


@lru_cache
def replications(distribution: SizeDistribution) -> list[Jobs]:
    """Independent runs from an empty server; the first twentieth of the jobs is left out."""
    runs = []
    for r in range(REPLICATIONS):
        arrival_s, size_s, priority = drawn(LOADS, distribution, JOBS, 31, r)
        finish_s = preemptive_finish_s(arrival_s, size_s, priority)
        kept = slice(JOBS // 20, None)
        runs.append(Jobs(arrival_s[kept], size_s[kept], priority[kept], finish_s[kept]))
    return runs


def slowdown(jobs: Jobs, chosen: NDArray[np.bool_]) -> float:
    """E[T]/E[x] of some of the jobs, by their own sizes, which leaves less to chance than 1."""
    return float(jobs.sojourn_s[chosen].sum() / jobs.size_s[chosen].sum())


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_most_urgent_class_is_slowed_down_by_itself_alone(distribution: SizeDistribution) -> None:
    """E[T | x] = x/(1−ρ_1) for small and for large jobs, whatever the distribution and whoever else is there."""
    median_s = 0.0 if distribution == "deterministic" else SIZE_BINS[3]
    rows = []
    for jobs in replications(distribution):
        urgent, large = jobs.priority == 0, jobs.size_s > median_s
        rows.append([slowdown(jobs, urgent), slowdown(jobs, urgent & large)])
    Estimate.of(np.array(rows)).assert_near(1.0 / (1.0 - LOADS[0]))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_most_urgent_class_meets_nobody_else(distribution: SizeDistribution) -> None:
    """Job by job as on a server of its own, where all share: the others are not even noticed."""
    arrival_s, size_s, priority = drawn(np.array([0.5, 0.3]), distribution, 20_000, 5)
    urgent = priority == 0
    finish_s = preemptive_finish_s(arrival_s, size_s, priority)
    np.testing.assert_allclose(finish_s[urgent], sharing_finish_s(arrival_s[urgent], size_s[urgent]), rtol=1e-9)
    assert (finish_s[~urgent] - sharing_finish_s(arrival_s[~urgent], size_s[~urgent]) > 0.1).mean() > 0.3


def test_exponential_jobs_of_each_class() -> None:
    """E[T_k] = (1/μ)/((1−σ_{k−1})·(1−σ_k)), σ_k the load of class k and all more urgent ones (Kleinrock 1976).

    Classes 0 to k are a single work-conserving M/M/1, so that the mean number of jobs in them does not depend on how
    they share; that of class k is a difference of two such numbers.
    """
    sigma = np.concatenate([[0.0], np.cumsum(LOADS)])
    theory_s = 1.0 / ((1.0 - sigma[:-1]) * (1.0 - sigma[1:]))
    rows = [[slowdown(jobs, jobs.priority == k) for k in range(len(LOADS))] for jobs in replications("exponential")]
    Estimate.of(np.array(rows)).assert_near(theory_s)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_classes_move_delay_but_no_work(distribution: SizeDistribution) -> None:
    """The server falls idle at the same moments as without classes: work is conserved."""
    arrival_s, size_s, priority = drawn(LOADS, distribution, 5_000, 6)
    idle = []
    for finish_s in (preemptive_finish_s(arrival_s, size_s, priority), sharing_finish_s(arrival_s, size_s)):
        last_s = np.maximum.accumulate(finish_s)[:-1]
        idle.append(np.where(arrival_s[1:] > last_s, last_s, np.nan))
    np.testing.assert_allclose(idle[0], idle[1], rtol=1e-9)
    assert 0.2 < np.isfinite(idle[0]).mean() < 0.9


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_single_class_is_plain_processor_sharing(distribution: SizeDistribution) -> None:
    """Job by job at ρ = 0.8, so that all that is known of M/G/1-PS holds; whatever number the class has."""
    arrival_s, size_s = arrivals_and_sizes(0.8, distribution, 20_000, np.random.default_rng(7))
    for level in (0, 3):
        finish_s = preemptive_finish_s(arrival_s, size_s, np.full(20_000, level))
        np.testing.assert_allclose(finish_s, sharing_finish_s(arrival_s, size_s), rtol=1e-9)


@pytest.mark.parametrize("distribution", [*DISTRIBUTIONS, "uniform"])
def test_simpy_server_and_compiled_primitives_are_the_same_queue(distribution: SizeDistribution) -> None:
    """At ρ = 0.85, job by job: what holds for many jobs on the one holds for the other."""
    arrival_s, size_s, priority = drawn(np.array([0.35, 0.3, 0.2]), distribution, 4_000, 8)
    expected_s = preemptive_finish_s(arrival_s, size_s, priority)
    np.testing.assert_allclose(simpy_finish_s(arrival_s, size_s, priority), expected_s, rtol=1e-9)


def test_simpy_server_mean_sojourn_of_two_classes() -> None:
    """M/M/1 with ρ = 0.15 and 0.15: so lightly loaded that few jobs suffice."""
    rows = []
    for r in range(10):
        arrival_s, size_s, priority = drawn(np.array([0.15, 0.15]), "exponential", 5_000, 9, r)
        jobs = Jobs(arrival_s, size_s, priority, simpy_finish_s(arrival_s, size_s, priority))
        rows.append([slowdown(jobs, priority == 0), slowdown(jobs, priority == 1)])
    Estimate.of(np.array(rows)).assert_near(np.array([1.0 / 0.85, 1.0 / (0.85 * 0.7)]), tolerance=0.03)
