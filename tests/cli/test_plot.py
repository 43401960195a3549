"""`mecsim plot`: a picture of fronts for a paper."""

import re
import shutil
from pathlib import Path

import pytest

from tests.training.small import scenario_file

from .conftest import Command, called

POINTS_PER_INCH = 72.0


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept")
    called("sweep", "greedy", "random", "--scenario", scenario_file(folder), "--preferences", 9, "--episodes", 3,
           "--out", folder / "front")  # fmt: skip
    return folder / "front"


def width_inch(path: Path) -> float:
    """Of an SVG file."""
    found = re.search(r'width="([\d.]+)pt"', path.read_text())
    assert found is not None
    return float(found[1]) / POINTS_PER_INCH


def texts(path: Path) -> set[str]:
    """What is written in an SVG file, whose letters are drawn."""
    return set(re.findall(r"<!-- (.+?) -->", path.read_text()))


def test_a_picture_is_as_wide_as_its_columns_and_its_fonts_embed(mecsim: Command, swept: Path, tmp_path: Path) -> None:
    for columns, expected in ((1, 3.5), (2, 7.16)):
        said = mecsim("plot", swept, "--out", f"{columns}.svg", "--columns", columns)
        assert (said.code, said.out, said.err) == (0, f"picture: {columns}.svg\n", "")
        assert width_inch(tmp_path / f"{columns}.svg") == pytest.approx(expected, rel=1e-3)
    assert {"greedy", "random"} <= texts(tmp_path / "1.svg")
    assert mecsim("plot", swept, "--out", "one.pdf").code == 0
    content = (tmp_path / "one.pdf").read_bytes()
    assert b"/FontFile2" in content  # TrueType, whole in the file
    assert b"/Type3" not in content
    assert mecsim("plot", swept, "--out", "one.png").code == 0
    assert mecsim("plot", swept, "--out", "again.pdf").code == 0
    assert (tmp_path / "again.pdf").read_bytes() == content


def test_targets_are_left_out_axes_cut_and_points_labelled(mecsim: Command, swept: Path, tmp_path: Path) -> None:
    said = mecsim("plot", swept, "--out", "some.svg", "--without", "random", "--limits", "energy=0:100",
                  "--label-points")  # fmt: skip
    assert said.code == 0
    found = texts(tmp_path / "some.svg")
    assert "greedy" in found
    assert "random" not in found
    assert "100" in found
    weights = [[float(part) for part in text.split(":")] for text in found if ":" in text]
    assert len(weights) == 5
    assert [sum(each) for each in weights] == pytest.approx([1.0] * 5, abs=0.02)


def test_sweeps_of_the_same_objectives_share_a_picture(mecsim: Command, swept: Path, tmp_path: Path) -> None:
    shutil.copytree(swept, tmp_path / "again")
    assert mecsim("plot", swept, "again", "--out", "both.svg", "--without", "front: random").code == 0
    assert {"front: greedy", "again: greedy", "again: random"} <= texts(tmp_path / "both.svg")


def test_what_cannot_be_drawn_is_refused(refused: Command, swept: Path) -> None:
    def said(*arguments: object) -> str:
        return refused("plot", swept, *arguments).err

    assert "ends in .svg or .pdf or .png" in said("--out", "picture.jpg")
    assert "is no target of the sweeps; these are greedy, random" in said("--out", "a.svg", "--without", "cloud")
    assert "leaves no target" in said("--out", "a.svg", "--without", "greedy", "--without", "random")
    assert "is no objective of the sweep; these are delay, energy" in said("--out", "a.svg", "--limits", "cost=1:2")
    for ends in ("2:1", "1", "a:b", "0:inf", "1:2:3"):
        assert "expected two numbers, the lower one first" in said("--out", "a.svg", "--limits", f"delay={ends}")
