"""Engines that go on with imagined episodes, against SimPy on the tape that each of them stands for."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.core.engine import Observation
from mecsim.core.target import in_numpy
from mecsim.errors import InputError
from mecsim.schema.units import Uniform
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.futures import Futures, dispatched_of, imagined
from mecsim.systems.offload.layout import HISTOGRAM, SHORTFALL
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.simpy import SimpyOffloadEngine
from mecsim.systems.offload.tape import OffloadTapes
from mecsim.systems.offload.turns import NOBODY
from tests.systems.offload.offloading import ENGINES, random_actions
from tests.systems.offload.policies.test_lookahead import OPTIONAL, scenario_of
from tests.systems.offload.test_rollouts import futures_of

EPISODES, TAKEN, FUTURES = 4, 3, 3


def observed(engine: Any, episodes: int) -> Observation:
    out = Observation.empty(episodes, engine.spec.shape, engine.xp.float64, engine.xp)
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
    futures = futures_of(scenario, tapes, scenario.steps - TAKEN - 1)
    episode, future = np.repeat(np.arange(EPISODES), FUTURES), np.tile(np.arange(FUTURES), EPISODES)
    found = engine.imagined(futures, episode, future)
    truth = []
    for n, f in zip(episode.tolist(), future.tolist(), strict=True):
        tape = imagined(scenario, tapes, TAKEN, futures, n, f)
        simulated = SimpyOffloadEngine(scenario)
        simulated.begin(tape)
        for action in actions[:TAKEN]:
            simulated.step(action[n : n + 1])
        truth.append((simulated, n, share_of(scenario, tapes, n, tape)))
    for step in range(TAKEN, scenario.steps):
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


@pytest.mark.parametrize("name", ["batched", "cuda"] if "cuda" in ENGINES else ["batched"])
def test_with_what_truly_comes_it_is_the_episode_itself(name: str) -> None:
    scenario = scenario_of("plain", 1.0, edges=(3, 3))
    tapes = draw_tapes(scenario, 5, 0, EPISODES)
    futures = Futures(
        pool=tapes,
        member=np.arange(EPISODES)[:, None],
        offset=np.full((EPISODES, 1), TAKEN + 1),
        horizon=scenario.steps - TAKEN - 1,
        own_links=True,
        size_factor=np.ones((EPISODES, EPISODES)),
        clip_bit=Uniform(0.0, np.inf),
    )
    engine = ENGINES[name](scenario)
    engine.begin(tapes)
    actions = random_actions(tapes, 5)
    for action in actions[:TAKEN]:
        engine.step(action)
    found = engine.imagined(futures, np.arange(EPISODES), np.zeros(EPISODES, np.int64))
    assert found.step_index == TAKEN
    for action in actions[TAKEN:]:
        for one, other in zip(observed(found, EPISODES), observed(engine, EPISODES), strict=True):
            assert_allclose(in_numpy(one), in_numpy(other), rtol=1e-9, atol=1e-9)
        assert_allclose(in_numpy(found.step(action)), in_numpy(engine.step(action)), rtol=1e-9, atol=1e-9)
    with pytest.raises(InputError, match="no records"):
        found.records()
    assert (engine.records().task >= 0).sum() > EPISODES  # the true one goes on by itself
