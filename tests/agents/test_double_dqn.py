"""The double deep Q-network: its target, and how it explores."""

from typing import Any

import numpy as np
import pytest
import torch
from mecsim_agents import DoubleDQN

from .conftest import SHAPE, Arrays, filled_replay, make_learner

PREFERENCE = np.array([0.3, 0.7], np.float32)


def make_dqn(**config: Any) -> DoubleDQN:
    made = make_learner("double-dqn", **config)
    assert isinstance(made, DoubleDQN)
    return made


def test_its_target_equals_a_loop_over_its_definition(arrays: Arrays) -> None:
    """The critics choose the next option, their targets value it."""
    apart = {"residual": False, "target_rate": 0.001, "learning_rate": 0.01}
    agent, replay = make_dqn(**apart, discount=0.9), filled_replay(arrays)
    agent.observe(replay)
    for _ in range(20):
        agent.update(replay, 0.0, PREFERENCE)
    batch = replay.sample(agent.config.batch_size, copied(agent._generators["learn"]))
    weights = torch.as_tensor(PREFERENCE).expand(len(batch.action), -1)
    model = agent.model
    with torch.no_grad():
        following = model.state(batch.next_options, batch.next_mask, batch.next_context, weights)
        online, target = (model.values(net, following).mean(0) for net in (model.critic, model.target))
    scale = torch.tensor(SHAPE.objective_scale)
    totals, differing = [], 0
    for n in range(len(batch.action)):
        total = batch.reward[n] * agent.config.reward_multiplier / scale
        valid = batch.next_mask[n].nonzero().flatten().tolist()
        best = max(valid, key=lambda a: float(online[n, a] @ weights[n]))
        differing += best != max(valid, key=lambda a: float(target[n, a] @ weights[n]))
        if not batch.terminated[n]:
            total = total + 0.9 * target[n, best]
        totals.append(float(total @ weights[n]))
    assert differing > 0
    metrics = agent.update(replay, 0.0, PREFERENCE)
    assert float(metrics["target"]) == pytest.approx(np.mean(totals), rel=1e-5)


def copied(generator: torch.Generator) -> torch.Generator:
    twin = torch.Generator()
    twin.set_state(generator.get_state())
    return twin


def test_the_chance_of_a_random_option_falls_in_a_line_and_stays(arrays: Arrays) -> None:
    agent = make_dqn(exploration_start=0.9, exploration_end=0.1, exploration_fraction=0.5)
    replay = filled_replay(arrays)
    for progress, expected in ((0.0, 0.9), (0.25, 0.5), (0.5, 0.1), (1.0, 0.1), (1.5, 0.1)):
        assert float(agent.update(replay, progress)["exploration_rate"]) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_exploring_takes_the_best_option_or_any(arrays: Arrays, rate: float) -> None:
    """Each valid option alike, the best one among them."""
    agent = make_dqn(exploration_start=rate)
    one = arrays.observation(1)
    one["mask"][:] = [1, 0, 1, 1]
    many = {name: np.repeat(value, 20_000, 0) for name, value in one.items()}
    counts = np.bincount(agent.act(many, PREFERENCE, explore=True), minlength=4)
    expected = rate / 3.0 * one["mask"][0].astype(float)
    expected[agent.eval(one, PREFERENCE)] += 1.0 - rate
    np.testing.assert_allclose(counts / 20_000, expected, atol=0.015)
    assert counts[1] == 0


def test_it_is_for_the_option_that_it_plays(arrays: Arrays) -> None:
    agent, observation = make_dqn(temperature=0.5), arrays.observation(200)
    probability = agent.action_probabilities(observation, PREFERENCE)
    assert (probability.argmax(-1) == agent.eval(observation, PREFERENCE)).all()
    values = agent.q_values(observation, PREFERENCE)
    for n in range(200):
        valid = observation["mask"][n] == 1
        weight = np.exp((values[n, valid] @ PREFERENCE) / 0.5)
        np.testing.assert_allclose(probability[n, valid], weight / weight.sum(), rtol=1e-4)
