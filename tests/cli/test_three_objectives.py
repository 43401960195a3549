"""Training and sweeping with satisfaction as a third objective: files, table, curves."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from mecsim.sweep.results import RESULT_FILES
from tests.cli.conftest import Command

from .conftest import SET

PICTURES = {"front.png", "front.svg", "parallel.png", "parallel.svg"}
NAMES = ["delay", "energy", "satisfaction"]


@pytest.fixture
def rated(small: Path) -> Path:
    """The small scenario with users who rate delays."""
    content = yaml.safe_load(small.read_text())
    content["satisfaction"] = {"form": "zone"}
    content["objectives"] = NAMES
    content["evaluation"] = {}
    small.write_text(yaml.safe_dump(content))
    return small


def test_a_policy_is_trained_and_swept(mecsim: Command, rated: Path, tmp_path: Path) -> None:
    assert mecsim("train", rated, "--out", "run", "--steps", 96, "--num-threads", 1, *SET).code == 0
    said = mecsim("sweep", "run", "greedy", "random", "--preferences", 7, "--episodes", 3, "--out", "front")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1] == "front: front/front.png, front/parallel.png"
    assert "of 7" in said.out
    entries = {path.name for path in (tmp_path / "front").iterdir()}
    assert entries == PICTURES | {*RESULT_FILES, "tensorboard", "parts"}
    with (tmp_path / "front" / "front.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["target"] for row in rows] == ["run"] * 7 + ["greedy"] * 7 + ["random"] * 7
    for row in rows:
        assert sum(float(row[f"preference_{name}"]) for name in NAMES) == pytest.approx(1.0)
        assert 0.0 <= float(row["satisfaction_mean"]) <= 5.0
    told = json.loads((tmp_path / "front" / "summary.json").read_text())
    assert (told["objectives"], told["preferences"]) == (NAMES, 7)
    assert set(told["reference_point"]) == set(told["objective_scale"]) == set(NAMES)


def test_force_removes_pictures_that_fewer_objectives_do_not_have(mecsim: Command, rated: Path, tmp_path: Path) -> None:
    swept = ("sweep", "greedy", "--scenario", rated, "--preferences", 3, "--episodes", 2, "--out", "front")
    assert mecsim(*swept).code == 0
    assert mecsim(*swept, "--force", "--context", "objectives=[delay, energy]").code == 0
    assert not [path for path in (tmp_path / "front").iterdir() if path.name.startswith("parallel")]


def test_fewer_preferences_than_objectives(refused: Command, rated: Path) -> None:
    said = refused("sweep", "greedy", "--scenario", rated, "--preferences", 2, "--out", "front")
    assert "at least 3 preferences are needed for 3 objectives, got 2" in said.err
