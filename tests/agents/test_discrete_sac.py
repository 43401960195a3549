"""The agent: target, determinism, saving, errors."""

import itertools
import subprocess
import sys
from pathlib import Path

import mecsim_agents
import numpy as np
import pytest
import torch
from mecsim_agents import METRICS, DiscreteSAC, DiscreteSACConfig, Replay, checkpoint
from mecsim_agents.functional import (
    critic_target,
    encode_preference,
    masked_log_softmax,
    pessimistic,
    policy_loss,
    sample_preferences,
)

from .conftest import Arrays, filled_replay, make_agent

PREFERENCE = np.array([0.3, 0.7], np.float32)
POLICIES = pytest.mark.parametrize("policy", ["softmax", "network"])


def states_equal(left: DiscreteSAC, right: DiscreteSAC) -> bool:
    mine, other = left.state_tensors(), right.state_tensors()
    return mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)


def test_vector_target_equals_a_loop_over_its_definition() -> None:
    rng = torch.Generator().manual_seed(0)
    members, states, options, objectives, discount, temperature = 2, 5, 3, 2, 0.9, 0.2
    values = torch.randn(members, states, options, objectives, generator=rng)
    reward = torch.randn(states, objectives, generator=rng)
    preference = sample_preferences(states, objectives, 0.0, rng, torch.device("cpu"))
    terminated = torch.tensor([False, True, False, False, True])
    mask = torch.tensor([[1, 1, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0], [1, 1, 1]]).bool()
    probability, log_probability = masked_log_softmax(torch.randn(states, options, generator=rng), mask)
    judged, policy = pessimistic(values, preference), (probability, log_probability)
    result = critic_target(reward, terminated, judged, *policy, preference, discount, torch.tensor(temperature))
    for n in range(states):
        expected = reward[n].tolist()
        if not terminated[n]:
            for a in range(options):
                p = float(probability[n, a])
                if not mask[n, a]:
                    continue
                weighted = [float(preference[n] @ values[k, n, a]) for k in range(members)]
                lower = values[weighted.index(min(weighted)), n, a]
                for i in range(objectives):
                    expected[i] += discount * p * (float(lower[i]) - temperature * np.log(p))
        assert result[n].tolist() == pytest.approx(expected, rel=1e-5)


def test_policy_loss_has_the_gradient_of_its_definition() -> None:
    logits = torch.tensor([[0.1, 0.5, -0.3], [1.0, 0.0, 2.0]], requires_grad=True)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    value = torch.tensor([[-1e2, -1e2 + 0.5, -1e2 - 0.2], [0.3, -0.4, torch.nan]])
    policy_loss(*masked_log_softmax(logits, mask), value, mask, torch.tensor(0.1)).backward()
    plain = logits.detach().requires_grad_()
    total = torch.zeros(())
    for n in range(2):
        p = plain[n][mask[n]].softmax(-1)
        total = total + (p * (0.1 * p.log() - value[n][mask[n]])).sum() / 2
    total.backward()
    torch.testing.assert_close(logits.grad, plain.grad, rtol=1e-3, atol=1e-5)


def test_preferences_are_on_the_simplex_with_its_corners() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = sample_preferences(20_000, 3, 0.25, generator, torch.device("cpu"))
    torch.testing.assert_close(weights.sum(-1), torch.ones(20_000))
    inner = sample_preferences(20_000, 3, 0.0, generator, torch.device("cpu"))
    assert inner.mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.02)
    assert inner.var(0).tolist() == pytest.approx([1 / 18] * 3, abs=0.005)  # of Dirichlet(1, 1, 1)
    # Uniform ones have all other weights within 0.1 with a chance of 3 · 0.1², those drawn to a corner always.
    near = (weights > 0.9).any(-1).float().mean().item()
    assert near == pytest.approx(0.25 + 0.75 * 0.03, abs=0.02)
    drawn = sample_preferences(20_000, 3, 1.0, generator, torch.device("cpu"))
    left = 1.0 - drawn.max(-1).values
    assert ((left > 0.0) & (left <= 0.1)).all()
    assert (left < 0.001).float().mean().item() < 0.3 < (left < 0.01).float().mean().item()


def test_logarithms_tell_small_weights_apart() -> None:
    shown = encode_preference(torch.tensor([[0.0, 1.0], [0.01, 0.99], [0.1, 0.9]]))
    assert shown.shape == (3, 4)
    assert shown[:, 2].tolist() == pytest.approx([0.0, 1 / 3, 2 / 3], abs=1e-6)
    assert (shown.min() >= 0.0).item()
    assert (shown.max() <= 1.0).item()


@POLICIES
@pytest.mark.parametrize("group", [1, 4])
def test_update_reports_every_metric(arrays: Arrays, policy: str, group: int) -> None:
    agent, replay = make_agent(learn_temperature=True, policy=policy), filled_replay(arrays, group=group)
    metrics = agent.update(replay, 0.5)
    assert metrics.keys() == METRICS.keys()
    assert all(value.ndim == 0 and torch.isfinite(value) and not value.requires_grad for value in metrics.values())
    last = agent.config.final_learning_rate_fraction
    assert float(metrics["learning_rate"]) == pytest.approx(agent.config.learning_rate * (1.0 + last) / 2.0)
    assert bool(metrics["error_within_groups"] > 0.0) == (group > 1)
    assert bool(metrics["policy_gradient_norm"] > 0.0) == (policy == "network")


def test_the_loss_weighs_what_is_common_to_a_group_apart(arrays: Arrays) -> None:
    """One number decides how much the mean of a group counts; without it only what differs is learned."""
    replay, losses = filled_replay(arrays, group=4), {}
    for weight in (0.0, 0.5, 2.0):
        agent = make_agent(group_mean_weight=weight)
        losses[weight] = float(agent.update(replay, 0.0)["critic_loss"])
    assert losses[0.0] > 0.0
    assert losses[2.0] - losses[0.0] == pytest.approx(4.0 * (losses[0.5] - losses[0.0]), rel=1e-3)
    assert losses[0.5] > 1.01 * losses[0.0]


def test_a_batch_has_to_be_of_whole_groups(arrays: Arrays) -> None:
    with pytest.raises(ValueError, match="expected a multiple of the group of 4, got 30"):
        make_agent(batch_size=30).update(filled_replay(arrays, group=4), 0.0)


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_a_group_is_learned_for_one_preference_played_or_drawn(arrays: Arrays, fraction: float) -> None:
    agent, replay = make_agent(played_fraction=fraction, corner_fraction=0.0), Replay(4000, 4, 5, 3, 2, group=4)
    batch = arrays.transitions(4000)
    batch.preference[:] = batch.preference[::4].repeat_interleave(4, 0)
    replay.add(batch)
    drawn = replay.sample(4000, torch.Generator().manual_seed(0))
    used = agent._preferences(drawn, 4, None).view(1000, 4, 2)
    assert (used == used[:, :1]).all()
    assert np.unique(used[:, 0].numpy(), axis=0).shape[0] > 500
    played = (used[:, 0] == drawn.preference[::4]).all(-1)
    assert played.float().mean().item() == pytest.approx(fraction, abs=0.06)


@POLICIES
def test_a_fixed_preference_is_the_only_one_that_is_learned_for(arrays: Arrays, policy: str) -> None:
    """Before any critic has learned a value, the target is the reward, weighed by the preference (plus entropy)."""
    replay = filled_replay(arrays)
    results = []
    for preference in ([1.0, 0.0], [0.0, 1.0], [0.3, 0.7]):
        first, second = (make_agent(residual=False, policy=policy) for _ in range(2))
        metrics = first.update(replay, 0.0, preference)
        rows = np.tile(np.float32(preference), (first.config.batch_size, 1))
        assert float(second.update(replay, 0.0, rows)["critic_loss"]) == float(metrics["critic_loss"])
        assert states_equal(first, second)
        results.append(float(metrics["target"]))
    assert results[2] == pytest.approx(0.3 * results[0] + 0.7 * results[1], rel=1e-4)
    assert results[0] != pytest.approx(results[1], rel=1e-2)


@pytest.mark.parametrize("preference", [[1.0], [0.5, 0.6], [-0.5, 1.5]])
def test_a_fixed_preference_has_to_be_one(arrays: Arrays, preference: list[float]) -> None:
    with pytest.raises(ValueError, match="preference"):
        make_agent().update(filled_replay(arrays), 0.0, preference)


def test_a_file_keeps_only_what_is_needed(arrays: Arrays, tmp_path: Path) -> None:
    """What its header lacks has a default."""
    agent, path = make_agent(), tmp_path / "agent.safetensors"
    agent.update(filled_replay(arrays), 0.0)
    agent.save(path)
    tensors, header = checkpoint.read(path)
    del header["format"], header["num_options"], header["config"]["architecture"]
    checkpoint.write(path, tensors, header)
    assert states_equal(DiscreteSAC.load(path), agent)


def test_a_file_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "agent.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_FORMAT", 1)
        make_agent().save(path)
    with pytest.raises(ValueError, match="format"):
        DiscreteSAC.load(path)


# The policy


def members(agent: DiscreteSAC, observation: dict[str, np.ndarray]) -> np.ndarray:
    """What each critic says of each option, (K, N, A, M)."""
    tensors = [torch.as_tensor(array) for array in observation.values()]
    preference = torch.as_tensor(PREFERENCE).expand(len(tensors[1]), -1)
    with torch.no_grad():
        return agent.model.values(
            agent.model.critic, agent.model.state(*tensors[:1], tensors[1] != 0, tensors[2], preference)
        ).numpy()


def updated(agent: DiscreteSAC, replay: Replay, updates: int) -> DiscreteSAC:
    agent.observe_normalisation(replay)
    for _ in range(updates):
        agent.update(replay, 0.0)
    return agent


@pytest.mark.parametrize("critic", ["vector", "scalar"])
@pytest.mark.parametrize("pessimism", ["mean", "min"])
def test_what_the_critics_agree_on(arrays: Arrays, critic: str, pessimism: str) -> None:
    agent = updated(make_agent(critic=critic, pessimism=pessimism, ensemble_size=3), filled_replay(arrays), 10)
    observation = arrays.observation(30)
    values, told = members(agent, observation), agent.q_values(observation, PREFERENCE)
    weighted = values[..., 0] if critic == "scalar" else values @ PREFERENCE
    assert np.abs(weighted[0] - weighted[1]).max() > 1e-3
    for n, a in zip(*np.nonzero(observation["mask"]), strict=True):
        lowest = weighted[:, n, a].argmin()
        expected = values[:, n, a].mean(0) if pessimism == "mean" else values[lowest, n, a]
        np.testing.assert_allclose(told[n, a], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("critic", ["vector", "scalar"])
@pytest.mark.parametrize("pessimism", ["mean", "min"])
def test_the_softmax_policy_is_its_formula(arrays: Arrays, critic: str, pessimism: str) -> None:
    """With so steep an average the averaged network is the latest one, whose values are told."""
    settings = {"critic": critic, "pessimism": pessimism, "averaging_power": 1e12, "temperature": 2.0}
    agent = updated(make_agent(policy="softmax", **settings), filled_replay(arrays), 10)
    observation = arrays.observation(200)
    values = agent.q_values(observation, PREFERENCE)
    weighted = values[..., 0] if critic == "scalar" else np.einsum("nam,m->na", values, PREFERENCE)
    weight = np.exp((weighted - weighted.max(-1, keepdims=True)) / 2.0)  # 0 for absent options, whose value is -inf
    expected = weight / weight.sum(-1, keepdims=True)
    assert np.median(expected.max(-1) - 1.0 / observation["mask"].sum(-1)) > 0.1  # neither greedy nor uniform
    assert np.median(expected.max(-1)) < 0.95
    np.testing.assert_allclose(agent.action_probabilities(observation, PREFERENCE), expected, rtol=2e-3, atol=1e-6)


def test_only_a_policy_network_is_an_own_network() -> None:
    names = {policy: set(make_agent(policy=policy).state_tensors()) for policy in ("softmax", "network")}
    assert names["softmax"] < names["network"]
    assert all("policy" in name for name in names["network"] - names["softmax"])


@POLICIES
def test_the_average_of_the_weights_is_played(arrays: Arrays, policy: str) -> None:
    agent, replay = make_agent(policy=policy, averaging_power=0.0, learning_rate=0.01), filled_replay(arrays)
    agent.observe_normalisation(replay)
    seen = []
    for _ in range(7):
        agent.update(replay, 0.0)
        seen.append([parameter.detach().clone() for parameter in agent.model.deciding.parameters()])
    for average, weights in zip(agent.model.averaged.parameters(), zip(*seen, strict=True), strict=True):
        torch.testing.assert_close(average, torch.stack(weights).mean(0), rtol=1e-4, atol=1e-6)
    observation = arrays.observation(300)
    before = agent.eval(observation, PREFERENCE), agent.action_probabilities(observation, PREFERENCE)
    with torch.no_grad():
        for parameter in [*agent.model.deciding.parameters(), *agent.model.exploring.parameters()]:
            parameter.zero_()
    assert (agent.eval(observation, PREFERENCE) == before[0]).all()
    assert (agent.action_probabilities(observation, PREFERENCE) == before[1]).all()
    with torch.no_grad():
        for parameter in agent.model.averaged.parameters():
            parameter.zero_()
    assert (agent.action_probabilities(observation, PREFERENCE) != before[1]).any()


@POLICIES
def test_exploring_changes_when_the_policy_is_released(arrays: Arrays, policy: str) -> None:
    """At next to no temperature exploring takes the likeliest option, so what it draws does not matter."""
    cold = {"temperature": 0.01, "exploration_temperature": 1e-7, "residual": False, "averaging_power": 1e12}
    agent, replay = make_agent(policy=policy, learning_rate=0.01, **cold), filled_replay(arrays)
    observation = arrays.observation(500)
    updated(agent, replay, 20)
    agent.release()
    released = agent.act(observation, PREFERENCE, explore=True)
    assert (released == agent.eval(observation, PREFERENCE)).mean() > 0.95
    for _ in range(20):
        agent.update(replay, 0.0)
    assert (agent.act(observation, PREFERENCE, explore=True) == released).mean() > 0.98
    assert (agent.eval(observation, PREFERENCE) != released).mean() > 0.05
    agent.release()
    assert (agent.act(observation, PREFERENCE, explore=True) == agent.eval(observation, PREFERENCE)).mean() > 0.95


def test_target_follows_slowly(arrays: Arrays) -> None:
    agent, replay = make_agent(target_rate=0.25), filled_replay(arrays)
    before = agent.state_tensors()
    agent.update(replay, 0.0)
    after = agent.state_tensors()
    name = "model.target.last_weight"
    expected = torch.lerp(before[name], after[name.replace("target", "critic")], 0.25)
    torch.testing.assert_close(after[name], expected)
    assert not torch.equal(after[name], before[name])


@pytest.mark.parametrize(("residual", "fraction", "rises"), [(False, 0.1, False), (True, 1.0, True)])
@POLICIES
def test_temperature_moves_against_the_error_of_entropy(
    arrays: Arrays, policy: str, residual: bool, fraction: float, rises: bool
) -> None:
    """The plain form starts uniform, above any lower target; the residual one nearly greedy, below the uniform's."""
    settings = {"learn_temperature": True, "residual": residual, "target_entropy_fraction": fraction}
    agent = make_agent(policy=policy, **settings)
    before = agent.state_tensors()["model.log_temperature"]
    agent.update(filled_replay(arrays), 0.0)
    assert bool(agent.state_tensors()["model.log_temperature"] > before) == rises


def test_residual_target_needs_no_learning_without_a_future(arrays: Arrays) -> None:
    """With γ = 0 and rewards equal to the cost columns, the residual critic is right from the start."""
    agent = make_agent(discount=0.0)
    batch = arrays.transitions(100)
    reward = -batch.options[torch.arange(100), batch.action][:, :2]
    replay = Replay(100, 4, 5, 3, 2)
    replay.add(type(batch)(**{**vars(batch), "reward": reward}))
    assert float(agent.update(replay, 0.0)["critic_loss"]) < 1e-10


COMBINATIONS = itertools.product(("softmax", "network"), ("vector", "scalar"), ("mean", "min"), (False, True))


@pytest.mark.parametrize(("policy", "critic", "pessimism", "switch"), list(COMBINATIONS))
def test_resumes_bit_for_bit(
    arrays: Arrays, tmp_path: Path, policy: str, critic: str, pessimism: str, switch: bool
) -> None:
    settings = {"policy": policy, "critic": critic, "pessimism": pessimism, "learn_temperature": switch}
    agent, replay = make_agent(compress=switch, **settings), filled_replay(arrays, group=4 if switch else 1)
    observation = arrays.observation(30)
    agent.observe_normalisation(replay)
    for step in range(5):
        agent.update(replay, step / 10)
        if step == 2:
            agent.release()  # what is explored with is saved as well
    agent.act(observation, PREFERENCE, explore=True)
    agent.save(tmp_path / "agent.safetensors")
    other = DiscreteSAC.load(tmp_path / "agent.safetensors")
    assert (other.config, other.objective_scale, other.updates) == (agent.config, agent.objective_scale, 5)
    for step in range(5, 10):
        agent.update(replay, step / 10)
        other.update(replay, step / 10)
    assert states_equal(agent, other)
    first, second = (each.act(observation, PREFERENCE, explore=True) for each in (agent, other))
    assert (first == second).all()


def test_same_seed_same_weights_and_another_seed_others(arrays: Arrays) -> None:
    agents, replay = [make_agent(seed=seed) for seed in (3, 3, 4)], filled_replay(arrays)
    for agent in agents:
        for _ in range(3):
            agent.update(replay, 0.0)
    assert states_equal(agents[0], agents[1])
    assert not states_equal(agents[0], agents[2])


def test_global_random_state_is_left_alone(arrays: Arrays) -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    agent, replay = make_agent(), filled_replay(arrays)
    agent.observe_normalisation(replay)
    agent.update(replay, 0.0)
    agent.act(arrays.observation(3), PREFERENCE, explore=True)
    assert torch.equal(torch_before, torch.get_rng_state())
    assert (numpy_before == np.random.get_state()[1]).all()  # noqa: NPY002


def test_single_states_and_a_preference_for_each_state(arrays: Arrays) -> None:
    agent, batch = make_agent(), arrays.observation(40)
    preferences = arrays.rng.dirichlet([1.0, 1.0], 40).astype(np.float32)
    actions = agent.eval(batch, preferences)
    assert actions.dtype == np.int64
    for n in range(40):
        single = agent.eval({name: value[n] for name, value in batch.items()}, preferences[n])
        assert isinstance(single, int)
        assert single == actions[n]
    assert len(set(actions.tolist())) > 1


def test_finished_episodes_may_end_in_nothing(arrays: Arrays) -> None:
    agent, batch = make_agent(), arrays.transitions(50)
    batch.next_mask[:25], batch.terminated[:25] = False, True
    batch.next_options[:25] = torch.nan
    replay = Replay(50, 4, 5, 3, 2)
    replay.add(batch)
    for _ in range(5):
        metrics = agent.update(replay, 0.0)
    assert all(torch.isfinite(value) for value in metrics.values())


def test_errors_say_what_is_wrong(arrays: Arrays, tmp_path: Path) -> None:
    agent, observation = make_agent(), arrays.observation(3)
    with pytest.raises(ValueError, match="no option"):
        agent.eval({**observation, "mask": np.zeros_like(observation["mask"])}, PREFERENCE)
    with pytest.raises(ValueError, match="observation"):
        agent.eval({**observation, "options": observation["options"][..., :2]}, PREFERENCE)
    for preference in ([1.0], [0.5, 0.6], [-0.5, 1.5], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="preference"):
            agent.eval(observation, preference)
    with pytest.raises(ValueError, match="objective_scale"):
        DiscreteSAC(2, 5, 3, (1.0, 0.0))
    with pytest.raises(ValueError, match="reward_columns"):
        DiscreteSAC(2, 5, 3, (1.0, 1.0), reward_columns=(0, 5))
    with pytest.raises(ValueError, match="shape"):
        DiscreteSAC(2, 6, 3, (1.0, 1.0), agent.config).load_state_tensors(agent.state_tensors())
    huge, replay = DiscreteSAC(2, 5, 3, (1e-38, 1e-38), DiscreteSACConfig(batch_size=8)), filled_replay(arrays)
    with pytest.raises(FloatingPointError, match="critic"):
        huge.update(replay, 0.0)


def test_another_safetensors_file_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="not an agent"):
        DiscreteSAC.load(tmp_path / "other.safetensors")


def test_public_names_exist_and_no_simulator_is_imported() -> None:
    assert all(hasattr(mecsim_agents, name) for name in mecsim_agents.__all__)
    code = "import mecsim_agents, sys; sys.exit(any(n.split('.')[0] in ('mecsim', 'gymnasium') for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
