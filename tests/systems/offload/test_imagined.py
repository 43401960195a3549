"""Engines that go on with imagined episodes, against SimPy on the tape that each of them stands for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.core.engine import Observation
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.futures import dispatched_of, imagined
from mecsim.systems.offload.layout import HISTOGRAM, SHORTFALL
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.simpy import SimpyOffloadEngine
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY
from tests.systems.offload.offloading import random_actions
from tests.systems.offload.policies.test_lookahead import OPTIONAL, scenario_of
from tests.systems.offload.test_rollouts import futures_of

EPISODES, TAKEN, FUTURES = 4, 3, 3


def observed(engine: BatchedOffloadEngine | SimpyOffloadEngine, episodes: int) -> Observation:
    out = Observation.empty(episodes, engine.spec.shape, np.float64)
    engine.observe(out)
    return out


def share_of(scenario: OffloadScenario, true: OffloadTapes, n: int, tape: OffloadTapes) -> float:
    """By which ratings on an imagined tape count more than in the true episode."""
    counts = [(dispatched_of(scenario, one, at) != NOBODY).sum() for one, at in ((tape, 0), (true, n))]
    return float(counts[0] / counts[1])


@pytest.mark.parametrize("name", ["plain", *OPTIONAL])
def test_each_row_plays_its_own_tape(name: str) -> None:
    """The rest of the horizon: observations and rewards, whatever is dispatched."""
    scenario = scenario_of(name, 1.0)
    tapes = draw_tapes(scenario, 3, 0, EPISODES)
    actions = random_actions(tapes, 3)
    engine = BatchedOffloadEngine(scenario)
    engine.begin(tapes)
    for action in actions[:TAKEN]:
        engine.step(action)
    futures = futures_of(scenario, tapes, scenario.episode.steps - TAKEN - 1)
    episode, future = np.repeat(np.arange(EPISODES), FUTURES), np.tile(np.arange(FUTURES), EPISODES)
    found = engine.imagined(futures, episode, future)
    truth = []
    for n, f in zip(episode, future, strict=True):
        tape = imagined(scenario, tapes, TAKEN, futures, n, f)
        simulated = SimpyOffloadEngine(scenario)
        simulated.begin(tape)
        for action in actions[:TAKEN]:
            simulated.step(action[n : n + 1])
        truth.append((simulated, n, share_of(scenario, tapes, n, tape)))
    for step in range(TAKEN, scenario.episode.steps):
        seen = observed(found, len(episode))
        for row, (simulated, _, share) in enumerate(truth):
            expected = observed(simulated, 1)
            if simulated.spec.rated:
                expected.options[expected.mask == 1, HISTOGRAM + simulated.spec.bins + SHORTFALL] *= share
            assert_allclose(seen.options[row], expected.options[0], rtol=1e-9, atol=1e-9)
            assert_array_equal(seen.mask[row], expected.mask[0])
            assert_allclose(seen.context[row], expected.context[0], rtol=1e-9, atol=1e-9)
        reward = found.step(actions[step][episode])
        for row, (simulated, n, share) in enumerate(truth):
            expected_reward = simulated.step(actions[step][n : n + 1])[0]
            expected_reward[SHORTFALL:] *= share
            assert_allclose(reward[row], expected_reward, rtol=1e-9, atol=1e-9)
