"""mecsim fit: from a log to a predictor that a scenario can name, its report, and what it refuses."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mecsim.predictor import fit as predictor_fit
from mecsim.predictor.predictor import Predictor
from mecsim.scenario import load_scenario
from mecsim.systems.cells.scenario import CellsScenario
from tests.cli.conftest import Command
from tests.predictor.request_log import SmallLog, small_log

from .conftest import snapshot

SPLITS = ["known_users_later", "unseen_users"]


@pytest.fixture(autouse=True)
def _fewer_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor_fit, "TREES", 10)


@pytest.fixture(scope="module")
def small() -> SmallLog:
    return small_log(users=6, days=4, per_day=30)


def test_it_leaves_a_predictor_and_its_report(mecsim: Command, small: SmallLog, tmp_path: Path) -> None:
    small.write(tmp_path / "log.csv")
    said = mecsim("fit", "log.csv", "--out", "new/people.safetensors", "--num-threads", 1)
    assert (said.code, said.err) == (0, "")
    for part in ("known users, later", "unseen users", "to floor", "0.5 to 1", "4.5 to 5"):
        assert part in said.out
    assert said.out.splitlines()[-1].endswith("KiB), new/people.json, new/people.csv, new/people.yaml")
    assert said.following == "mecsim sweep greedy universal --scenario new/people.yaml --out front"
    assert len(Predictor.load(tmp_path / "new" / "people.safetensors").offsets.user_ids) == 6
    report = json.loads((tmp_path / "new" / "people.json").read_text())
    assert list(report["splits"]) == SPLITS
    assert list(report["calibration"]) == SPLITS
    assert (report["requests"], report["users"], report["days"], report["seed"]) == (720, 6, 4, 0)
    assert report["versions"]["mecsim"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        f"people.{ending}" for ending in ("csv", "json", "safetensors", "yaml")
    ]


def test_the_same_in_json_and_from_a_log_without_the_truth(mecsim: Command, small: SmallLog, tmp_path: Path) -> None:
    small.write(tmp_path / "log.parquet", satisfaction=None)
    said = mecsim("fit", "log.parquet", "--out", "people.safetensors", "--json")
    assert (said.code, said.err) == (0, "")
    assert (said.content["file"], said.content["report"]) == ("people.safetensors", "people.json")
    assert said.content["splits"]["unseen_users"]["noise_floor_mae"] is None
    assert said.content["splits"] == json.loads((tmp_path / "people.json").read_text())["splits"]


def test_the_same_seed_gives_the_same_bytes(mecsim: Command, small: SmallLog, tmp_path: Path) -> None:
    small.write(tmp_path / "log.parquet")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert mecsim("fit", "log.parquet", "--out", f"{name}.safetensors", "--seed", seed).code == 0
    first, second, other = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "abc")
    assert first == second
    assert first != other


def test_the_log_of_a_scenario_and_a_scenario_with_the_predictor(mecsim: Command, tmp_path: Path) -> None:
    """From dataset to fit to a scenario whose decisions go by what was learnt."""
    assert mecsim("dataset", "personalized-quick", "--users", 6, "--days", 3, "--out", "log.parquet").code == 0
    assert mecsim("fit", "log.parquet", "--out", "people.safetensors").code == 0
    (tmp_path / "own.yaml").write_text(
        "mecsim: 1\nkind: personalize\nepisode: {requests: 20}\nusers: {count: 6, seed: 0}\n"
        "satisfaction: {predictor: people.safetensors}\n"
    )
    said = mecsim("simulate", "own.yaml", "--policy", "random", "--episodes", 2)
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize("name", [f"people.{ending}" for ending in ("safetensors", "json", "csv", "yaml")])
def test_files_are_replaced_only_by_force(
    mecsim: Command, refused: Command, small: SmallLog, tmp_path: Path, name: str
) -> None:
    small.write(tmp_path / "log.parquet")
    (tmp_path / name).write_text("precious")
    assert f"--out {name}: exists already" in refused("fit", "log.parquet", "--out", "people.safetensors").err
    assert mecsim("fit", "log.parquet", "--out", "people.safetensors", "--force").code == 0
    assert Predictor.load(tmp_path / "people.safetensors").names


@pytest.mark.parametrize(
    ("out", "part"),
    [
        ("people", "expected a file that ends in .safetensors"),
        ("people.json", "expected a file that ends in .safetensors"),
        ("file/below.safetensors", "cannot be written"),
        ("locked/people.safetensors", "cannot be written: Permission denied"),
    ],
)
def test_a_place_that_cannot_be_written(
    refused: Command, small: SmallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, part: str
) -> None:
    small.write(tmp_path / "log.parquet")
    (tmp_path / "file").write_text("precious")
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK and str(path).endswith("locked")))
    assert part in refused("fit", "log.parquet", "--out", out).err


def test_a_full_disk_is_no_internal_error(
    mecsim: Command, small: SmallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    small.write(tmp_path / "log.parquet")
    monkeypatch.setattr("mecsim.predictor.predictor.write_predictor", full)
    before = snapshot(tmp_path)
    said = mecsim("fit", "log.parquet", "--out", "people.safetensors")
    assert (said.code, said.out) == (1, "")
    assert "No space left on device" in said.err
    assert len(said.err.splitlines()) == 1
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("package", ["pyarrow", "lightgbm"])
def test_a_missing_package(
    refused: Command, small: SmallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    small.write(tmp_path / "log.parquet")
    monkeypatch.setitem(sys.modules, package, None)
    said = refused("fit", "log.parquet", "--out", "people.safetensors")
    assert said.err == f"mecsim: fit needs {package}: pip install 'mecsim[data]'\n"


def test_a_log_that_cannot_be_used(refused: Command, small: SmallLog, tmp_path: Path) -> None:
    small.write(tmp_path / "wrong.csv", application=None)
    assert "wrong.csv: no column 'application'" in refused("fit", "wrong.csv", "--out", "people.safetensors").err
    assert "absent.csv: no such file" in refused("fit", "absent.csv", "--out", "people.safetensors").err
    small_log(users=2, days=3).write(tmp_path / "few.csv")
    assert "expected at least 5 users" in refused("fit", "few.csv", "--out", "people.safetensors").err


@pytest.mark.parametrize("arguments", [(), ("log.csv",), ("log.csv", "--out"), ("log.csv", "--out", "x", "--frob")])
def test_a_command_that_cannot_be(
    refused: Command, arguments: tuple[object, ...] | tuple[str, ...] | tuple[str, str]
) -> None:
    assert refused("fit", *arguments).err.startswith("mecsim")


def foreign(small: SmallLog, path: Path) -> Path:
    """A log as an operator has it: text ids, stars from 1 to 5 of which some are missing, other names, own places."""
    columns = small.columns
    stars = np.round(1.0 + 0.8 * columns["satisfaction_noisy"])
    stars[::3] = np.nan
    return small.write(
        path,
        user=None, customer=np.char.add("c-", columns["user"].astype(str)),
        place=np.where(columns["place"] == "mall", "hall", columns["place"]),
        satisfaction=None, satisfaction_noisy=None, score=stars, activity=None,
    )  # fmt: skip


def test_a_foreign_log_becomes_people_and_a_scenario_of_them(mecsim: Command, small: SmallLog, tmp_path: Path) -> None:
    """And one id is one person in both."""
    foreign(small, tmp_path / "log.csv")
    (tmp_path / "network.yaml").write_text("mecsim: 1\nkind: cells\nepisode: {requests: 20}\ncells: {blocks: 40}\n")
    named = ("--column", "user=customer", "--column", "rating=score", "--scale", "1..5")
    said = mecsim("fit", "log.csv", *named, "--scenario", "network.yaml", "--out", "own.safetensors")
    assert (said.code, said.err) == (0, "")
    for note in (
        "no column activity: taken as sitting", "240 requests without a rating tell of habits only",
        "places of its own: hall",
    ):  # fmt: skip
        assert note in said.out
    scenario = load_scenario(tmp_path / "own.yaml")
    assert isinstance(scenario, CellsScenario)
    assert (scenario.users.count, scenario.cells.blocks, scenario.population.place_names[-1]) == (6, 40, "hall")
    assert scenario.known_people is not None
    assert scenario.known_people.ids == tuple(f"c-{number}" for number in range(6))
    assert Predictor.load(tmp_path / "own.safetensors").users.ids == scenario.known_people.ids
    assert mecsim("validate", "own.yaml").out == "own.yaml: valid\n"
    said = mecsim("simulate", "own.yaml", "--policy", "greedy", "--episodes", 2)
    assert (said.code, said.err) == (0, "")


def test_a_scenario_of_other_people_is_refused(mecsim: Command, small: SmallLog, tmp_path: Path) -> None:
    """By validate and by whatever plays it; who came later is told."""
    small.write(tmp_path / "log.csv")
    assert mecsim("fit", "log.csv", "--out", "own.safetensors").code == 0
    head = "mecsim: 1\nkind: cells\nepisode: {requests: 10}\nsatisfaction: {predictor: own.safetensors}\n"
    (tmp_path / "others.yaml").write_text(head)
    for command in (("validate", "others.yaml"), ("simulate", "others.yaml", "--episodes", 1)):
        said = mecsim(*command)
        assert said.code == 2
        assert len(said.err.splitlines()) == 1
        assert "own.safetensors knows none of the users, who are new people in each episode" in said.err
    people = (tmp_path / "own.csv").read_text()
    (tmp_path / "own.csv").write_text(people + people.splitlines()[1].replace("0,", "new,", 1) + "\n")
    told = "own.yaml: valid; 1 of 7 users are unknown to the predictor: taken for strangers\n"
    assert mecsim("validate", "own.yaml").out == told


@pytest.mark.parametrize("scale", ["5", "1-5", "5..1", "a..b", "1..1", "0..inf", "nan..5"])
def test_scales_that_cannot_be(refused: Command, small: SmallLog, tmp_path: Path, scale: str) -> None:
    small.write(tmp_path / "log.csv")
    said = refused("fit", "log.csv", "--out", "own.safetensors", "--scale", scale)
    assert said.err == f"mecsim: --scale {scale}: expected the worst and the best rating, such as 1..5\n"


def test_wrong_units_are_found_by_the_applications_of_the_scenario(
    refused: Command, small: SmallLog, tmp_path: Path
) -> None:
    """Before, rates 1000 times off were learnt from in silence."""
    rates = {name: 1e3 * small.columns[name] for name in small.columns if name.endswith("_rate_kbit_per_s")}
    small.write(tmp_path / "log.csv", **rates)
    said = refused("fit", "log.csv", "--out", "own.safetensors", lines=7)
    assert (
        "log.csv: the demanded rate of voice is 64 Mbit/s on the median, 1e+03 times that of the scenario" in said.err
    )


def test_the_log_is_not_replaced(refused: Command, small: SmallLog, tmp_path: Path) -> None:
    small.write(tmp_path / "log.csv")
    said = refused("fit", "log.csv", "--out", "log.safetensors", "--force")
    assert said.err == "mecsim: --out log.safetensors: would replace the log log.csv; name another file\n"


def test_a_network_of_another_kind(refused: Command, small: SmallLog, tmp_path: Path) -> None:
    small.write(tmp_path / "log.csv")
    said = refused("fit", "log.csv", "--out", "own.safetensors", "--scenario", "quickstart")
    assert "--scenario quickstart: is of kind offload, which has no population" in said.err
