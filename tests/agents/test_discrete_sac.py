"""The agent: target, determinism, saving, errors."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mecsim_agents import METRICS, DiscreteSAC, Replay, checkpoint
from mecsim_agents.functional import (
    critic_target,
    encode_preference,
    masked_log_softmax,
    sample_preferences,
)
from mecsim_agents.sac.functional import pessimistic, policy_loss
from safetensors.torch import save_file

from .conftest import Arrays, assert_goes_on_bit_for_bit, filled_replay, make_agent, states_equal

PREFERENCE = np.array([0.3, 0.7], np.float32)
POLICIES = pytest.mark.parametrize("policy", ["softmax", "network"])


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
def test_update_reports_what_the_policy_network_does(arrays: Arrays, policy: str) -> None:
    metrics = make_agent(learn_temperature=True, policy=policy).update(filled_replay(arrays), 0.5)
    assert metrics.keys() == METRICS.keys()
    assert bool(metrics["policy_gradient_norm"] > 0.0) == (policy == "network")


def test_a_file_of_the_last_version_without_a_name_loads(arrays: Arrays, tmp_path: Path) -> None:
    agent, path = make_agent(), tmp_path / "agent.safetensors"
    agent.update(filled_replay(arrays), 0.0)
    agent.save(path)
    tensors, header = checkpoint.read(path, "sac")
    del header["count_columns"]
    save_file(tensors, path, {"mecsim_agents": json.dumps({"format": 2} | header)})
    assert states_equal(DiscreteSAC.load(path), agent)


def test_a_file_keeps_only_what_is_needed(arrays: Arrays, tmp_path: Path) -> None:
    """What its header lacks has a default."""
    agent, path = make_agent(), tmp_path / "agent.safetensors"
    agent.update(filled_replay(arrays), 0.0)
    agent.save(path)
    tensors, header = checkpoint.read(path, "sac")
    header["agent"] = "sac"
    del header["num_options"], header["config"]["architecture"]
    checkpoint.write(path, tensors, header)
    assert states_equal(DiscreteSAC.load(path), agent)


# The policy


def members(agent: DiscreteSAC, observation: dict[str, np.ndarray]) -> np.ndarray:
    """What each critic says of each option, (K, N, A, M)."""
    tensors = [torch.as_tensor(array) for array in observation.values()]
    preference = torch.as_tensor(PREFERENCE).expand(len(tensors[1]), -1)
    with torch.no_grad():
        return agent.model.values(
            agent.model.critic, agent.model.state(tensors[0], tensors[1] != 0, tensors[2], preference)
        ).numpy()


def updated(agent: DiscreteSAC, replay: Replay, updates: int) -> DiscreteSAC:
    agent.observe(replay)
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
    settings: dict[str, Any] = {"critic": critic, "pessimism": pessimism, "averaging_power": 1e12, "temperature": 2.0}
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
def test_exploring_changes_when_the_policy_is_released(arrays: Arrays, policy: str) -> None:
    """At next to no temperature exploring takes the likeliest option, so what it draws does not matter."""
    cold: dict[str, Any] = {
        "temperature": 0.01,
        "exploration_temperature": 1e-7,
        "residual": False,
        "averaging_power": 1e12,
    }
    agent, replay = make_agent(policy=policy, learning_rate=0.01, **cold), filled_replay(arrays)
    observation = arrays.observation(500)
    updated(agent, replay, 20)
    agent.release()
    released = agent.act(observation, PREFERENCE, explore=True)
    assert np.mean(released == agent.eval(observation, PREFERENCE)) > 0.95
    for _ in range(20):
        agent.update(replay, 0.0)
    assert np.mean(agent.act(observation, PREFERENCE, explore=True) == released) > 0.98
    assert np.mean(agent.eval(observation, PREFERENCE) != released) > 0.05
    agent.release()
    assert np.mean(agent.act(observation, PREFERENCE, explore=True) == agent.eval(observation, PREFERENCE)) > 0.95


@pytest.mark.parametrize(("residual", "fraction", "rises"), [(False, 0.1, False), (True, 1.0, True)])
@POLICIES
def test_temperature_moves_against_the_error_of_entropy(
    arrays: Arrays, policy: str, residual: bool, fraction: float, rises: bool
) -> None:
    """The plain form starts uniform, above any lower target; the residual one nearly greedy, below the uniform's."""
    settings: dict[str, Any] = {"learn_temperature": True, "residual": residual, "target_entropy_fraction": fraction}
    agent = make_agent(policy=policy, **settings)
    before = agent.state_tensors()["model.log_temperature"]
    agent.update(filled_replay(arrays), 0.0)
    assert bool(agent.state_tensors()["model.log_temperature"] > before) == rises


COMBINATIONS = itertools.product(("softmax", "network"), ("vector", "scalar"), ("mean", "min"), (False, True))


@pytest.mark.parametrize(("policy", "critic", "pessimism", "switch"), list(COMBINATIONS))
def test_resumes_bit_for_bit(
    arrays: Arrays, tmp_path: Path, policy: str, critic: str, pessimism: str, switch: bool
) -> None:
    settings: dict[str, Any] = {"policy": policy, "critic": critic, "pessimism": pessimism, "learn_temperature": switch}
    agent, replay = make_agent(compress=switch, **settings), filled_replay(arrays, group=4 if switch else 1)
    assert_goes_on_bit_for_bit(agent, replay, tmp_path / "agent.safetensors")
