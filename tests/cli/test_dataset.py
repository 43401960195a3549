"""mecsim dataset: the file it writes, what it says of it, and what it refuses."""

import importlib.util
from pathlib import Path

import pytest

from mecsim.people import dataset as log
from tests.cli.conftest import Command

SCENARIO = "mecsim: 1\nkind: personalize\n"


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "cell.yaml"
    path.write_text(SCENARIO)
    return "cell.yaml"


@pytest.mark.parametrize("name", ["log.parquet", "new/folder/log.csv"])
def test_it_writes_a_log(mecsim: Command, scenario: str, tmp_path: Path, name: str) -> None:
    said = mecsim("dataset", scenario, "--users", 5, "--days", 2, "--out", name)
    assert (said.code, said.err) == (0, "")
    first, last = said.out.splitlines()
    assert " requests of 5 people in 2 days: " in first
    assert last.startswith(f"wrote {name} (")
    assert (tmp_path / name).stat().st_size > 1000


def test_workers_change_nothing(
    mecsim: Command, scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SLICE_REQUESTS", 300)
    for name, more in (("alone.csv", ()), ("spread.csv", ("--workers", 2))):
        assert mecsim("dataset", scenario, "--users", 20, "--days", 9, "--out", name, *more).code == 0
    alone = (tmp_path / "alone.csv").read_bytes()
    assert alone == (tmp_path / "spread.csv").read_bytes()
    assert [int(row.split(b",")[0]) for row in alone.splitlines()[1:]] == list(range(alone.count(b"\n") - 1))


def test_it_says_in_json_what_it_wrote(mecsim: Command, scenario: str, tmp_path: Path) -> None:
    said = mecsim("dataset", scenario, "--users", 5, "--days", 2, "--out", "log.csv", "--json")
    assert (said.code, said.err) == (0, "")
    rows = (tmp_path / "log.csv").read_text().splitlines()[1:]
    assert said.content["requests"] == len(rows)
    assert said.content["size_byte"] == (tmp_path / "log.csv").stat().st_size
    ratings = [float(row.split(",")[-2]) for row in rows]
    assert said.content["mean_satisfaction"] == pytest.approx(sum(ratings) / len(ratings))


def test_the_levels_of_the_scenario_are_given(mecsim: Command, scenario: str, tmp_path: Path) -> None:
    (tmp_path / "cell.yaml").write_text(SCENARIO + "service: {levels: 2}\n")
    mecsim("dataset", scenario, "--users", 5, "--days", 2, "--out", "log.csv")
    shares = set()
    for row in (tmp_path / "log.csv").read_text().splitlines()[1:]:
        delta, most = map(float, row.split(",")[-4:-2])
        shares.add(delta / most)
    assert shares == {0.0, 1.0}


def test_an_existing_file_is_replaced_only_by_force(mecsim: Command, scenario: str, tmp_path: Path) -> None:
    first = mecsim("dataset", scenario, "--users", 2, "--days", 1, "--out", "log.csv")
    before = (tmp_path / "log.csv").read_bytes()
    refused = mecsim("dataset", scenario, "--users", 3, "--days", 1, "--out", "log.csv")
    assert (first.code, refused.code) == (0, 2)
    assert refused.err == ("mecsim: --out log.csv: exists already; name another file, or replace it with --force\n")
    assert (tmp_path / "log.csv").read_bytes() == before
    assert mecsim("dataset", scenario, "--users", 3, "--days", 1, "--out", "log.csv", "--force").code == 0
    assert (tmp_path / "log.csv").read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cell.yaml", "log.csv"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("gmorl", "--out", "log.csv"), "gmorl: is of kind offload, which has no population; name one of kind cells"),
        (("cell.yaml", "--out", "log.txt"), "--out log.txt: expected a file that ends in .parquet or .csv"),
        (("cell.yaml", "--out", "cell.yaml/log.csv"), "--out cell.yaml/log.csv: cannot be written: "),
        (("cell.yaml", "--users", "0", "--out", "log.csv"), "Invalid value for '--users': 0 is not in the range"),
        (("cell.yaml",), "Missing option '--out'"),
    ],
)
def test_what_it_refuses(
    mecsim: Command, scenario: str, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    said = mecsim("dataset", *arguments)
    assert said.code == 2
    assert problem in said.err
    assert len(said.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cell.yaml"]


def test_a_missing_package_is_one_line(mecsim: Command, scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    said = mecsim("dataset", scenario, "--out", "log.csv")
    assert (said.code, said.err) == (2, "mecsim: dataset needs pyarrow: pip install 'mecsim[data]'\n")


def test_the_people_of_a_log_can_be_written_and_played(mecsim: Command, tmp_path: Path) -> None:
    """Who they truly are; a scenario of the file writes their log again, by the ids of the file."""
    made = ("dataset", "personalized-quick", "--users", 5, "--days", 2, "--seed", 3)
    said = mecsim(*made, "--out", "log.csv", "--people", "truth.csv")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1].endswith("MiB) and truth.csv")
    text = (tmp_path / "truth.csv").read_text()
    (tmp_path / "truth.csv").write_text(text.replace("\n0,", "\nann,"))
    (tmp_path / "own.yaml").write_text("mecsim: 1\nkind: cells\nservice: {levels: 4}\nusers: {from: truth.csv}\n")
    assert mecsim("dataset", "own.yaml", "--days", 2, "--seed", 3, "--out", "again.csv").code == 0
    first, second = ((tmp_path / name).read_text() for name in ("log.csv", "again.csv"))
    ids = [line.split(",")[1] for line in second.splitlines()[1:]]
    assert set(ids) == {"ann", "1", "2", "3", "4"}
    assert second.replace(",ann,", ",0,") == first


@pytest.mark.parametrize("option", [("--users", 3), ("--people", "other.csv")])
def test_people_of_a_file_are_not_drawn(
    refused: Command, mecsim: Command, tmp_path: Path, option: tuple[object, ...]
) -> None:
    made = ("dataset", "personalized-quick", "--users", 5, "--days", 1)
    assert mecsim(*made, "--out", "log.csv", "--people", "truth.csv").code == 0
    (tmp_path / "own.yaml").write_text("mecsim: 1\nkind: cells\nusers: {from: truth.csv}\n")
    said = refused("dataset", "own.yaml", "--out", "other.parquet", *option)
    assert f"{option[0]}: own.yaml names its people, in " in said.err
