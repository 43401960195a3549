"""The padded network: places instead of a set, and everything else of the agent as with the set network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mecsim_agents import DiscreteSAC, LayerSizes, NetworkShape, PaddedNetwork, Replay

from .conftest import (
    CONTEXT,
    FEATURES,
    OBJECTIVES,
    OPTIONS,
    SHAPE,
    Arrays,
    assert_goes_on_bit_for_bit,
    filled_replay,
    make_agent,
)
from .test_learning import SHAPE as WORLD
from .test_learning import gap_closed, small, train
from .test_networks import assert_taken, inputs

PREFERENCE = np.array([0.3, 0.7], np.float32)


def random_network(members: int = 2, outputs: int = 2, places: int = OPTIONS) -> PaddedNetwork:
    generator = torch.Generator().manual_seed(1)
    network = PaddedNetwork(
        NetworkShape(FEATURES, CONTEXT, OBJECTIVES, outputs, members, places), LayerSizes((16, 12), (16, 8)), generator
    )
    with torch.no_grad():  # away from the zero start, at which every output is equal
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return network


def padded_agent(seed: int = 0, num_options: int | None = OPTIONS, **config: object) -> DiscreteSAC:
    return make_agent(replace(SHAPE, num_options=num_options), seed, **{"architecture": "padded"} | config)


def trained_agent(arrays: Arrays, num_options: int = OPTIONS) -> DiscreteSAC:
    agent, replay = padded_agent(num_options=num_options, learning_rate=0.01), filled_replay(arrays)
    agent.observe(replay)
    for _ in range(20):
        agent.update(replay, 0.0)
    return agent


@pytest.mark.parametrize("choices", [1, 2, OPTIONS])
def test_outputs_have_a_row_per_option_that_was_given(arrays: Arrays, choices: int) -> None:
    network = random_network(members=3, outputs=2)
    options, mask, *rest = inputs(arrays, states=6)
    assert network(options[:, :choices], mask[:, :choices], *rest).shape == (3, 6, choices, 2)


def test_outputs_start_at_zero(arrays: Arrays) -> None:
    network = PaddedNetwork(
        NetworkShape(FEATURES, CONTEXT, 2, 2, 2, OPTIONS), LayerSizes((16,), (8,)), torch.Generator().manual_seed(0)
    )
    assert (network(*inputs(arrays)) == 0).all()


def test_options_left_out_are_as_good_as_absent_ones(arrays: Arrays) -> None:
    network = random_network()
    options, mask, *rest = inputs(arrays)
    mask[:, -2:] = 0
    both = network(options, mask, *rest)
    torch.testing.assert_close(network(options[:, :-2], mask[:, :-2], *rest), both[:, :, :-2])
    changed = options.clone()
    changed[:, -2:] += 5.0
    torch.testing.assert_close(network(changed, mask, *rest), both)  # whatever an absent row holds


def test_a_present_option_is_no_padding(arrays: Arrays) -> None:
    network = random_network()
    options, mask, *rest = inputs(arrays)
    mask[:] = 1
    few = network(options[:, :-1], mask[:, :-1], *rest)
    assert not torch.allclose(network(options, mask, *rest)[:, :, :-1], few)


def test_the_order_of_options_matters(arrays: Arrays) -> None:
    network = random_network()
    options, mask, *rest = inputs(arrays)
    order = torch.tensor([2, 0, 3, 1])
    shuffled = network(options[:, order], mask[:, order], *rest)
    assert not torch.allclose(shuffled, network(options, mask, *rest)[:, :, order], atol=1e-2)


def test_every_option_bears_on_every_output(arrays: Arrays) -> None:
    network = random_network(members=1, outputs=1)
    options, mask, *rest = inputs(arrays)
    mask[:] = 1
    options.requires_grad_()
    for place in range(OPTIONS):
        [gradient] = torch.autograd.grad(network(options, mask, *rest)[..., place, 0].sum(), options)
        assert (gradient.abs().sum((0, 2)) > 0).all()


def test_the_taken_option_has_its_output_and_the_gradient(arrays: Arrays) -> None:
    network, given = random_network(), inputs(arrays)
    action = torch.tensor([0, 3, 1, 2, 2, 0])
    assert_taken(network, given, action)


def test_ensemble_members_are_independent(arrays: Arrays) -> None:
    network, single, given = random_network(2), random_network(1), inputs(arrays)
    for alone, both in zip(single.parameters(), network.parameters(), strict=True):
        alone.data.copy_(both.data[1:])
    torch.testing.assert_close(single(*given)[0], network(*given)[1])


def test_absent_options_are_never_chosen(arrays: Arrays) -> None:
    agent, observation = trained_agent(arrays), arrays.observation(2000)
    probability = agent.action_probabilities(observation, PREFERENCE)
    present = observation["mask"] == 1
    assert (probability[~present] == 0).all()
    np.testing.assert_allclose(probability.sum(-1), 1.0, rtol=1e-5)
    assert np.isneginf(agent.q_values(observation, PREFERENCE)[~present]).all()


def test_the_agent_takes_fewer_options_than_it_was_made_for(arrays: Arrays) -> None:
    agent, observation = trained_agent(arrays, num_options=7), arrays.observation(50)
    wide = {
        "options": np.pad(observation["options"], ((0, 0), (0, 3), (0, 0)), constant_values=np.nan),
        "mask": np.pad(observation["mask"], ((0, 0), (0, 3))),
        "context": observation["context"],
    }
    narrow_probability, wide_probability = (
        agent.action_probabilities(each, PREFERENCE) for each in (observation, wide)
    )
    np.testing.assert_allclose(wide_probability[:, :-3], narrow_probability, rtol=1e-4, atol=1e-6)
    assert narrow_probability.std() > 0.05


def test_more_options_are_refused(arrays: Arrays) -> None:
    agent, many = padded_agent(), arrays.observation(3, OPTIONS + 1)
    expected = r"options: the padded architecture was made for at most 4, got 5; train with as many, or with archi"
    for use in (agent.eval, agent.action_probabilities, agent.q_values):
        with pytest.raises(ValueError, match=expected):
            use(many, PREFERENCE)
    with pytest.raises(ValueError, match=expected):
        agent.check_options(OPTIONS + 1)
    agent.check_options(OPTIONS)
    with pytest.raises(ValueError, match=expected):
        agent.update(Replay(replace(SHAPE, num_options=OPTIONS + 1), 50), 0.0)


@pytest.mark.parametrize(("number", "told"), [(None, "the padded architecture needs the most options"), (0, "got 0")])
def test_the_number_of_options_has_to_be_given(number: int | None, told: str) -> None:
    with pytest.raises(ValueError, match=f"num_options: .*{told}"):
        padded_agent(num_options=number)


@pytest.mark.parametrize("policy", ["softmax", "network"])
def test_residual_form_starts_at_the_greedy_choice(arrays: Arrays, policy: str) -> None:
    agent, observation = padded_agent(policy=policy), arrays.observation(500)
    cost = observation["options"][..., :2] * PREFERENCE / np.array([3.0, 0.5])
    cost = np.where(observation["mask"] == 1, cost.sum(-1), np.inf)
    assert (agent.eval(observation, PREFERENCE) == cost.argmin(-1)).all()


@pytest.mark.parametrize("policy", ["softmax", "network"])
@pytest.mark.parametrize("critic", ["vector", "scalar"])
def test_resumes_bit_for_bit(arrays: Arrays, tmp_path: Path, critic: str, policy: str) -> None:
    agent, replay = padded_agent(critic=critic, policy=policy, learn_temperature=True), filled_replay(arrays)
    other = assert_goes_on_bit_for_bit(agent, replay, tmp_path / "agent.safetensors")
    assert (other.config.architecture, other.shape.num_options) == ("padded", OPTIONS)


def test_architectures_do_not_take_each_others_weights() -> None:
    tensors = padded_agent(architecture="set").state_tensors()
    with pytest.raises(ValueError, match="missing, or of another shape"):
        padded_agent().load_state_tensors(tensors)


# The worst of four preferences, measured over two seeds: with the softmax policy 0.96 to 0.97, with the scalar critic
# 0.78 to 0.79; with a policy network 0.55 to 0.57. A place learns from its own option only, so it takes longer than a
# set network.
@pytest.mark.parametrize(
    ("policy", "critic", "least"),
    [("softmax", "vector", 0.85), ("softmax", "scalar", 0.6), ("network", "vector", 0.35)],
)
def test_learns_delayed_consequences_for_every_preference(policy: str, critic: str, least: float) -> None:
    shares = gap_closed(train(small(architecture="padded", policy=policy, critic=critic), 1000))
    assert min(shares) > least, shares


def test_starts_where_the_set_network_starts() -> None:
    agent = DiscreteSAC(WORLD, small(architecture="padded"))
    assert gap_closed(agent) == pytest.approx([0.0] * 4)
