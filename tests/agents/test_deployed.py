"""The policy as one function of tensors: what the agent itself answers."""

import numpy as np
import pytest
import torch
from mecsim_agents import DeployedPolicy, DiscreteSAC

from .conftest import Arrays, make_agent
from .test_padded import padded_agent


def drawn(agent: DiscreteSAC, arrays: Arrays) -> DiscreteSAC:
    """Away from the start, at which all outputs of the networks are zero, and with other weights in every network."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in agent.model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        agent.model.log_temperature.zero_()  # so that probabilities are neither 0 nor 1
    seen = arrays.observation(200)
    mask = torch.as_tensor(seen["mask"]).bool()
    agent.model.normaliser.set_normalisation(torch.as_tensor(seen["options"]), mask, torch.as_tensor(seen["context"]))
    return agent


def tensors(observation: dict[str, np.ndarray], preference: np.ndarray) -> list[torch.Tensor]:
    return [torch.as_tensor(array) for array in (*observation.values(), preference.astype(np.float32))]


CONFIGS: dict[str, dict[str, object]] = {
    "default": {},
    "no residual": {"residual": False},
    "scalar": {"critic": "scalar"},
    "pessimistic": {"pessimism": "min"},
    "network": {"policy": "network"},
    "as it is": {"compress": False},
    "padded": {},
}


@pytest.mark.parametrize("name", list(CONFIGS))
def test_it_answers_as_the_agent(arrays: Arrays, name: str) -> None:
    make = padded_agent if name == "padded" else make_agent
    agent = drawn(make(**CONFIGS[name]), arrays)
    observation, preference = arrays.observation(300), arrays.rng.dirichlet([1.0, 1.0], 300)
    action, probability = DeployedPolicy(agent)(*tensors(observation, preference))
    assert action.tolist() == agent.eval(observation, preference).tolist()
    assert len(set(action.tolist())) > 1
    np.testing.assert_array_equal(probability.detach(), agent.action_probabilities(observation, preference))


def test_it_plays_the_average_and_not_the_policy_that_learns(arrays: Arrays) -> None:
    agent = drawn(make_agent(), arrays)
    observation, preference = arrays.observation(50), arrays.rng.dirichlet([1.0, 1.0], 50)
    deployed = DeployedPolicy(agent)
    before = deployed(*tensors(observation, preference))[1].detach()
    with torch.no_grad():
        for parameter in agent.model.deciding.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(deployed(*tensors(observation, preference))[1].detach(), before)


def test_a_fixed_preference_is_the_one_that_counts(arrays: Arrays) -> None:
    agent = drawn(make_agent(), arrays)
    observation, asked = arrays.observation(50), arrays.rng.dirichlet([1.0, 1.0], 50)
    _, probability = DeployedPolicy(agent, (0.2, 0.8))(*tensors(observation, asked))
    np.testing.assert_array_equal(probability.detach(), agent.action_probabilities(observation, [0.2, 0.8]))
    with pytest.raises(ValueError, match="weights of at least 0 with sum 1"):
        DeployedPolicy(agent, (0.2, 0.2))


def test_what_stands_in_absent_rows_does_not_matter(arrays: Arrays) -> None:
    agent = drawn(make_agent(), arrays)
    observation, preference = arrays.observation(50), arrays.rng.dirichlet([1.0, 1.0], 50)
    inputs = tensors(observation, preference)
    action, probability = DeployedPolicy(agent)(*inputs)
    inputs[0] = inputs[0].masked_fill(inputs[1].unsqueeze(-1) == 0, torch.nan)
    again, likewise = DeployedPolicy(agent)(*inputs)
    assert again.tolist() == action.tolist()
    np.testing.assert_array_equal(likewise.detach(), probability.detach())
    assert (probability[inputs[1] == 0] == 0).all()
