"""mecsim bound: a table, JSON, files, and what is refused."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Command, rows_of
from tests.training.small import scenario_file

SIZES = ("--preferences", 3, "--episodes", 3)


@pytest.fixture(autouse=True)
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scenario_file(tmp_path)


def test_it_says_how_far_targets_are(mecsim: Command, tmp_path: Path) -> None:
    said = mecsim("bound", "small.yaml", "cloud", *SIZES, "--out", "bound")
    assert (said.code, said.err) == (0, "")
    assert re.search(r"^cloud: at most [\d.]+% above the best possible$", said.out, re.MULTILINE)
    rows = rows_of(tmp_path / "bound/bound.csv")
    assert [row["target"] for row in rows] == ["greedy"] * 3 + ["cloud"] * 3
    for row in rows:
        assert float(row["cost"]) >= float(row["bound"])
        above = float(row["cost"]) / float(row["bound"]) - 1.0
        assert float(row["above_at_most"]) == pytest.approx(above, abs=1e-8)
    again = mecsim("bound", "small.yaml", "cloud", *SIZES, "--out", "bound", "--force", "--json", "--seed", 3)
    assert again.code == 0
    assert list(again.content["targets"]) == ["greedy", "cloud"]
    means = [row["bound"] for row in rows_of(tmp_path / "bound/bound.csv")][:3]
    assert again.content["bound"] == pytest.approx(sum(map(float, means)) / 3)
    assert again.content["each"]["bound"] == pytest.approx([float(mean) for mean in means])


def test_one_episode_has_no_interval(mecsim: Command) -> None:
    said = mecsim("bound", "small.yaml", "--preferences", 2, "--episodes", 1, "--penalty", 0.1, "--json")
    assert (said.code, said.content["targets"]["greedy"]["above_at_most_ci95"]) == (0, None)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("personalized-quick",), "no bound is known for scenarios of kind cells"),
        (("small.yaml", "--context", "channel.interference=true"), "no bound is known with interference"),
        (("small.yaml", "--context", "channel.fading=step", "--penalty", 1), "links that last an episode"),
        (("small.yaml", "nobody"), "'nobody' is neither a run"),
        (("small.yaml", "cloud", "cloud"), "targets: one is named twice"),
        (("nothing.yaml",), "nothing.yaml"),
        (("small.yaml", "--effort", 0), "--effort"),
        (("small.yaml", "--penalty", "nan"), "--penalty"),
    ],
)
def test_bad_input_is_one_line(refused: Command, arguments: tuple[object, ...], part: str) -> None:
    assert part in refused("bound", *arguments, *SIZES).err
