"""What there is to choose from: policies, settings, and scenarios as they are."""

import pytest
import yaml

from mecsim.core.system import SYSTEMS
from mecsim.policies.registry import policies_of_system
from mecsim.report.settings import known_settings, told_of_fields
from mecsim.scenario import builtin_names, load_scenario, parse_scenario, with_context
from mecsim.training import TrainingConfig
from tests.cli.conftest import Command


@pytest.mark.parametrize("name", builtin_names())
def test_a_scenario_is_shown_as_a_file_that_means_the_same(mecsim: Command, name: str) -> None:
    said = mecsim("show", name)
    assert (said.code, said.err) == (0, "")
    assert parse_scenario(said.out, "shown") == load_scenario(name)


def test_a_changed_scenario_is_shown(mecsim: Command) -> None:
    said = mecsim("show", "quickstart", "--context", "edges=5", "--context", "observation.upcoming=4")
    changed = with_context(load_scenario("quickstart"), {"edges": "5", "observation.upcoming": "4"})
    assert parse_scenario(said.out, "shown") == changed
    assert mecsim("show", "quickstart", "--context", "edge=5").code == 2
    assert mecsim("show", "nowhere").code == 2


@pytest.mark.parametrize("kind", ["offload", "cells"])
def test_policies_are_listed_with_what_they_do(mecsim: Command, kind: str) -> None:
    known = policies_of_system(SYSTEMS.load(kind))
    said = mecsim("policies", "--kind", kind)
    assert said.code == 0
    assert [line for line in said.out.splitlines() if line in known] == sorted(known)
    assert max(map(len, said.out.splitlines())) <= 80
    told = {one["name"]: one["about"] for one in mecsim("policies", "--kind", kind, "--json").content}
    assert told == {name: policy.about for name, policy in known.items()}


def test_policies_of_a_kind_that_does_not_exist(mecsim: Command) -> None:
    said = mecsim("policies", "--kind", "cels")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "did you mean 'cells'?" in said.err


@pytest.mark.parametrize("agent", ["sac", "double-dqn"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_settings_are_listed_with_the_defaults_that_count(mecsim: Command, agent: str, device: str) -> None:
    """Set to what is listed nothing changes; and nothing that can be set is missing."""
    config = TrainingConfig.of(agent, device)
    listed = mecsim("settings", "--agent", agent, "--device", device, "--json").content
    assert config.with_settings({one["name"]: one["default"] for one in listed}) == config
    names = {*config.to_mapping(), *config.agent.to_mapping()} - {"algorithm", "agent"}
    assert {one["name"] for one in listed} == names
    assert all(one["about"].strip() and one["expected"] for one in listed)
    said = mecsim("settings", "--agent", agent, "--device", device)
    shown = [line for line in said.out.splitlines() if not line.startswith(" ")]
    assert shown == [f"{one['name']}={one['default']}" for one in listed]
    assert all(yaml.safe_load(line.partition("=")[2]) == yaml.safe_load(one["default"])
               for line, one in zip(shown, listed, strict=True))  # fmt: skip
    assert max(map(len, said.out.splitlines())) <= 80


def test_texts_of_several_lines_and_names_are_put_together() -> None:
    about = told_of_fields(type(TrainingConfig().agent))
    assert about["learning_rate"] == about["final_learning_rate_fraction"]
    assert about["averaging_power"].endswith("about the latest fifth of all updates.")
    assert about["ensemble_size"] == "number of critics; two are the twin of SAC."  # the text of the class itself


def test_an_agent_that_does_not_exist_has_no_settings(mecsim: Command) -> None:
    said = mecsim("settings", "--agent", "dqn")
    assert (said.code, said.err) == (2, "mecsim: dqn: no such agent; did you mean double-dqn?\n")


@pytest.mark.parametrize(
    ("key", "meant"), [("lr", "learning_rate"), ("batchsize", "batch_size"), ("LR", "learning_rate"), ("nu", "num")]
)
def test_a_setting_that_does_not_exist_is_nearly_another(mecsim: Command, key: str, meant: str) -> None:
    said = mecsim("train", "quickstart", "--out", "never", "--set", f"{key}=1")
    assert said.code == 2
    assert f"--set {key}: no such setting; did you mean {meant}" in said.err
    assert "mecsim settings lists them" in said.err
    assert known_settings()[0].name == "num_envs"
