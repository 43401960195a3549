"""mecsim choose and mecsim compare: from a sweep to a deployed preference, and to a table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mecsim.sweep import read_sweep
from tests.cli.conftest import Command

SWEPT = ("--preferences", 5, "--episodes", 4, "--num-threads", 1, "--workers", 1)


@pytest.fixture
def front(mecsim: Command, run_folder: Path, tmp_path: Path) -> Path:
    """A sweep of a run and greedy."""
    assert mecsim("sweep", run_folder, "greedy", *SWEPT, "--out", "front").code == 0
    return tmp_path / "front"


def test_a_preference_is_chosen_and_deployed(mecsim: Command, front: Path, run_folder: Path, tmp_path: Path) -> None:
    worst = read_sweep(front).front(str(run_folder)).mean[:, 0].max()
    said = mecsim("choose", front, "--target", "run", "--max", f"delay={worst} s", "--deploy", "there")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].startswith("run at the preference delay ")
    assert lines[1] == "(5 of 5 measured points meet all targets)"
    assert lines[-1] == "deployed to there; try it: python there/act.py"
    command = [sys.executable, "act.py"]
    played = subprocess.run(command, cwd=tmp_path / "there", capture_output=True, text=True, check=True)
    option, expected = played.stdout.split(" - expected ")
    assert option == f"option {expected.strip()}"
    told = json.loads((tmp_path / "there" / "deployed.json").read_text())
    assert told["target"] == str(run_folder)
    assert told["limits"]["delay"]["max"] == worst
    assert told["option_names"] == ["cloud", "edge_01", "edge_02"]
    again = mecsim("choose", front, "--target", "run", "--max", f"delay={worst} s", "--json").content
    assert again["preference"] == told["preference"]


def test_targets_out_of_reach_are_told_with_what_is_in_reach(mecsim: Command, front: Path) -> None:
    said = mecsim("choose", front, "--max", "delay_per_task=1ms", "--min", "energy=0")
    assert (said.code, said.err) == (1, "")
    assert said.out.splitlines()[0] == "no measured preference meets all targets:"
    assert "delay_per_task_s at most 0.001 s is out of reach" in said.out
    assert "energy at least 0 J can be met alone" in said.out
    told = mecsim("choose", front, "--max", "delay_per_task=1ms", "--json")
    assert (told.code, told.content["preference"]) == (1, None)


def test_names_are_listed(mecsim: Command, front: Path) -> None:
    said = mecsim("choose", front, "--list")
    assert "delay_per_task_s  " in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert (
        mecsim("choose", front, "--list", "--json").content["task_delay_s_p95"] == "delay of a task (s), 95% quantile"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--max", "dely=5"), "dely: is no number of this sweep"),
        (("--max", "delay"), "expected key=value"),
        (("--max", "delay=5 J"), "delay=5 J: expected a duration"),
        (("--target", "nobody"), "has no target 'nobody'"),
        (("--minimize", "delay", "--maximize", "energy"), "give one of them"),
        (("--target", "greedy", "--deploy", "there"), "greedy: is no run in this folder"),
    ],
)
def test_wrong_input_is_one_line(
    refused: Command, front: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    assert told in refused("choose", front, *arguments).err
    assert not (tmp_path / "there").exists()


def test_no_sweep_is_refused(refused: Command, tmp_path: Path) -> None:
    assert "is no finished sweep" in refused("choose", tmp_path).err
    assert "name what to compare it with" in refused("compare", "greedy").err
    assert "add --scenario NAME" in refused("compare", "greedy", "random").err
    assert "expected two things to compare" in refused("compare", "a", "b", "c").err


def test_comparisons_of_sweeps_and_of_what_is_played(
    mecsim: Command, front: Path, run_folder: Path, small: Path
) -> None:
    said = mecsim("compare", front)
    assert said.out.splitlines()[:3] == [f"A: {run_folder}", "B: greedy", "paired on 4 common episodes, 5 preferences"]
    told = mecsim("compare", f"{front}:greedy", "greedy", "--format", "json").content
    assert told["measures"]["mean_cost"]["difference"] == 0.0
    assert mecsim("compare", front, front).out.count("A: ") == 2
    played = mecsim("compare", "greedy", "random", "--scenario", small, "--preferences", 3, "--episodes", 4)
    assert "paired on 4 common episodes, 3 preferences" in played.out
