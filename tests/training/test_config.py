"""Training settings: what can be set, how `--set` reads it, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from mecsim_agents import DoubleDQNConfig

from mecsim.core.cuda import why_not
from mecsim.errors import InputError
from mecsim.training import TrainingConfig, check_engine
from mecsim.training.config import AGENT_ON_CUDA, ON_CUDA, check_settings
from tests.training.small import new_run

ALONE = TrainingConfig().with_settings({"copies": "1"})
"""Every environment plays an episode of its own, so that any number of them will do."""


def set_one(key: str, text: str) -> TrainingConfig:
    return ALONE.with_settings({key: text})


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("learning_rate", "1e-4", 1e-4),
        ("learning_rate", "1.0e-4", 1e-4),
        ("agent.learning_rate", "0.003", 0.003),
        ("discount", "1", 1.0),
        ("encoder_sizes", "[32, 16]", (32, 16)),
        ("agent.head_sizes", "[8]", (8,)),
        ("residual", "false", False),
        ("learn_temperature", "yes", True),
        ("policy", "network", "network"),
        ("agent.pessimism", "min", "min"),
        ("compress", "false", False),
        ("exploration_temperature", "1e-3", 1e-3),
        ("critic", "scalar", "scalar"),
        ("batch_size", "0x10", 16),
    ],
)
def test_set_reaches_the_agent(key: str, text: str, value: object) -> None:
    found = getattr(set_one(key, text).agent, key.removeprefix("agent."))
    assert found == value
    assert type(found) is type(value)


def test_set_reaches_the_training() -> None:
    config = ALONE.with_settings({"num_envs": "3", "updates_per_step": "2.5", "warmup_epochs": "7"})
    assert (config.num_envs, config.updates_per_step, config.warmup_epochs) == (3, 2.5, 7)
    config = set_one("steps_per_round", "3")
    assert (config.copies, config.steps_per_round) == (1, 3)
    assert config.agent == TrainingConfig().agent
    assert TrainingConfig().with_settings({}) == TrainingConfig()


def test_settings_are_those_of_the_agent_that_was_chosen() -> None:
    config = TrainingConfig.of("double-dqn").with_settings({"exploration_end": "0.2", "agent.discount": "0.9"})
    assert (config.algorithm, config.agent) == ("double-dqn", DoubleDQNConfig(exploration_end=0.2, discount=0.9))
    assert TrainingConfig.from_mapping(yaml.safe_load(yaml.safe_dump(config.to_mapping()))) == config
    with pytest.raises(InputError, match="--set exploration_temperature: no such setting; did you mean explor"):
        config.with_settings({"exploration_temperature": "1"})
    with pytest.raises(InputError, match="--set algorithm: no such setting"):
        config.with_settings({"algorithm": "sac"})


def test_an_unknown_agent_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        TrainingConfig.of("double-dqnn")
    assert str(caught.value) == "double-dqnn: no such agent; did you mean double-dqn?"


def test_a_preference_can_be_set_and_taken_back() -> None:
    config = set_one("preference", "[0.3, 0.7]")
    assert config.preference == (0.3, 0.7)
    assert TrainingConfig.from_mapping(yaml.safe_load(yaml.safe_dump(config.to_mapping()))) == config
    assert config.with_settings({"preference": "null"}) == ALONE


def test_settings_add_up() -> None:
    config = set_one("batch_size", "64").with_settings({"num_envs": "2"})
    assert (config.agent.batch_size, config.num_envs) == (64, 2)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("num_env", "num_envs"),
        ("lerning_rate", "learning_rate"),
        ("agent.num_envs", "num_envs"),
        ("agent", ""),
        ("", ""),
        ("evaluation_epoch", "evaluation_epochs"),
    ],
)
def test_an_unknown_setting_is_answered_with_the_nearest(key: str, near: str) -> None:
    with pytest.raises(InputError, match=f"--set {key}: no such setting; did you mean .*{near}"):
        set_one(key, "1")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("preference", "[0.5, 0.6]"),
        ("preference", "[-0.5, 1.5]"),
        ("preference", "[]"),
        ("preference", "0.3,0.7"),
        ("preference", "1"),
        ("preference", "[half, half]"),
        ("preference", "[.nan, 1]"),
        ("preference", "[true, false]"),
        ("preference", f"[1{'0' * 400}]"),
        ("architecture", "both"),
        ("policy", "greedy"),
        ("pessimism", "max"),
        ("compress", "1"),
        ("exploration_temperature", "0"),
        ("group_huber_beta", "0"),
        ("group_mean_weight", "-1"),
        ("played_fraction", "1.1"),
        ("copies", "0"),
        ("copies", "2.0"),
        ("copies", "true"),
        ("steps_per_round", "0"),
        ("steps_per_round", "[2]"),
        ("num_envs", "0"),
        ("num_envs", "-4"),
        ("num_envs", "2.5"),
        ("num_envs", "1e1"),
        ("num_envs", "true"),
        ("num_envs", "many"),
        ("num_envs", ""),
        ("num_envs", "[4]"),
        ("num_envs", "1000000000000"),
        ("evaluation_episodes", "1000000000000"),
        ("evaluation_preferences", "1000000000000"),
        ("checkpoint_epochs", "0"),
        ("evaluation_epochs", "0"),
        ("updates_per_step", "-1"),
        ("updates_per_step", "nan"),
        ("updates_per_step", "inf"),
        ("updates_per_step", "true"),
        ("learning_rate", "nan"),
        ("learning_rate", "0"),
        ("learning_rate", "fast"),
        ("learning_rate", "2023-01-01"),
        ("discount", "1.5"),
        ("residual", "0"),
        ("critic", "both"),
        ("encoder_sizes", "[]"),
        ("encoder_sizes", "8"),
        ("encoder_sizes", "[8, -8]"),
        ("encoder_sizes", "{a: 1}"),
        ("batch_size", "1e3"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(key: str, text: str) -> None:
    with pytest.raises(InputError, match=f"{key}: expected") as caught:
        set_one(key, text)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(("key", "text"), [("num_envs", "9"), ("batch_size", "18"), ("replay_capacity", "1001")])
def test_what_is_no_multiple_of_the_copies_is_refused_by_name(key: str, text: str) -> None:
    whole = ALONE.with_settings({"num_envs": "8", "batch_size": "16", "replay_capacity": "1000", "copies": "4"})
    with pytest.raises(InputError) as caught:
        whole.with_settings({key: text})
    assert str(caught.value) == f"{key}: expected a multiple of copies=4, got {text}; set either"


@pytest.mark.parametrize("text", ["[1", "{", "!!python/object/apply:os.getcwd []", "a: b: c", "'", "*x", "\x00"])
def test_text_that_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--set batch_size: .* is not a number, word or list"):
        set_one("batch_size", text)


def test_a_mapping_and_back() -> None:
    config = ALONE.with_settings({"num_envs": "3", "encoder_sizes": "[4, 4]", "learn_temperature": "true"})
    mapping = config.to_mapping()
    assert mapping["agent"]["encoder_sizes"] == [4, 4]
    assert TrainingConfig.from_mapping(mapping) == config
    assert TrainingConfig.from_mapping(yaml.safe_load(yaml.safe_dump(mapping))) == config
    assert TrainingConfig.from_mapping({}) == TrainingConfig()


@pytest.mark.parametrize("algorithm", ["sac", "double-dqn"])
def test_a_setting_that_a_file_does_not_know_is_what_it_was_before(algorithm: str) -> None:
    """Not its default of today: the networks in the folder are of the shape of then."""
    stored = TrainingConfig.of(algorithm).to_mapping()
    for name in ("ramp_levels", "cumulate"):
        del stored["agent"][name]
    found = TrainingConfig.from_stored(stored).agent.to_mapping()
    assert found == {**stored["agent"], "ramp_levels": 0, "cumulate": False}
    with pytest.raises(InputError, match="no-such"):
        TrainingConfig.from_stored({"algorithm": "no-such"})


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"num_env": 3}, "num_env: no such training setting; did you mean num_envs?"),
        ({"agent": {"batchsize": 3}}, "agent.batchsize: no such field; did you mean batch_size?"),
        ({"agent": {"batch_size": "x"}}, "agent.batch_size: expected a positive whole number, got 'x'"),
        ({1: 2}, "1: no such training setting"),
    ],
)
def test_a_mapping_with_something_else_is_refused(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        TrainingConfig.from_mapping(mapping)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("agent", [7, [1, 2], "text", None])
def test_an_agent_that_is_no_mapping_is_refused(agent: object) -> None:
    with pytest.raises(InputError, match="agent"):
        TrainingConfig.from_mapping({"agent": agent})


@pytest.mark.parametrize("algorithm", ["sac", "double-dqn"])
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_has_defaults_of_its_own(algorithm: str, device: str) -> None:
    plain, config = (TrainingConfig.of(algorithm, on).to_mapping() for on in ("cpu", device))
    changed = {name for name in plain if name != "agent" and plain[name] != config[name]}
    assert changed == set(ON_CUDA)
    agent = {name: value for name, value in config["agent"].items() if plain["agent"][name] != value}
    assert agent == AGENT_ON_CUDA
    assert TrainingConfig.of(algorithm, device).with_settings({"num_envs": "64"}).num_envs == 64


def test_a_replay_holds_a_step_at_least() -> None:
    with pytest.raises(InputError, match="replay_capacity: expected at least num_envs=64, got 32"):
        TrainingConfig().with_settings({"replay_capacity": "32"})


@pytest.mark.skipif(not why_not(), reason="there is a GPU")
def test_environments_on_a_gpu_need_one(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", engine="cuda")
    with pytest.raises(InputError, match="engine=cuda needs --device cuda, got cpu"):
        check_engine(run, "cpu")
    with pytest.raises(InputError, match="engine=cuda cannot be used here: pip install"):
        check_engine(run, "cuda:0")
    check_engine(new_run(tmp_path / "other"), "cuda")


def test_what_suits_no_device_is_refused_before_it_is_known_which_there_is() -> None:
    check_settings("sac", {"copies": "1024"})  # as it suits the batches of a GPU
    for algorithm, settings in (("sac", {"nothing": "1"}), ("sac", {"learning_rate": "fast"}), ("nobody", {})):
        with pytest.raises(InputError):
            check_settings(algorithm, settings)
