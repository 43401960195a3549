"""Rollouts of the batched engine against their definition, which plays each future in SimPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mecsim.core.seeds import Stream
from mecsim.systems.offload.draw.futures import sample_futures
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.futures import Futures
from mecsim.systems.offload.layout import column_weights
from mecsim.systems.offload.policies.lookahead import LookaheadPolicy
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import play_offload as play
from tests.systems.offload.offloading import ENGINES, num_options, random_actions
from tests.systems.offload.policies.test_lookahead import OPTIONAL, preferences, scale_of, scenario_of

EPISODES, STEPS_TAKEN = 5, (0, 3, 7)


def futures_of(scenario: OffloadScenario, tapes: OffloadTapes, horizon: int) -> Futures:
    """Three futures of each episode, as lookahead samples them."""
    return sample_futures(scenario, tapes, np.random.default_rng([0, Stream.PLANNING]), 3, horizon)


@pytest.mark.parametrize("name", ["plain", *OPTIONAL])
def test_both_engines_value_options_alike(name: str) -> None:
    scenario = scenario_of(name, 0.5)
    tapes, actions = draw_tapes(scenario, 3, 0, EPISODES), random_actions(draw_tapes(scenario, 3, 0, EPISODES), 3)
    weight = column_weights(scenario, preferences(EPISODES, name) / scale_of(name))
    engines = [make(scenario) for make in ENGINES.values()]
    for engine in engines:
        engine.begin(tapes)
    decided = 0
    for step, action in enumerate(actions):
        if step in STEPS_TAKEN:
            futures = futures_of(scenario, tapes, min(4, scenario.steps - step - 1))
            truth, fast = (engine.rollouts(futures, weight) for engine in engines)
            assert_allclose(fast, truth, rtol=1e-9, atol=1e-9)
            exists = np.arange(scenario.max_options) < num_options(tapes)[:, None]
            assert_array_equal(np.isfinite(fast), exists)
            decided += (np.ptp(np.where(exists, fast, fast[:, :1]), axis=1) > 0.0).sum()
        for engine in engines:
            engine.step(action)
    assert decided > EPISODES


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_stays_where_it_is(name: str) -> None:
    scenario = scenario_of("fading, priority", 0.5)
    tapes = draw_tapes(scenario, 4, 0, 3)
    weight = column_weights(scenario, preferences(3))
    actions = random_actions(tapes, 4)
    rewards: list[list[NDArray[np.float64]]] = []
    for looks in (False, True):
        engine = ENGINES[name](scenario)
        engine.begin(tapes)
        rewards.append([])
        for step, action in enumerate(actions):
            if looks:
                engine.rollouts(futures_of(scenario, tapes, scenario.steps - step - 1), weight)
            rewards[-1].append(engine.step(action))
    assert_array_equal(rewards[0], rewards[1])


def test_rollouts_of_a_fork_are_its_own() -> None:
    scenario = scenario_of("plain", 0.5)
    tapes = draw_tapes(scenario, 5, 0, 4)
    weight = column_weights(scenario, preferences(4))
    engine = ENGINES["batched"](scenario)
    engine.begin(tapes)
    futures = futures_of(scenario, tapes, 6)
    before = engine.rollouts(futures, weight)
    fork = engine.fork()
    fork.step(random_actions(tapes, 1)[0])
    fork.rollouts(futures_of(scenario, tapes, 5), weight)
    assert_array_equal(engine.rollouts(futures, weight), before)


def test_lookahead_decides_alike_on_both_engines() -> None:
    scenario = scenario_of("device", 0.5)
    tapes, wanted = draw_tapes(scenario, 6, 0, 2), preferences(2, "device")
    truth, fast = (
        play(LookaheadPolicy(scenario, scale_of("device"), 0, 2, 4), scenario, tapes, wanted, engine).records.server
        for engine in ("simpy", "batched")
    )
    assert_array_equal(fast, truth)
