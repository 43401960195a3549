"""The policy as one function of tensors: what the agent itself answers."""

from typing import Any

import numpy as np
import pytest
import torch
from mecsim_agents import DeployedPolicy, DiscreteSAC, ValueLearner

from .conftest import Arrays, make_agent, make_learner
from .test_padded import padded_agent


def drawn(agent: ValueLearner, arrays: Arrays) -> ValueLearner:
    """Away from the start, at which all outputs of the networks are zero, and with other weights in every network."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in agent.model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        if isinstance(agent, DiscreteSAC):
            agent.model.log_temperature.zero_()  # so that probabilities are neither 0 nor 1
    seen = arrays.observation(200)
    mask = torch.as_tensor(seen["mask"]).bool()
    agent.model.normaliser.set_normalisation(torch.as_tensor(seen["options"]), mask, torch.as_tensor(seen["context"]))
    return agent


def tensors(observation: dict[str, np.ndarray], preference: np.ndarray) -> list[torch.Tensor]:
    return [torch.as_tensor(array) for array in (*observation.values(), preference.astype(np.float32))]


CONFIGS: dict[str, dict[str, Any]] = {
    "default": {},
    "no residual": {"residual": False},
    "scalar": {"critic": "scalar"},
    "pessimistic": {"pessimism": "min"},
    "network": {"policy": "network"},
    "as it is": {"compress": False},
}


def answering(name: str) -> ValueLearner:
    # A temperature of 1 for the same reason as above.
    return make_learner("double-dqn", temperature=1.0) if name == "double-dqn" else make_agent(**CONFIGS[name])


@pytest.mark.parametrize("name", [*CONFIGS, "padded", "double-dqn"])
def test_it_answers_as_the_agent(arrays: Arrays, name: str) -> None:
    agent = drawn(padded_agent() if name == "padded" else answering(name), arrays)
    observation, preference = arrays.observation(300), arrays.rng.dirichlet([1.0, 1.0], 300)
    deployed = agent.deployed()
    assert isinstance(deployed, DeployedPolicy)
    action, probability = deployed(*tensors(observation, preference))
    assert np.array_equal(action, agent.eval(observation, preference))
    assert len(set(action.tolist())) > 1
    np.testing.assert_array_equal(probability.detach(), agent.action_probabilities(observation, preference))


def test_it_plays_the_average_and_not_the_policy_that_learns(arrays: Arrays) -> None:
    agent = drawn(make_agent(), arrays)
    observation, preference = arrays.observation(50), arrays.rng.dirichlet([1.0, 1.0], 50)
    deployed = agent.deployed()
    before = deployed(*tensors(observation, preference))[1].detach()
    with torch.no_grad():
        for parameter in agent.model.deciding.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(deployed(*tensors(observation, preference))[1].detach(), before)


def test_a_fixed_preference_is_the_one_that_counts(arrays: Arrays) -> None:
    agent = drawn(make_agent(), arrays)
    observation, asked = arrays.observation(50), arrays.rng.dirichlet([1.0, 1.0], 50)
    _, probability = agent.deployed((0.2, 0.8))(*tensors(observation, asked))
    np.testing.assert_array_equal(probability.detach(), agent.action_probabilities(observation, [0.2, 0.8]))
    with pytest.raises(ValueError, match="weights of at least 0 with sum 1"):
        agent.deployed((0.2, 0.2))


def test_what_stands_in_absent_rows_does_not_matter(arrays: Arrays) -> None:
    agent = drawn(make_agent(), arrays)
    observation, preference = arrays.observation(50), arrays.rng.dirichlet([1.0, 1.0], 50)
    inputs = tensors(observation, preference)
    action, probability = agent.deployed()(*inputs)
    inputs[0] = inputs[0].masked_fill(inputs[1].unsqueeze(-1) == 0, torch.nan)
    again, likewise = agent.deployed()(*inputs)
    assert again.tolist() == action.tolist()
    np.testing.assert_array_equal(likewise.detach(), probability.detach())
    assert (probability[inputs[1] == 0] == 0).all()
