"""What an agent expects of the future: its averaged values of the option that it would take, in physical units."""

from typing import Any

import numpy as np
import pytest

from .conftest import Arrays, filled_replay, make_agent

PREFERENCE = np.array([0.3, 0.7], np.float32)


@pytest.mark.parametrize("pessimism", ["mean", "min"])
def test_it_is_the_value_of_the_best_option(arrays: Arrays, pessimism: str) -> None:
    """With so steep an average the averaged critics are the latest ones, whose values are told."""
    agent, replay = make_agent(averaging_power=1e12, pessimism=pessimism), filled_replay(arrays)
    agent.observe(replay)
    for _ in range(10):
        agent.update(replay, 0.0)
    observation = arrays.observation(300)
    values, found = agent.q_values(observation, PREFERENCE), agent.expected(observation, PREFERENCE)
    assert found is not None
    assert found.shape == (300, 2)
    best = values[np.arange(300), agent.eval(observation, PREFERENCE)]
    physical = best / agent.config.reward_multiplier * np.array(agent.shape.objective_scale)
    np.testing.assert_allclose(found, physical, rtol=1e-4, atol=1e-4)
    one = {name: array[7] for name, array in observation.items()}
    np.testing.assert_allclose(np.asarray(agent.expected(one, PREFERENCE)), found[7], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{"policy": "network"}, {"critic": "scalar"}])
def test_without_averaged_values_of_each_objective_it_expects_nothing(arrays: Arrays, settings: dict[str, Any]) -> None:
    assert make_agent(**settings).expected(arrays.observation(3), PREFERENCE) is None
