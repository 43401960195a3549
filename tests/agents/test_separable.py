"""Objectives in which a decision costs what it does whatever was decided before."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mecsim_agents import DiscreteSAC, EnvironmentShape
from numpy.typing import NDArray

from tests.agents.conftest import CONTEXT, FEATURES, OBJECTIVES, SHAPE, Arrays, filled_replay, make_agent

STATES = 50
FUTURE = 1  # the objective with a separable cost


def learned(arrays: Arrays, declared: tuple[int, ...] = (FUTURE,), **settings: Any) -> DiscreteSAC:
    """An agent whose critics have learned noise."""
    values: dict[str, Any] = {"head_sizes": [16], "learning_rate": 0.01} | settings
    agent = make_agent(replace(SHAPE, separable=declared), **values)
    replay = filled_replay(arrays)
    agent.observe(replay)
    for _ in range(20):
        agent.update(replay, 0.0)
    return agent


def future(agent: DiscreteSAC, observation: dict[str, NDArray[np.generic]], weight: float) -> NDArray[np.float64]:
    """What the agent expects of each valid option's later reward, (·, objectives), at a weight of `FUTURE`."""
    values = agent.q_values(observation, [1.0 - weight, weight])
    cost = observation["options"][..., :2] / np.array(SHAPE.objective_scale) * agent.config.reward_multiplier
    return np.asarray((values + cost)[observation["mask"] != 0])


def test_its_future_vanishes_at_its_own_corner_only(arrays: Arrays) -> None:
    agent, observation = learned(arrays), arrays.observation(STATES)
    assert np.abs(future(agent, observation, 1.0)[:, FUTURE]).max() < 1e-5
    assert np.abs(future(agent, observation, 0.5)[:, FUTURE]).max() > 0.01
    for weight in (0.0, 0.5, 1.0):
        assert np.abs(future(agent, observation, weight)[:, 1 - FUTURE]).max() > 0.01


def test_close_to_the_corner_it_is_small(arrays: Arrays) -> None:
    agent, observation = learned(arrays), arrays.observation(STATES)
    near, far = (np.abs(future(agent, observation, weight)[:, FUTURE]).mean() for weight in (0.999, 0.9))
    assert near < 0.05 * far


def test_at_the_corner_the_immediate_cost_decides(arrays: Arrays) -> None:
    observation, corner = arrays.observation(STATES), np.eye(OBJECTIVES)[FUTURE]
    cost = np.where(observation["mask"] != 0, observation["options"][..., FUTURE], np.inf)
    # Played are averages of weights; with so steep an average that is the latest ones.
    np.testing.assert_array_equal(learned(arrays, averaging_power=1e12).eval(observation, corner), cost.argmin(axis=1))
    without = learned(arrays, declared=(), averaging_power=1e12).eval(observation, corner)
    assert (without != cost.argmin(axis=1)).any()


@pytest.mark.parametrize("settings", [{"separable": False}, {"residual": False}, {"critic": "scalar"}])
def test_it_can_be_left_out_and_means_nothing_to_other_forms(arrays: Arrays, settings: dict[str, Any]) -> None:
    """The same seed without any separable objective gives the same values."""
    observation = arrays.observation(STATES)
    said, none = learned(Arrays(), **settings), learned(Arrays(), declared=(), **settings)
    np.testing.assert_array_equal(said.q_values(observation, [0.2, 0.8]), none.q_values(observation, [0.2, 0.8]))


def test_a_file_keeps_it(arrays: Arrays, tmp_path: Path) -> None:
    agent, observation = learned(arrays), arrays.observation(STATES)
    path = tmp_path / "agent.safetensors"
    agent.save(path)
    again = DiscreteSAC.load(path)
    assert again.shape.separable == (FUTURE,)
    np.testing.assert_array_equal(again.q_values(observation, [0.1, 0.9]), agent.q_values(observation, [0.1, 0.9]))


def test_a_position_has_to_be_one() -> None:
    with pytest.raises(ValueError, match="separable: expected positions of 2 objectives, got \\(2,\\)"):
        EnvironmentShape(2, FEATURES, CONTEXT, (3.0, 0.5), separable=(2,))
