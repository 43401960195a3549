"""Decisions at the arrival of tasks against theory: an episode is then a queue in continuous time."""

import numpy as np
import pytest

from mecsim.physics.workload import SizeDistribution
from mecsim.schema.units import CountRange, Uniform
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.demand import Dispatch, Episode, Tasks, TaskSize, Users
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.network import Channel, Cloud, Edge, Servers
from mecsim.systems.offload.records import OffloadRecords
from tests.systems.offload.offloading import make_scenario
from tests.systems.offload.queues import Estimate

EPISODES, TASKS, WARM_UP = 160, 8_000, 1_000
RATE_PER_S, SPEED_HZ = 1.0, 1e9


def played(load: float, work: str, output_bit: Uniform | None = None, users: int = 1) -> OffloadRecords:
    """One edge, whose tasks are uploaded at once and demand `load` of it; work differs from task to task."""
    scenario = make_scenario(
        episode=Episode(steps=TASKS),
        dispatch=Dispatch(decide="task"),
        users=Users(count=users, arrival_rate_per_s=RATE_PER_S / users),
        tasks=Tasks(
            size=TaskSize(distribution="deterministic", mean_bit=1e6, clip_bit=None),
            cycles_per_bit=load * SPEED_HZ / (RATE_PER_S * 1e6),
            cycles_distribution=work,
            output_bit=output_bit,
        ),
        servers=Servers(cloud=Cloud(count=0), edge=Edge(count=CountRange(1, 1), cpu_hz=Uniform(SPEED_HZ, SPEED_HZ))),
        channel=Channel(bandwidth_hz=1e9),
    )
    engine = BatchedOffloadEngine(scenario)
    engine.begin(draw_tapes(scenario, 5, 0, EPISODES))
    for _ in range(TASKS):
        engine.step(np.zeros(EPISODES, np.int64))
    return engine.records()


@pytest.mark.parametrize("load", [0.5, 0.7])
@pytest.mark.parametrize("work", ["deterministic", "uniform", "exponential"])
def test_work_that_differs_makes_an_m_g_1_queue(load: float, work: SizeDistribution) -> None:
    """E[T] = E[S]/(1−ρ) of processor sharing, whatever the distribution of the work (Yashkov 1983); none waits."""
    records = played(load, work)
    sojourn_s = (records.finish_s - records.upload_end_s)[:, WARM_UP:].mean(axis=1)
    Estimate.of(sojourn_s).assert_near(load / (1.0 - load))
    np.testing.assert_array_equal(records.queued_s, 0.0)
    variation = records.cycles.std() / records.cycles.mean()
    assert variation == pytest.approx({"deterministic": 0.0, "uniform": 3.0**-0.5, "exponential": 1.0}[work], abs=0.01)


def test_arrivals_see_time_averages() -> None:
    """PASTA: the number that a task of M/M/1-PS finds is geometric, P(n) = (1−ρ)·ρⁿ."""
    load, records = 0.6, played(0.6, "exponential")
    found = np.zeros((EPISODES, 5))
    for n in range(EPISODES):
        gone_s = np.sort(records.finish_s[n])
        number = np.arange(TASKS) - np.searchsorted(gone_s, records.dispatch_s[n], side="right")
        found[n] = [(number[WARM_UP:] >= least).mean() for least in range(5)]
    Estimate.of(found).assert_near(load ** np.arange(5.0), tolerance=0.03)


def test_results_take_the_time_of_their_bits() -> None:
    """They add 1/rate times their mean size, and change nothing of what is executed."""
    with_them, without = played(0.5, "exponential", Uniform(2e6, 6e6)), played(0.5, "exponential")
    np.testing.assert_array_equal(with_them.finish_s, without.finish_s)
    back_s = with_them.result_s - with_them.finish_s
    np.testing.assert_allclose(back_s * with_them.rate_bit_per_s, with_them.output_bit, rtol=1e-6)
    assert with_them.output_bit.mean() == pytest.approx(4e6, rel=0.01)
