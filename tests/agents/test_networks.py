"""The set network and the masked policy: order, padding, absent options, starting point."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from mecsim_agents import InputNormaliser, LayerSizes, NetworkShape, OptionNetwork, ValueLearner
from mecsim_agents.functional import entropy, masked_log_softmax
from mecsim_agents.networks import EnsembleNetwork, ExchangingNetwork

from .conftest import ANY, CONTEXT, FEATURES, SHAPE, Arrays, filled_replay, make_agent, make_learner

PREFERENCE = np.array([0.3, 0.7], np.float32)
OVER_SETS = pytest.mark.parametrize("architecture", [OptionNetwork, ExchangingNetwork])


def random_network(
    architecture: type[OptionNetwork] = OptionNetwork, members: int = 2, encoder: tuple[int, ...] = (16, 14, 12)
) -> OptionNetwork:
    generator = torch.Generator().manual_seed(1)
    shape = NetworkShape(FEATURES, CONTEXT, 2, 2, members)
    network = architecture(shape, LayerSizes(encoder, (16, 8)), generator)
    with torch.no_grad():  # away from the zero start, at which every output is equal
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return network


def inputs(arrays: Arrays, states: int = 6) -> list[torch.Tensor]:
    observation = arrays.observation(states)
    tensors = [torch.as_tensor(observation[name]) for name in ("options", "mask", "context")]
    return [*tensors, torch.as_tensor(PREFERENCE).expand(states, -1)]


def trained_agent(arrays: Arrays, kind: str) -> ValueLearner:
    agent, replay = make_learner(kind, learning_rate=0.01), filled_replay(arrays)
    agent.observe(replay)
    for _ in range(20):
        agent.update(replay, 0.0)
    return agent


@OVER_SETS
def test_network_is_equivariant_to_the_order_of_options(arrays: Arrays, architecture: type[OptionNetwork]) -> None:
    network = random_network(architecture)
    options, mask, *rest = inputs(arrays)
    order = torch.tensor([2, 0, 3, 1])
    straight = network(options, mask, *rest)
    shuffled = network(options[:, order], mask[:, order], *rest)
    torch.testing.assert_close(shuffled, straight[:, :, order])
    assert straight.std() > 0.01


@OVER_SETS
def test_outputs_depend_on_the_other_options(arrays: Arrays, architecture: type[OptionNetwork]) -> None:
    network = random_network(architecture)
    options, mask, *rest = inputs(arrays)
    mask = torch.ones_like(mask)
    changed = options.clone()
    changed[:, 1] += 1.0
    assert not torch.allclose(network(options, mask, *rest)[:, :, 0], network(changed, mask, *rest)[:, :, 0])


@OVER_SETS
def test_absent_options_leave_no_trace_in_what_others_come_to(
    arrays: Arrays, architecture: type[OptionNetwork]
) -> None:
    network = random_network(architecture)
    options, mask, *rest = inputs(arrays)
    mask[:, 1:3] = 0
    changed = options.clone()
    changed[:, 1:3] += 7.0
    straight, other = (network(rows, mask, *rest)[:, :, [0, 3]] for rows in (options, changed))
    torch.testing.assert_close(straight, other)
    fewer = network(options[:, [0, 3]], mask[:, [0, 3]], *rest)
    torch.testing.assert_close(straight, fewer)


@pytest.mark.parametrize(("encoder", "knows"), [((16, 12), True), ((16,), False)])
def test_embeddings_know_of_other_options_from_the_second_layer_on(
    arrays: Arrays, encoder: tuple[int, ...], knows: bool
) -> None:
    """And of preference and context; with one layer the network is the set network, to the last bit."""
    network, plain = (random_network(kind, encoder=encoder) for kind in (ExchangingNetwork, OptionNetwork))
    options, mask, context, preference = inputs(arrays)
    mask = torch.ones_like(mask)
    changed = options.clone()
    changed[:, 1] += 1.0
    for other in ((changed, mask, context, preference), (options, mask, context + 1.0, preference),
                  (options, mask, context, preference.flip(1))):  # fmt: skip
        for one, exchanges in ((network, knows), (plain, False)):
            before, after = (one.embed(*given)[0][:, :, 0] for given in ((options, mask, context, preference), other))
            assert torch.equal(before, after) != exchanges
    assert torch.equal(network(options, mask, context, preference), plain(options, mask, context, preference)) != knows


@ANY
def test_the_order_of_options_changes_nothing(arrays: Arrays, kind: str) -> None:
    agent, observation, order = trained_agent(arrays, kind), arrays.observation(50), [2, 0, 3, 1]
    shuffled = observation | {name: observation[name][:, order] for name in ("options", "mask")}
    straight = agent.action_probabilities(observation, PREFERENCE)
    np.testing.assert_allclose(
        agent.action_probabilities(shuffled, PREFERENCE), straight[:, order], rtol=1e-3, atol=1e-6
    )
    assert (np.array(order)[agent.eval(shuffled, PREFERENCE)] == agent.eval(observation, PREFERENCE)).all()


@ANY
def test_padding_changes_nothing(arrays: Arrays, kind: str) -> None:
    agent, observation = trained_agent(arrays, kind), arrays.observation(50)
    padded = dict(observation)
    padded["options"] = np.pad(observation["options"], ((0, 0), (0, 3), (0, 0)), constant_values=np.nan)
    padded["mask"] = np.pad(observation["mask"], ((0, 0), (0, 3)))
    short, long = (agent.action_probabilities(each, PREFERENCE) for each in (observation, padded))
    np.testing.assert_allclose(long[:, :-3], short, rtol=1e-4, atol=1e-6)
    assert (long[:, -3:] == 0).all()
    values = agent.q_values(padded, PREFERENCE)
    np.testing.assert_allclose(values[:, :-3], agent.q_values(observation, PREFERENCE), rtol=1e-4, atol=1e-5)
    assert np.isneginf(values[:, -3:]).all()


@OVER_SETS
def test_ensemble_members_are_independent(arrays: Arrays, architecture: type[OptionNetwork]) -> None:
    network, single, given = random_network(architecture), random_network(architecture, 1), inputs(arrays)
    for alone, both in zip(single.parameters(), network.parameters(), strict=True):
        alone.data.copy_(both.data[1:])
    torch.testing.assert_close(single(*given)[0], network(*given)[1])


@ANY
def test_absent_options_are_never_chosen(arrays: Arrays, kind: str) -> None:
    agent, observation = trained_agent(arrays, kind), arrays.observation(2000)
    probability = agent.action_probabilities(observation, PREFERENCE)
    present = observation["mask"] == 1
    assert (probability[~present] == 0).all()
    np.testing.assert_allclose(probability.sum(-1), 1.0, rtol=1e-5)
    for explore in (True, False):
        action = agent.act(observation, PREFERENCE, explore=explore)
        assert present[np.arange(2000), action].all()


@pytest.mark.parametrize("exploration_temperature", [1.0, 3.0])
@pytest.mark.parametrize("policy", ["softmax", "network"])
def test_exploration_follows_the_policy_at_its_own_temperature(
    arrays: Arrays, policy: str, exploration_temperature: float
) -> None:
    """From exp(Q/α), normalised, to exp(Q/α'): the probabilities to the power α/α'."""
    agent = make_agent(policy=policy, temperature=1.0, exploration_temperature=exploration_temperature)
    one = arrays.observation(1)
    one["mask"][:] = 1
    many = {name: np.repeat(value, 20_000, 0) for name, value in one.items()}
    played = agent.action_probabilities(one, PREFERENCE)[0]
    expected = played ** (1.0 / exploration_temperature)
    expected /= expected.sum()
    assert played.max() > 0.35
    assert (np.abs(expected - played).max() > 0.05) == (exploration_temperature > 1.0)
    counts = np.bincount(agent.act(many, PREFERENCE, explore=True), minlength=len(expected))
    np.testing.assert_allclose(counts / 20_000, expected, atol=0.02)


def test_single_and_no_valid_option_give_numbers_and_gradients() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], requires_grad=True)
    mask = torch.tensor([[False, True, False], [False, False, False], [True, True, False]])
    probability, log_probability = masked_log_softmax(logits, mask)
    assert probability.tolist() == [[0, 1, 0], [0, 0, 0], [0.5, 0.5, 0]]
    bits = entropy(probability, log_probability)
    torch.testing.assert_close(bits, torch.tensor([0.0, 0.0, 0.6931472]))
    bits.sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@OVER_SETS
def test_the_taken_option_has_its_output_and_the_gradient(arrays: Arrays, architecture: type[OptionNetwork]) -> None:
    network, given = random_network(architecture), inputs(arrays)
    action = torch.tensor([0, 3, 1, 2, 2, 0])
    assert_taken(network, given, action)


def assert_taken(network: EnsembleNetwork, given: list[torch.Tensor], action: torch.Tensor) -> None:
    """`taken` is a part of the whole output, with the same gradient."""
    options, mask, context, preference = given
    taken, everything = network.taken(options, mask, context, preference, action), network(*given)
    assert taken.shape == (2, 6, 1, 2)
    torch.testing.assert_close(taken[:, :, 0], everything[:, torch.arange(6), action])
    network.zero_grad()
    taken.sum().backward()
    fast = [torch.clone(parameter.grad) for parameter in network.parameters() if parameter.grad is not None]
    network.zero_grad()
    network(*given)[:, torch.arange(6), action].sum().backward()
    for one, parameter in zip(fast, network.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad)


@ANY
def test_residual_form_starts_at_the_greedy_choice(arrays: Arrays, kind: str) -> None:
    agent, observation = make_learner(kind), arrays.observation(500)
    cost = observation["options"][..., :2] * PREFERENCE / np.array([3.0, 0.5])
    cost = np.where(observation["mask"] == 1, cost.sum(-1), np.inf)
    assert (agent.eval(observation, PREFERENCE) == cost.argmin(-1)).all()
    present = observation["mask"] == 1
    expected = -agent.config.reward_multiplier * observation["options"][..., :2] / np.array([3.0, 0.5])
    values = agent.q_values(observation, PREFERENCE)
    np.testing.assert_allclose(values[present], expected[present], rtol=1e-5)


@ANY
def test_plain_form_starts_uniform(arrays: Arrays, kind: str) -> None:
    agent = make_learner(kind, residual=False)
    probability = agent.action_probabilities(arrays.observation(20), PREFERENCE)
    valid = (probability > 0).sum(-1, keepdims=True)
    np.testing.assert_allclose(probability, np.where(probability > 0, 1 / valid, 0), rtol=1e-5)


def test_normaliser_ignores_absent_rows_and_outliers_of_cost() -> None:
    normaliser = InputNormaliser(2, 1, cost_columns=(1,), cost_units=(1.0,))
    options = torch.zeros(1, 1001, 2)
    options[0, :1000, 0] = torch.arange(1000.0)
    options[0, :1000, 1] = torch.linspace(0.0, 1e-3, 1000)
    options[0, 999, 1] = 1e6
    options[0, 1000] = 1e9
    mask = torch.ones(1, 1001, dtype=torch.bool)
    mask[0, 1000] = False
    normaliser.set_normalisation(options, mask, torch.zeros(1, 1))
    normal, _ = normaliser(options, mask, torch.zeros(1, 1))
    assert normal[0, :1000, 0].std() == pytest.approx(1.0, rel=1e-3)
    assert normal[0, :999, 1].std() == pytest.approx(0.78, rel=0.05)
    assert normal[0, 999, 1] == 10.0
    assert (normal[0, 1000] == 0).all()
    assert normaliser.context_scale.item() == 0.25


def test_normaliser_compresses_options_in_the_units_of_their_columns() -> None:
    """And nothing else: before it has seen data it neither shifts nor scales."""
    normaliser = InputNormaliser(3, 1, cost_columns=(2,), cost_units=(0.01,), compress=True)
    rows = torch.tensor([[0.0, -3.0, 0.05], [7.0, 1e3, 1e2]])
    normal, context = normaliser(rows[None], torch.ones(1, 2, dtype=torch.bool), torch.tensor([[5.0]]))
    expected = [[0.0, -np.log(4.0), np.log(6.0)], [np.log(8.0), np.log(1001.0), np.log(10001.0)]]
    np.testing.assert_allclose(normal[0], expected, rtol=1e-5)
    assert context.item() == 5.0
    normaliser.set_normalisation(rows[None], torch.ones(1, 2, dtype=torch.bool), torch.tensor([[5.0]]))
    again, _ = normaliser(rows[None], torch.ones(1, 2, dtype=torch.bool), torch.tensor([[5.0]]))
    np.testing.assert_allclose(again[0].mean(0)[:2], 0.0, atol=1e-5)  # statistics are those of compressed columns
    np.testing.assert_allclose(again[0].std(0, correction=0)[:2], 1.0, rtol=1e-4)


@pytest.mark.parametrize("compress", [False, True])
def test_normaliser_counts_from_each_bin_on(compress: bool) -> None:
    """Compressed and normalised like any column, and the columns beside the bins as they were."""
    normaliser = InputNormaliser(5, 1, cost_columns=(4,), cost_units=(1.0,), compress=compress, bins=(1, 4))
    rows, from_bin = torch.tensor([[9.0, 2.0, 0.0, 5.0, 3.0]]), torch.tensor([[9.0, 7.0, 5.0, 5.0, 3.0]])
    mask = torch.ones(1, 1, dtype=torch.bool)
    normal, _ = normaliser(rows[None], mask, torch.zeros(1, 1))
    torch.testing.assert_close(normal[0], from_bin.log1p() if compress else from_bin)
    normaliser.set_normalisation(rows[None], mask, torch.zeros(1, 1))
    assert normaliser(rows[None], mask, torch.zeros(1, 1))[0].abs().max() == 0.0


def test_the_context_is_seen_through_ramps_between_its_quantiles() -> None:
    """The finer the nearer to an end, as `numpy.interp` has each of them; what lies outside is at its end."""
    normaliser = InputNormaliser(1, 2, ramp_levels=3)
    mask, options = torch.ones(801, 1, dtype=torch.bool), torch.zeros(801, 1, 1)
    seen = torch.stack([torch.arange(801.0), torch.arange(801.0) // 500], 1)
    before = normaliser(options, mask, seen)[1]
    assert before.shape == (801, 2 + 6 * 2)
    assert (before[:, 2:] == 0).all()  # what has seen nothing tells nothing apart
    normaliser.set_normalisation(options, mask, seen.flip(0))
    rows = torch.tensor([[-5.0, 0.0], [0.0, 0.0], [50.0, 0.0], [150.0, 1.0], [300.0, 1.0], [725.0, 1.0], [900.0, 1.0]])
    context = normaliser(options[:7], mask[:7], rows)[1]
    knots = [0.0, 100.0, 200.0, 400.0, 600.0, 700.0, 800.0]  # eighths, a quarter, the half
    for ramp, (low, high) in enumerate(itertools.pairwise(knots)):
        np.testing.assert_allclose(context[:, 2 + 2 * ramp], np.interp(rows[:, 0], [low, high], [0, 1]), atol=1e-6)
    # Of a column with the values 0 and 1: three steps above 0, a ramp between them, and two steps above 1.
    np.testing.assert_array_equal(context[:, 3::2], rows[:, 1:].numpy() * np.array([1, 1, 1, 1, 0, 0]))


@ANY
@pytest.mark.parametrize("cumulate", [False, True])
def test_bins_are_cumulated_where_the_environment_tells_of_them(arrays: Arrays, kind: str, cumulate: bool) -> None:
    shape = dataclasses.replace(SHAPE, count_columns=(3, 5))
    for made, bins in ((shape, (3, 5) if cumulate else None), (SHAPE, None)):
        assert make_learner(kind, shape=made, cumulate=cumulate).model.normaliser.bins == bins


@ANY
@pytest.mark.parametrize("compress", [False, True])
def test_the_unit_of_a_cost_is_the_temperature(arrays: Arrays, compress: bool, kind: str) -> None:
    agent = make_learner(kind, compress=compress, temperature=0.2, reward_multiplier=4.0)
    options = arrays.observation(3)["options"]
    state = agent.model.state(
        torch.as_tensor(options), torch.ones(3, 4).bool(), torch.zeros(3, 3), torch.ones(3, 2) / 2
    )
    scaled = options[..., :2] * 4.0 / np.array([3.0, 0.5])
    if compress:
        expected = np.sign(scaled) * np.log1p(np.abs(scaled) / 0.2)
        np.testing.assert_allclose(state.options_NAF[..., :2], expected, rtol=1e-5)
    else:
        np.testing.assert_allclose(state.options_NAF, options.clip(-10, 10), rtol=1e-6)
