"""Mean delay and energy of simple policies on `gmorl-e6`, as measured on an independent implementation (±3 %)."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mecsim.engines.batched import BatchedEngine
from mecsim.engines.system import DELAY, ENERGY
from mecsim.engines.tape import draw_tapes
from mecsim.scenario import load_scenario

EPISODES = 4096  # the standard error of a mean is then well below a per cent
ALPHA_DELAY, ALPHA_ENERGY = 0.01, 50.0

Choose = Callable[[BatchedEngine, np.random.Generator], NDArray[np.int64]]


def greedy(delay_weight: float) -> Choose:
    """The least α-weighted immediate cost, the first of equals."""

    def choose(engine: BatchedEngine, rng: np.random.Generator) -> NDArray[np.int64]:
        cost = engine.option_costs()
        energy_weight = 1.0 - delay_weight
        scalar = delay_weight * ALPHA_DELAY * cost[..., DELAY] + energy_weight * ALPHA_ENERGY * cost[..., ENERGY]
        return scalar.argmin(axis=1)

    return choose


def random(cloud_probability: float) -> Choose:
    """The cloud with a probability, else an edge at random."""

    def choose(engine: BatchedEngine, rng: np.random.Generator) -> NDArray[np.int64]:
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
    scenario = load_scenario("gmorl-e6")
    engine = BatchedEngine(scenario)
    engine.begin(draw_tapes(scenario, 0, 0, EPISODES))
    rng = np.random.default_rng(0)
    total = sum(engine.step(choose(engine, rng)) for _ in range(scenario.episode.steps))
    assert isinstance(total, np.ndarray)
    error = 3.0 * total.std(axis=0) / np.sqrt(EPISODES) / total.mean(axis=0)
    assert (error < 0.04).all()
    assert total[:, DELAY].mean() == pytest.approx(delay_s, rel=0.03)
    assert total[:, ENERGY].mean() == pytest.approx(energy_j, rel=0.03)
