"""mecsim fit: from a log to a predictor that a scenario can name, its report, and what it refuses."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mecsim.predictor import fit as predictor_fit
from mecsim.predictor.predictor import Predictor
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
    wrote, hint = said.out.splitlines()[-2:]
    assert wrote.endswith("KiB), new/people.json, new/people.csv, new/people.yaml")
    assert hint == "next: mecsim sweep greedy universal --scenario new/people.yaml --out front"
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
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "mecsim: --out people.safetensors: cannot be written: No space left on device; name another file\n"
    )
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
