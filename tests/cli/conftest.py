"""Calls commands in this process and keeps what they said; tiny scenarios and a finished run to use."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from mecsim.cli import main
from tests.training.small import SETTINGS, new_run, scenario_file, trained

SET = [text for key, value in SETTINGS.items() for text in ("--set", f"{key}={value}")]
NEXT = "next: "


REMARK = "warning: 1.2 tasks arrive in a step"


@dataclass
class Said:
    """What a command left on both streams, and its exit code."""

    code: int
    out: str
    err: str  # but for the line that says what comes next, and the remark
    following: str = ""
    remark: str = ""  # that small scenarios have more tasks than steps

    @property
    def content(self) -> Any:
        """Its output as strict JSON."""

        def refuse(constant: str) -> None:
            raise ValueError(constant)

        return json.loads(self.out, parse_constant=refuse)


Command = Callable[..., Said]


@pytest.fixture
def mecsim(capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """`mecsim("simulate", …)`, which never raises anything but what has to fail the test."""
    threads = torch.get_num_threads()

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        lines = said.err.splitlines(keepends=True)
        remark = "".join(line for line in lines if line.startswith(REMARK))
        lines = [line for line in lines if not line.startswith(REMARK)]
        following = lines.pop().removeprefix(NEXT).strip() if lines and lines[-1].startswith(NEXT) else ""
        return Said(caught.value.code, said.out, "".join(lines), following, remark)

    yield call
    torch.set_num_threads(threads)


@pytest.fixture
def refused(mecsim: Command, tmp_path: Path) -> Command:
    """Like `mecsim`, but checks that it refused its input: code 2, one line, nothing printed, no file touched."""

    def call(*arguments: object, lines: int = 1) -> Said:
        before = snapshot(tmp_path)
        said = mecsim(*arguments)
        assert said.code == 2, said
        assert len(said.err.splitlines()) == lines, said.err
        assert said.out == ""
        assert "Traceback" not in said.err
        assert "internal error" not in said.err
        assert snapshot(tmp_path) == before
        return said

    return call


def rows_of(path: Path) -> list[dict[str, str]]:
    """Of a CSV file, by column."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def called(*arguments: object) -> None:
    """Call a command that has to succeed, for what is made once for many tests."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert caught.value.code == 0


def finished_job(folder: Path, *job: object) -> Path:
    """The folder that `mecsim train` leaves with these options."""
    called("train", scenario_file(folder), "--out", folder / "job", *job)
    return folder / "job"


def snapshot(folder: Path) -> dict[str, str]:
    """Every path below a folder, with a digest of what it holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The small scenario's file."""
    return scenario_file(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run's folder, not to be changed."""
    run = new_run(tmp_path_factory.mktemp("finished") / "run", epochs=2)
    trained(run)
    return run.folder


@pytest.fixture
def run_folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed. Each has a path of its own, as policies are remembered by it."""
    return Path(shutil.copytree(finished, tmp_path / "run"))
