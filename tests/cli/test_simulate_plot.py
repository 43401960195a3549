"""mecsim simulate --plot: pictures beside the records, and what it refuses."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command

CELL = "mecsim: 1\nkind: personalize\nepisode: {requests: 12}\nusers: {count: 5}\n"
FILES = {"requests.csv", "cells.csv", "scenario.yaml", "summary.json"}
PICTURES = {"satisfaction.png", "satisfaction.svg"}


@pytest.fixture
def cell(tmp_path: Path) -> str:
    (tmp_path / "cell.yaml").write_text(CELL)
    return "cell.yaml"


@pytest.mark.parametrize("plot", ["satisfaction=voice", "satisfaction=voice,ar"])
def test_a_picture_of_what_satisfies_whom(mecsim: Command, cell: str, tmp_path: Path, plot: str) -> None:
    said = mecsim("simulate", cell, "--episodes", 1, "--plot", plot, "--out", "out")
    assert (said.code, said.err) == (0, "")
    assert (
        said.out.splitlines()[-1] == "wrote out/requests.csv, cells.csv, scenario.yaml, summary.json, satisfaction.png"
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES | PICTURES
    assert (tmp_path / "out" / "satisfaction.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert "<svg" in (tmp_path / "out" / "satisfaction.svg").read_text()


def test_the_same_command_gives_the_same_picture_and_force_removes_it(
    mecsim: Command, cell: str, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        mecsim("simulate", cell, "--episodes", 1, "--plot", "satisfaction=ar", "--out", folder)
    assert (tmp_path / "a" / "satisfaction.png").read_bytes() == (tmp_path / "b" / "satisfaction.png").read_bytes()
    assert mecsim("simulate", cell, "--episodes", 1, "--out", "a", "--force").code == 0
    assert {path.name for path in (tmp_path / "a").iterdir()} == FILES


def test_offloading_whose_users_rate_delays(mecsim: Command, small: Path, tmp_path: Path) -> None:
    rated = ("--context", "satisfaction={form: zone}")
    said = mecsim("simulate", small, *rated, "--episodes", 1, "--plot", "satisfaction", "--out", "out")
    assert (said.code, said.err) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} >= PICTURES


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--plot", "satisfaction"), "needs a folder to write to: add --out FOLDER"),
        (("--plot", "zones", "--out", "new"), "--plot zones: unknown plot, expected one of satisfaction"),
        (("--plot", "satisfaction=vioce", "--out", "new"), "unknown application 'vioce', did you mean 'voice'?"),
        (("--plot", "satisfaction", "--plot", "satisfaction", "--out", "new"), "satisfaction is asked for twice"),
        (("--plot",), "requires an argument"),
    ],
)
def test_a_plot_that_cannot_be(refused: Command, cell: str, asked: tuple[str, ...], told: str) -> None:
    assert told in refused("simulate", cell, *asked).err


def test_a_scenario_without_satisfaction(refused: Command, small: Path) -> None:
    said = refused("simulate", small, "--plot", "satisfaction", "--out", "new")
    assert said.err == (
        "mecsim: --plot satisfaction: nothing is rated in this scenario, expected one of kind cells or with "
        "satisfaction\n"
    )
