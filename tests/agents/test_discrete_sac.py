"""The agent: target, determinism, saving, errors."""

import subprocess
import sys
from pathlib import Path

import mecsim_agents
import numpy as np
import pytest
import torch
from mecsim_agents import METRICS, DiscreteSAC, DiscreteSACConfig, Replay, checkpoint
from mecsim_agents.functional import critic_target, masked_log_softmax, policy_loss, sample_preferences

from .conftest import Arrays, filled_replay, make_agent

PREFERENCE = np.array([0.3, 0.7], np.float32)


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
    result = critic_target(
        reward, terminated, values, probability, log_probability, preference, discount, torch.tensor(temperature)
    )
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
    corner = (weights == 1).any(-1)
    assert corner.float().mean().item() == pytest.approx(0.25, abs=0.02)
    inner = weights[~corner]
    assert inner.mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.02)
    assert inner.var(0).tolist() == pytest.approx([1 / 18] * 3, abs=0.005)  # of Dirichlet(1, 1, 1)


def test_update_reports_every_metric(arrays: Arrays) -> None:
    agent, replay = make_agent(learn_temperature=True), filled_replay(arrays)
    metrics = agent.update(replay, 0.5)
    assert metrics.keys() == METRICS.keys()
    assert all(value.ndim == 0 and torch.isfinite(value) and not value.requires_grad for value in metrics.values())
    assert float(metrics["learning_rate"]) == pytest.approx(agent.config.learning_rate * 0.55)


def test_a_fixed_preference_is_the_only_one_that_is_learned_for(arrays: Arrays) -> None:
    """Before any critic has learned a value, the target is the reward, weighed by the preference (plus entropy)."""
    replay = filled_replay(arrays)
    results = []
    for preference in ([1.0, 0.0], [0.0, 1.0], [0.3, 0.7]):
        first, second = make_agent(residual=False), make_agent(residual=False)
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


def test_a_file_from_before_there_were_architectures_is_read(arrays: Arrays, tmp_path: Path) -> None:
    agent, path = make_agent(), tmp_path / "agent.safetensors"
    agent.update(filled_replay(arrays), 0.0)
    agent.save(path)
    tensors, header = checkpoint.read(path)
    del header["format"], header["num_options"], header["config"]["architecture"]
    checkpoint.write(path, tensors, header)
    assert states_equal(DiscreteSAC.load(path), agent)


def test_target_follows_slowly(arrays: Arrays) -> None:
    agent, replay = make_agent(target_rate=0.25), filled_replay(arrays)
    before = agent.state_tensors()
    agent.update(replay, 0.0)
    after = agent.state_tensors()
    name = "target.last_weight"
    expected = torch.lerp(before[name], after[name.replace("target", "critic")], 0.25)
    torch.testing.assert_close(after[name], expected)
    assert not torch.equal(after[name], before[name])


@pytest.mark.parametrize(("residual", "fraction", "rises"), [(False, 0.1, False), (True, 1.0, True)])
def test_temperature_moves_against_the_error_of_entropy(
    arrays: Arrays, residual: bool, fraction: float, rises: bool
) -> None:
    """The plain form starts uniform, above any lower target; the residual one nearly greedy, below the uniform's."""
    agent = make_agent(learn_temperature=True, residual=residual, target_entropy_fraction=fraction)
    before = agent.state_tensors()["log_temperature"]
    agent.update(filled_replay(arrays), 0.0)
    assert bool(agent.state_tensors()["log_temperature"] > before) == rises


def test_residual_target_needs_no_learning_without_a_future(arrays: Arrays) -> None:
    """With γ = 0 and rewards equal to the cost columns, the residual critic is right from the start."""
    agent = make_agent(discount=0.0)
    batch = arrays.transitions(100)
    reward = -batch.options[torch.arange(100), batch.action][:, :2]
    replay = Replay(100, 4, 5, 3, 2)
    replay.add(type(batch)(**{**vars(batch), "reward": reward}))
    assert float(agent.update(replay, 0.0)["critic_loss"]) < 1e-10


@pytest.mark.parametrize("learn_temperature", [False, True])
@pytest.mark.parametrize("critic", ["vector", "scalar"])
def test_resumes_bit_for_bit(arrays: Arrays, tmp_path: Path, critic: str, learn_temperature: bool) -> None:
    settings = {"critic": critic, "learn_temperature": learn_temperature}
    agent, replay, observation = make_agent(**settings), filled_replay(arrays), arrays.observation(30)
    agent.observe_normalisation(replay)
    for step in range(5):
        agent.update(replay, step / 10)
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
