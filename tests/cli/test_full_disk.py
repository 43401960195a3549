"""A disk that is full at any write of any command: one line, and `--resume` or `--force` leads out of what is left."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, snapshot

from .conftest import SET

OUTPUTS: dict[str, Callable[[Path, Path], tuple[Any, ...]]] = {
    "simulate": lambda small, run: ("simulate", small, "--episodes", 1, "--out", "out"),
    "train": lambda small, run: ("train", small, "--steps", 64, *SET, "--out", "out"),
    "train several": lambda small, run: ("train", small, "--seeds", 2, "--steps", 32, *SET, "--out", "out"),
    "sweep": lambda small, run: (
        "sweep", "cloud", "--scenario", small, "--episodes", 1, "--preferences", 2, "--workers", 1, "--out", "out",
    ),
    "bound": lambda small, run: ("bound", small, "--episodes", 2, "--preferences", 2, "--out", "out"),
    "export": lambda small, run: ("export", run, "--out", "out.onnx"),
    "init": lambda small, run: ("init", "out"),
}  # fmt: skip
AGAIN = {"train": "--resume", "train several": "--resume", "sweep": "--resume"}
KEPT = {"train": "metrics.csv", "train several": "metrics.csv", "sweep": "front.csv", "simulate": "tasks.csv"}
"""What is the same byte for byte, however it came to be."""


class Disk:
    """Counts files that are brought to it; full from one of them on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written, self.full_at = 0, 10**9
        self._fsync = os.fsync
        monkeypatch.setattr("mecsim.core.files.os.fsync", self.fsync)

    def fsync(self, handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            self.written += 1
            if self.written >= self.full_at:
                raise OSError(errno.ENOSPC, "No space left on device")

    def full_from(self, write: int) -> None:
        self.written, self.full_at = 0, write


@pytest.mark.parametrize("command", list(OUTPUTS))
def test_a_full_disk_at_any_write(
    mecsim: Command, small: Path, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    disk = Disk(monkeypatch)
    arguments = OUTPUTS[command](small, run_folder)
    assert mecsim(*arguments).code == 0
    expected = {path: text for path, text in snapshot(tmp_path).items() if path.endswith(KEPT.get(command, "!"))}
    writes = disk.written
    assert writes > 0
    for write in sorted({1, 2, writes // 2, writes} & set(range(1, writes + 1))):
        for path in tmp_path.glob("out*"):
            path.rename(tmp_path / f"away-{write}-{path.name}")
        disk.full_from(write)
        said = mecsim(*arguments)
        assert (said.code, said.out) == (1, ""), said
        assert "No space left on device; make room" in said.err.splitlines()[-1]
        assert "internal error" not in said.err
        assert not [path for path in tmp_path.rglob(".*.partial*") if path.is_file()]
        disk.full_from(10**9)
        goes_on = (
            mecsim("train", "--resume", "--out", "out")
            if "train" in command
            else (mecsim(*arguments, AGAIN[command]) if command in AGAIN else None)
        )
        if goes_on is None or goes_on.code:
            assert mecsim(*arguments, "--force").code == 0, (write, goes_on)
        after = snapshot(tmp_path)
        assert {place: after[place] for place in expected} == expected, write


@pytest.mark.parametrize(("number", "cure"), [(errno.EDQUOT, "make room"), (errno.EMFILE, "ulimit -n")])
def test_what_else_the_system_refuses(
    mecsim: Command, small: Path, monkeypatch: pytest.MonkeyPatch, number: int, cure: str
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("mecsim.core.files.os.fsync", refuse)
    said = mecsim(*OUTPUTS["init"](small, small))
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert os.strerror(number) in said.err
    assert cure in said.err
