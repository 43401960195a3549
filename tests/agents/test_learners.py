"""What any learner has to do: what it learns for, what it plays, determinism, files, errors."""

import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import mecsim_agents
import numpy as np
import pytest
import torch
from mecsim_agents import (
    DiscreteSAC,
    DoubleDQNConfig,
    EnvironmentShape,
    Replay,
    checkpoint,
)

from .conftest import ANY, SHAPE, Arrays, assert_goes_on_bit_for_bit, filled_replay, make_learner, states_equal

PREFERENCE = np.array([0.3, 0.7], np.float32)


@ANY
@pytest.mark.parametrize("group", [1, 4])
def test_update_reports_every_metric(arrays: Arrays, kind: str, group: int) -> None:
    agent, replay = make_learner(kind), filled_replay(arrays, group=group)
    metrics = agent.update(replay, 0.25)
    assert metrics.keys() == agent.METRICS.keys()
    assert all(value.ndim == 0 and torch.isfinite(value) and not value.requires_grad for value in metrics.values())
    last = agent.config.final_learning_rate_fraction
    assert float(metrics["learning_rate"]) == pytest.approx(agent.config.learning_rate * (0.75 + 0.25 * last))
    assert bool(metrics["error_within_groups"] > 0.0) == (group > 1)


@ANY
def test_updates_tell_where_their_time_goes(arrays: Arrays, kind: str) -> None:
    agent, replay = make_learner(kind), filled_replay(arrays)
    started = time.perf_counter()
    for _ in range(5):
        agent.update(replay, 0.0)
    wall_s, seconds = time.perf_counter() - started, agent.timer.seconds
    assert seconds.keys() == {"sampling", "learning"}
    assert 0.0 < seconds["sampling"] < seconds["learning"] < wall_s
    assert sum(seconds.values()) > 0.5 * wall_s


@ANY
def test_a_batch_has_to_be_of_whole_groups(arrays: Arrays, kind: str) -> None:
    with pytest.raises(ValueError, match="expected a multiple of the group of 4, got 30"):
        make_learner(kind, batch_size=30).update(filled_replay(arrays, group=4), 0.0)


@ANY
@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_a_group_is_learned_for_one_preference_played_or_drawn(arrays: Arrays, fraction: float, kind: str) -> None:
    agent, replay = make_learner(kind, played_fraction=fraction, corner_fraction=0.0), Replay(SHAPE, 4000, group=4)
    batch = arrays.transitions(4000)
    batch.preference[:] = batch.preference[::4].repeat_interleave(4, 0)
    replay.add(batch)
    drawn = replay.sample(4000, torch.Generator().manual_seed(0))
    preference, as_played = agent._drawn_preferences(1000, None)
    used = agent._learned_for(drawn, preference, as_played).view(1000, 4, 2)
    assert (used == used[:, :1]).all()
    assert np.unique(used[:, 0].numpy(), axis=0).shape[0] > 500
    played = (used[:, 0] == drawn.preference[::4]).all(-1)
    assert played.float().mean().item() == pytest.approx(fraction, abs=0.06)


@ANY
def test_a_fixed_preference_is_the_only_one_that_is_learned_for(arrays: Arrays, kind: str) -> None:
    """Before any critic has learned a value, the target is the reward, weighed by the preference (plus entropy)."""
    replay = filled_replay(arrays)
    results = []
    for preference in ([1.0, 0.0], [0.0, 1.0], [0.3, 0.7]):
        first, second = (make_learner(kind, residual=False) for _ in range(2))
        metrics = first.update(replay, 0.0, preference)
        rows = np.tile(np.asarray(preference, np.float32), (first.config.batch_size, 1))
        assert float(second.update(replay, 0.0, rows)["critic_loss"]) == float(metrics["critic_loss"])
        assert states_equal(first, second)
        results.append(float(metrics["target"]))
    assert results[2] == pytest.approx(0.3 * results[0] + 0.7 * results[1], rel=1e-4)
    assert results[0] != pytest.approx(results[1], rel=1e-2)


@ANY
@pytest.mark.parametrize("preference", [[1.0], [0.5, 0.6], [-0.5, 1.5]])
def test_a_fixed_preference_has_to_be_one(arrays: Arrays, preference: list[float], kind: str) -> None:
    with pytest.raises(ValueError, match="preference"):
        make_learner(kind).update(filled_replay(arrays), 0.0, preference)


@ANY
def test_the_loss_weighs_what_is_common_to_a_group_apart(arrays: Arrays, kind: str) -> None:
    """One number decides how much the mean of a group counts; without it only what differs is learned."""
    replay, losses = filled_replay(arrays, group=4), {}
    for weight in (0.0, 0.5, 2.0):
        agent = make_learner(kind, group_mean_weight=weight)
        losses[weight] = float(agent.update(replay, 0.0)["critic_loss"])
    assert losses[0.0] > 0.0
    assert losses[2.0] - losses[0.0] == pytest.approx(4.0 * (losses[0.5] - losses[0.0]), rel=1e-3)
    assert losses[0.5] > 1.01 * losses[0.0]


@ANY
@pytest.mark.parametrize("power", [0.0, 3.0])
def test_the_average_of_the_weights_is_played(arrays: Arrays, kind: str, power: float) -> None:
    agent, replay = make_learner(kind, averaging_power=power, learning_rate=0.01), filled_replay(arrays)
    agent.observe(replay)
    seen = []
    for _ in range(7):
        agent.update(replay, 0.0)
        seen.append([parameter.detach().clone() for parameter in agent.model.deciding.parameters()])
    # The k-th of 7 counts by Γ(k + power)/Γ(k), which is k(k + 1)(k + 2) for a power of 3 (Shamir and Zhang 2013).
    share = torch.tensor([math.gamma(k + power) / math.gamma(k) for k in range(1, 8)])
    share /= share.sum()
    for average, weights in zip(agent.model.averaged.parameters(), zip(*seen, strict=True), strict=True):
        expected = torch.einsum("k,k...->...", share, torch.stack(weights))
        torch.testing.assert_close(average, expected, rtol=1e-4, atol=1e-6)
    observation = arrays.observation(300)
    before = agent.eval(observation, PREFERENCE), agent.action_probabilities(observation, PREFERENCE)
    with torch.no_grad():
        for parameter in [*agent.model.deciding.parameters(), *agent.model.exploring.parameters()]:
            parameter.zero_()
    assert np.array_equal(agent.eval(observation, PREFERENCE), before[0])
    assert (agent.action_probabilities(observation, PREFERENCE) == before[1]).all()
    with torch.no_grad():
        for parameter in agent.model.averaged.parameters():
            parameter.zero_()
    assert (agent.action_probabilities(observation, PREFERENCE) != before[1]).any()


@ANY
def test_target_follows_slowly(arrays: Arrays, kind: str) -> None:
    agent, replay = make_learner(kind, target_rate=0.25), filled_replay(arrays)
    before = agent.state_tensors()
    agent.update(replay, 0.0)
    after = agent.state_tensors()
    name = "model.target.last_weight"
    expected = torch.lerp(before[name], after[name.replace("target", "critic")], 0.25)
    torch.testing.assert_close(after[name], expected)
    assert not torch.equal(after[name], before[name])


@ANY
def test_residual_target_needs_no_learning_without_a_future(arrays: Arrays, kind: str) -> None:
    """With γ = 0 and rewards equal to the cost columns, the residual critic is right from the start."""
    agent = make_learner(kind, discount=0.0)
    batch = arrays.transitions(100)
    reward = -batch.options[torch.arange(100), batch.action][:, :2]
    replay = Replay(SHAPE, 100)
    replay.add(type(batch)(**{**vars(batch), "reward": reward}))
    assert float(agent.update(replay, 0.0)["critic_loss"]) < 1e-10


@ANY
def test_exploring_changes_only_with_release(arrays: Arrays, kind: str) -> None:
    """The same draws from the policy of the moment and from the released one."""
    agent, observation = make_learner(kind, residual=False, learning_rate=0.01), arrays.observation(2000)
    replay = filled_replay(arrays)
    agent.observe(replay)
    draws = []
    for _ in range(3):
        agent._generators["act"].manual_seed(5)
        draws.append(agent.act(observation, PREFERENCE, explore=True))
        if len(draws) == 2:
            agent.release()
        for _ in range(100):
            agent.update(replay, 0.9)
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[1], draws[2])


@ANY
@pytest.mark.parametrize("group", [1, 4])
def test_goes_on_bit_for_bit(arrays: Arrays, tmp_path: Path, kind: str, group: int) -> None:
    assert_goes_on_bit_for_bit(make_learner(kind), filled_replay(arrays, group=group), tmp_path / "agent.safetensors")


@ANY
def test_same_seed_same_weights_and_another_seed_others(arrays: Arrays, kind: str) -> None:
    agents, replay = [make_learner(kind, seed=seed) for seed in (3, 3, 4)], filled_replay(arrays)
    for agent in agents:
        for _ in range(3):
            agent.update(replay, 0.0)
    assert states_equal(agents[0], agents[1])
    assert not states_equal(agents[0], agents[2])


@ANY
def test_global_random_state_is_left_alone(arrays: Arrays, kind: str) -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    agent, replay = make_learner(kind), filled_replay(arrays)
    agent.observe(replay)
    agent.update(replay, 0.0)
    agent.act(arrays.observation(3), PREFERENCE, explore=True)
    assert torch.equal(torch_before, torch.get_rng_state())
    assert (numpy_before == np.random.get_state(legacy=False)["state"]["key"]).all()  # noqa: NPY002


@ANY
def test_single_states_and_a_preference_for_each_state(arrays: Arrays, kind: str) -> None:
    agent, batch = make_learner(kind), arrays.observation(40)
    preferences = arrays.rng.dirichlet([1.0, 1.0], 40).astype(np.float32)
    actions = agent.eval(batch, preferences)
    assert isinstance(actions, np.ndarray)
    assert actions.dtype == np.int64
    for n in range(40):
        single = agent.eval({name: value[n] for name, value in batch.items()}, preferences[n])
        assert isinstance(single, int)
        assert single == actions[n]
    assert len(set(actions.tolist())) > 1


@ANY
def test_finished_episodes_may_end_in_nothing(arrays: Arrays, kind: str) -> None:
    agent, batch = make_learner(kind), arrays.transitions(50)
    batch.next_mask[:25], batch.terminated[:25] = False, True
    batch.next_options[:25] = torch.nan
    replay = Replay(SHAPE, 50)
    replay.add(batch)
    for _ in range(5):
        metrics = agent.update(replay, 0.0)
    assert all(torch.isfinite(value) for value in metrics.values())


@ANY
def test_errors_say_what_is_wrong(arrays: Arrays, tmp_path: Path, kind: str) -> None:
    agent, observation = make_learner(kind), arrays.observation(3)
    with pytest.raises(ValueError, match="no option"):
        agent.eval({**observation, "mask": np.zeros_like(observation["mask"])}, PREFERENCE)
    with pytest.raises(ValueError, match="observation"):
        agent.eval({**observation, "options": observation["options"][..., :2]}, PREFERENCE)
    for preference in ([1.0], [0.5, 0.6], [-0.5, 1.5], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="preference"):
            agent.eval(observation, preference)
    with pytest.raises(ValueError, match="objective_scale"):
        EnvironmentShape(2, 5, 3, (1.0, 0.0))
    with pytest.raises(ValueError, match="reward_columns"):
        EnvironmentShape(2, 5, 3, (1.0, 1.0), reward_columns=(0, 5))
    with pytest.raises(ValueError, match="shape"):
        make_learner(kind, replace(SHAPE, option_features=6)).load_state_tensors(agent.state_tensors())
    huge = make_learner(kind, replace(SHAPE, objective_scale=(1e-38, 1e-38)))
    replay = filled_replay(arrays)
    with pytest.raises(FloatingPointError, match="critic"):
        huge.update(replay, 0.0)


def test_a_file_of_another_learner_is_refused(tmp_path: Path) -> None:
    make_learner("double-dqn").save(tmp_path / "agent.safetensors")
    with pytest.raises(ValueError, match="an agent of double-dqn, not of sac"):
        DiscreteSAC.load(tmp_path / "agent.safetensors")


def test_a_config_of_another_learner_is_refused() -> None:
    with pytest.raises(TypeError, match="config: expected a DiscreteSACConfig, got a DoubleDQNConfig"):
        DiscreteSAC(SHAPE, DoubleDQNConfig())


def test_another_safetensors_file_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="not an agent"):
        DiscreteSAC.load(tmp_path / "other.safetensors")


@ANY
def test_a_file_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    path = tmp_path / "agent.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_FORMAT", 1)
        make_learner(kind).save(path)
    with pytest.raises(ValueError, match="format"):
        DiscreteSAC.load(path)


def test_public_names_exist_and_no_simulator_is_imported() -> None:
    assert all(hasattr(mecsim_agents, name) for name in mecsim_agents.__all__)
    code = "import mecsim_agents, sys; sys.exit(any(n.split('.')[0] in ('mecsim', 'gymnasium') for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
