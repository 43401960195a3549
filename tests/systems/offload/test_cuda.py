"""The engine on a GPU gives what the batched one gives, to 1e-9, whatever the scenario; also where one is simulated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.core.cuda import why_not
from mecsim.core.target import in_numpy
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from tests.systems.offload.offloading import ENGINES, assert_same_play, optional_scenarios, play, random_actions
from tests.systems.offload.test_rollouts import futures_of

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@settings(max_examples=6)
@given(scenario=optional_scenarios(), seed=st.integers(0, 2**32), crowding=st.sampled_from([0.7, 0.0, 1.0]))
def test_any_option_any_actions(scenario: OffloadScenario, seed: int, crowding: float) -> None:
    tapes = draw_tapes(scenario, seed, 0, 2)
    actions = random_actions(tapes, seed, crowding)
    assert_same_play(play("batched", scenario, tapes, actions), play("cuda", scenario, tapes, actions))


@settings(max_examples=2)
@given(scenario=optional_scenarios(), seed=st.integers(0, 2**32))
def test_rollouts_and_backlogs(scenario: OffloadScenario, seed: int) -> None:
    tapes = draw_tapes(scenario, seed, 0, 2)
    engines = [ENGINES[name](scenario) for name in ("batched", "cuda")]
    for engine in engines:
        engine.begin(tapes)
    actions, weight = random_actions(tapes, seed, 0.7), np.ones((2, 5))
    for step in range(min(3, scenario.steps)):
        futures = futures_of(scenario, tapes, min(4, scenario.steps - step - 1))
        one, other = (in_numpy(engine.rollouts(futures, weight)) for engine in engines)
        np.testing.assert_allclose(one, other, rtol=1e-9)
        one, other = (in_numpy(engine.backlog_s()) for engine in engines)
        np.testing.assert_allclose(one, other, rtol=1e-9)
        for engine in engines:
            engine.step(actions[step])
