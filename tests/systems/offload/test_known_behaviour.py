"""Mean delay and energy of simple policies on `gmorl-e6`, as measured on an independent implementation (±3 %)."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaln

from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import DELAY, ENERGY
from tests.one_system import offload_scenario

EPISODES = 4096  # the standard error of a mean is then well below a per cent
ALPHA_DELAY, ALPHA_ENERGY = 0.01, 50.0

Choose = Callable[[BatchedOffloadEngine, np.random.Generator], NDArray[np.int64]]


def greedy(delay_weight: float) -> Choose:
    """The least α-weighted immediate cost, the first of equals."""

    def choose(engine: BatchedOffloadEngine, rng: np.random.Generator) -> NDArray[np.int64]:
        cost = -engine.option_rewards()
        energy_weight = 1.0 - delay_weight
        scalar = delay_weight * ALPHA_DELAY * cost[..., DELAY] + energy_weight * ALPHA_ENERGY * cost[..., ENERGY]
        return scalar.argmin(axis=1)

    return choose


def random(cloud_probability: float) -> Choose:
    """The cloud with a probability, else an edge at random."""

    def choose(engine: BatchedOffloadEngine, rng: np.random.Generator) -> NDArray[np.int64]:
        edge = rng.integers(1, 7, EPISODES)
        return np.where(rng.random(EPISODES) < cloud_probability, 0, edge)

    return choose


@pytest.mark.parametrize(
    ("choose", "delay_s", "energy_j"),
    [
        pytest.param(greedy(1.0), 893, 5.62, id="greedy-1"),
        pytest.param(greedy(0.95), 1400, 3.57, id="greedy-0.95"),
        pytest.param(greedy(0.5), 1841, 2.96, id="greedy-0.5"),
        pytest.param(greedy(0.0), 5520, 2.956, id="greedy-0"),
        pytest.param(random(0.0), 2996, 2.96, id="random-0"),
        pytest.param(random(0.25), 1905, 5.17, id="random-0.25"),
        pytest.param(random(0.5), 3005, 7.40, id="random-0.5"),
        pytest.param(random(1.0), 12709, 11.79, id="random-1"),
    ],
)
def test_simple_policies(choose: Choose, delay_s: float, energy_j: float) -> None:
    scenario = offload_scenario("gmorl-e6")
    engine = BatchedOffloadEngine(scenario)
    engine.begin(draw_tapes(scenario, 0, 0, EPISODES))
    rng = np.random.default_rng(0)
    total = sum(-engine.step(choose(engine, rng)) for _ in range(scenario.steps))
    assert isinstance(total, np.ndarray)
    error = 3.0 * total.std(axis=0) / np.sqrt(EPISODES) / total.mean(axis=0)
    assert (error < 0.04).all()
    assert total[:, DELAY].mean() == pytest.approx(delay_s, rel=0.03)
    assert total[:, ENERGY].mean() == pytest.approx(energy_j, rel=0.03)


def test_dispatched_tasks_and_least_energy_follow_theory() -> None:
    """One Poisson(1) batch of arrivals and one dispatch per step make a reflected random walk.

    Spitzer's identity gives the mean number still queued after T steps: Σ_k E[S_k⁺]/k with S_k = Poisson(k) − k, and
    E[S_k⁺] = k^(k+1)·e^(−k)/k!. Sizes are exponential with mean 16 Mbit, clipped to [0.1, 100] Mbit.
    """
    scenario = offload_scenario("gmorl-e6")
    steps = np.arange(1, scenario.steps + 1)
    queued = np.exp(steps * np.log(steps) - steps - gammaln(steps + 1)).sum()
    mean_bit = (0.1 + 16.0 * (np.exp(-0.1 / 16.0) - np.exp(-100.0 / 16.0))) * 1e6

    engine = BatchedOffloadEngine(scenario)
    engine.begin(draw_tapes(scenario, 0, 0, EPISODES))
    for _ in steps:
        engine.step(np.ones(EPISODES, np.int64))
    records = engine.records()
    dispatched = records.dispatched.sum(axis=1)
    executed_j = (records.energy_j - 0.01 * (records.upload_end_s - records.dispatch_s)).sum(axis=1)

    def close(values: NDArray[np.float64], expected: float) -> bool:
        return abs(values.mean() - expected) < 4.0 * values.std() / np.sqrt(len(values))

    assert close(dispatched, len(steps) - queued)
    assert close(executed_j, (len(steps) - queued) * mean_bit * 5e-31 * 1000.0 * 2e9**2)
