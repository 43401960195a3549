"""Places that results cannot be written to, and what may be replaced there."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mecsim.sweep.results import RESULT_FILES
from tests.cli.conftest import Command

from .conftest import SET, snapshot

OUTPUTS: dict[str, Callable[[Path], tuple[Any, ...]]] = {
    "simulate": lambda small: ("simulate", small, "--episodes", 1),
    "train": lambda small: ("train", small, "--steps", 16, *SET),
    "sweep": lambda small: ("sweep", "cloud", "--scenario", small, "--episodes", 1, "--preferences", 2),
}
OWN = {
    "simulate": ["tasks.csv", "servers.csv", "waiting.csv", "scenario.yaml", "summary.json"],
    "train": [
        "scenario.yaml",
        "config.yaml",
        "command.txt",
        "manifest.json",
        "metrics.csv",
        "checkpoints",
        "tensorboard",
    ],
    "sweep": [*RESULT_FILES, "front.png", "front.svg", "tensorboard", "parts"],
}


@pytest.mark.parametrize("command", list(OUTPUTS))
def test_a_place_that_cannot_be_written(
    refused: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "file").write_text("precious")
    arguments = OUTPUTS[command](small)
    assert "is a file" in refused(*arguments, "--out", "file").err
    assert "cannot be written" in refused(*arguments, "--out", "file/below").err
    assert "cannot be written" in refused(*arguments, "--out", "x" * 5000).err
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK and str(path).endswith("locked")))
    assert "cannot be written: Permission denied" in refused(*arguments, "--out", "locked").err


@pytest.mark.parametrize("command", list(OUTPUTS))
def test_what_is_there_is_replaced_only_by_force(
    mecsim: Command, refused: Command, small: Path, tmp_path: Path, command: str
) -> None:
    arguments = (*OUTPUTS[command](small), "--out", "out")
    assert mecsim(*arguments).code == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == sorted(OWN[command])
    assert "is not empty" in refused(*arguments).err
    (out / "notes.txt").write_text("precious")
    (out / "folder").mkdir()
    (out / "folder" / "more.txt").write_text("precious")
    marker = "config.yaml" if command == "train" else "summary.json"  # by which the folder is known
    for name in set(OWN[command]) - {marker}:  # all that an earlier command left goes
        (out / name / "old").write_text("x") if (out / name).is_dir() else (out / name).write_text("old")
    assert mecsim(*arguments, "--force").code == 0
    after = snapshot(out)
    assert {path.name for path in out.iterdir()} == {*OWN[command], "notes.txt", "folder"}
    assert (out / "notes.txt").read_text() == (out / "folder" / "more.txt").read_text() == "precious"
    assert not [path for path in after if path.endswith("/old")]
    assert all((out / name).read_bytes() != b"old" for name in OWN[command] if (out / name).is_file())


@pytest.mark.parametrize("command", ["simulate", "sweep"])
def test_force_does_not_take_a_run_for_old_results(
    refused: Command, small: Path, run_folder: Path, command: str
) -> None:
    arguments = (*OUTPUTS[command](small), "--out", run_folder, "--force")
    assert "no summary.json of this command" in refused(*arguments).err


@pytest.mark.parametrize("command", list(OUTPUTS))
def test_force_leaves_alone_what_another_program_wrote(
    refused: Command, small: Path, tmp_path: Path, command: str
) -> None:
    (tmp_path / "theirs" / "checkpoints").mkdir(parents=True)
    (tmp_path / "theirs" / "checkpoints" / "precious").write_text("precious")
    (tmp_path / "theirs" / "config.yaml").write_text("learning_rate: 1\n")
    (tmp_path / "theirs" / "summary.json").write_text('{"precious": true}')
    before = snapshot(tmp_path / "theirs")
    assert "of this command" in refused(*OUTPUTS[command](small), "--out", "theirs", "--force").err
    assert snapshot(tmp_path / "theirs") == before


def test_force_removes_a_link_but_not_what_it_leads_to(mecsim: Command, small: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("precious")
    assert mecsim(*OUTPUTS["sweep"](small), "--out", "out").code == 0
    shutil.rmtree(tmp_path / "out" / "tensorboard")
    (tmp_path / "out" / "tensorboard").symlink_to(tmp_path / "elsewhere")
    assert mecsim(*OUTPUTS["sweep"](small), "--out", "out", "--force").code == 0
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["precious"]
    assert not (tmp_path / "out" / "tensorboard").is_symlink()


def test_an_empty_folder_is_as_good_as_none(mecsim: Command, small: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert mecsim(*OUTPUTS["simulate"](small), "--out", "out").code == 0
    assert mecsim(*OUTPUTS["simulate"](small), "--out", "deep/er/out").code == 0


@pytest.mark.parametrize("name", ["no/such/folder/x", "x" * 5000])
def test_init_where_nothing_can_be_written(refused: Command, name: str) -> None:
    assert "cannot be written" in refused("init", name).err
