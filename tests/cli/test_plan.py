"""`--plan K`, and targets that are spelled so."""

import json
from pathlib import Path

from tests.cli.conftest import Command, rows_of


def test_simulate_plans(mecsim: Command, small: Path, run_folder: Path) -> None:
    common = ("simulate", small, "--episodes", 3, "--json", "--policy")
    alone, asked, spelled = (
        mecsim(*common, *rest).content for rest in ((run_folder,), (run_folder, "--plan", 2), (f"{run_folder}+plan2",))
    )
    assert asked["policy"] == f"{run_folder}+plan2"
    assert asked["per_episode"] == spelled["per_episode"]
    assert asked["per_episode"]["tasks"] == alone["per_episode"]["tasks"]
    assert asked["per_episode"] != alone["per_episode"]


def test_sweep_plans_on_top_of_each_target(mecsim: Command, run_folder: Path, tmp_path: Path) -> None:
    options = ("--preferences", 3, "--episodes", 2, "--out")
    assert mecsim("sweep", run_folder, "greedy", "--plan", 2, *options, "front").code == 0
    targets = [f"{run_folder}+plan2", "greedy+plan2"]
    assert list(json.loads((tmp_path / "front" / "summary.json").read_text())["targets"]) == targets
    assert sorted({row["target"] for row in rows_of(tmp_path / "front" / "front.csv")}) == sorted(targets)
    assert mecsim("sweep", run_folder, f"{run_folder}+plan2", *options, "beside").code == 0
    planned = [row for row in rows_of(tmp_path / "beside" / "front.csv") if row["target"] == targets[0]]
    assert planned == [row for row in rows_of(tmp_path / "front" / "front.csv") if row["target"] == targets[0]]


def test_what_cannot_be_planned(refused: Command, run_folder: Path) -> None:
    said = refused("simulate", "personalized-quick", "--plan", 2)
    assert "the futures of cells cannot be imagined" in said.err
    said = refused("simulate", "gmorl-e6", "--policy", "lookahead", "--plan", 2, "--episodes", 1)
    assert "lookahead needs episodes on a tape" in said.err
    said = refused("sweep", run_folder, f"{run_folder}+plan2", "--plan", 2, "--out", "front")
    assert "plans twice" in said.err
