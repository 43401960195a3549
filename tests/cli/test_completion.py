"""What a shell offers after Tab."""

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from mecsim.cli import cli
from mecsim.report.settings import known_settings
from mecsim.scenario import builtin_names
from tests.cli.conftest import Command


def offered(line: str) -> list[str]:
    """After the words of a line, the last of which is begun."""
    *words, begun = line.split(" ")
    return [item.value for item in ShellComplete(cli, {}, "mecsim", "_MECSIM_COMPLETE").get_completions(words, begun)]


@pytest.mark.parametrize("command", ["simulate", "train", "show", "validate", "warmup", "sweep --scenario", "bound"])
def test_scenarios_are_built_in_or_files(command: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").touch()
    (tmp_path / "own.csv").touch()
    assert set(offered(f"{command} ")) == {*builtin_names(), "own.yaml"}
    assert offered(f"{command} ow") == ["own.yaml"]
    assert offered(f"{command} quick") == ["quickstart"]


def test_targets_are_policies_of_the_scenario_and_runs(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "rest").mkdir()
    assert offered("sweep --scenario quickstart r") == ["random", "rest/", "run"]
    assert offered("simulate quickstart --policy loo") == ["lookahead"]
    assert offered("simulate personalized-quick --policy loo") == []
    assert "universal" in offered("sweep u")
    assert offered(f"sweep {run_folder.parent}/ru") == [str(run_folder)]
    assert offered("export ru") == ["run"]


def test_settings_keys_and_kinds() -> None:
    assert set(offered("train --set ")) == {f"{one.name}=" for one in known_settings()}
    assert offered("train quickstart --context servers.edge.cp") == ["servers.edge.cpu="]
    assert offered("show personalized-quick --context edges") == []
    assert {"offload", "cells"} <= set(offered("policies --kind "))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(mecsim: Command, shell: str) -> None:
    said = mecsim("completion", shell)
    assert (said.code, said.err) == (0, "")
    assert f"_MECSIM_COMPLETE={shell}_complete" in said.out
