"""Sweeps that were interrupted: resumed to the same result, or refused."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command

from .conftest import snapshot
from .test_failures import PROGRAM, wait_for

SWEEP = ("sweep", "greedy", "random", "edge", "--preferences", 9, "--episodes", 3, "--num-threads", 1)


def interrupt_after(monkeypatch: pytest.MonkeyPatch, jobs: int) -> list[Any]:
    module = sys.modules["mecsim.sweep.evaluate"]
    original, calls = module.measure, list[Any]()

    def counted(*arguments: Any) -> Any:
        if len(calls) == jobs:
            raise KeyboardInterrupt
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(module, "measure", counted)
    return calls


@pytest.mark.parametrize("jobs", [0, 1, 7])
def test_an_interrupted_sweep_is_resumed_to_the_same_front(
    mecsim: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    sweep = (*SWEEP, "--scenario", small)
    assert mecsim(*sweep, "--out", "whole").code == 0
    with monkeypatch.context() as patch:
        interrupt_after(patch, jobs)
        said = mecsim(*sweep, "--out", "out")
    assert said.code == 130
    assert "interrupted; go on with: mecsim " in said.err
    assert said.err.splitlines()[0].endswith("--resume")
    parts = tmp_path / "out" / "parts"
    assert len(list(parts.glob("*.npz"))) == jobs
    assert not (tmp_path / "out" / "front.csv").exists()
    with monkeypatch.context() as patch:
        calls = interrupt_after(patch, -1)
        resumed = mecsim(*sweep, "--out", "out", "--resume")
    assert resumed.code == 0, resumed.err
    assert len(calls) == 9 - jobs
    assert (tmp_path / "out" / "front.csv").read_bytes() == (tmp_path / "whole" / "front.csv").read_bytes()


def test_a_finished_sweep_is_resumed_for_further_targets(
    mecsim: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mecsim(*SWEEP, "--scenario", small, "--out", "whole").code == 0
    fewer = [argument for argument in SWEEP if argument != "random"]
    assert mecsim(*fewer, "--scenario", small, "--out", "out").code == 0
    calls = interrupt_after(monkeypatch, -1)
    assert mecsim(*SWEEP, "--scenario", small, "--out", "out", "--resume").code == 0
    assert len(calls) == 3
    assert (tmp_path / "out" / "front.csv").read_bytes() == (tmp_path / "whole" / "front.csv").read_bytes()


@pytest.mark.parametrize(
    ("extra", "part"),
    [
        (("--seed", 1), "has seed 0, not 1"),
        (("--episodes", 4), "has episodes 3, not 4"),
        (("--preferences", 5), "has preferences 9, not 5"),
        (("--context", "edges=1"), "another scenario or --context"),
        (("--force",), "give one of them"),
    ],
)
def test_a_sweep_is_not_resumed_as_another(
    mecsim: Command, refused: Command, small: Path, extra: tuple[str, ...], part: str
) -> None:
    assert mecsim(*SWEEP, "--scenario", small, "--out", "out").code == 0
    assert part in refused(*SWEEP, "--scenario", small, "--out", "out", "--resume", *extra).err


def test_commands_play_a_part_each_and_one_collects_them(
    mecsim: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = (*SWEEP, "--scenario", small)
    assert mecsim(*sweep, "--out", "whole").code == 0
    shared, calls = (*sweep, "--out", "out"), interrupt_after(monkeypatch, -1)
    for part, played in (("2/4", 2), ("1/4", 5), ("4/4", 7), ("1/4", 7)):
        said = mecsim(*shared, "--part", part)
        assert (said.code, said.out, len(calls)) == (0, "", played)
    assert not (tmp_path / "out" / "front.csv").exists()
    assert mecsim(*shared, "--resume").code == 0
    assert len(calls) == 9, "the third part nobody has played before"
    assert (tmp_path / "out" / "front.csv").read_bytes() == (tmp_path / "whole" / "front.csv").read_bytes()


@pytest.mark.parametrize("part", ["0/4", "5/4", "1", "a/b", "1/", "-1/4"])
def test_a_part_that_is_none(refused: Command, small: Path, part: str) -> None:
    said = refused(*SWEEP, "--scenario", small, "--out", "out", f"--part={part}")
    assert "expected the number of a share and how many there are" in said.err


def test_a_part_of_another_sweep(mecsim: Command, refused: Command, small: Path, tmp_path: Path) -> None:
    sweep = (*SWEEP, "--scenario", small, "--out", "out", "--part", "1/2")
    assert mecsim(*sweep).code == 0
    assert "has seed 0, not 1" in refused(*sweep, "--seed", 1).err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    assert "holds something else" in refused(*sweep[:-3], "mine", "--part", "1/2").err
    assert "leave --resume" in refused(*sweep, "--resume").err


def test_where_there_is_nothing_to_resume(refused: Command, small: Path, run_folder: Path) -> None:
    for folder in ("absent", run_folder):
        assert "no sweep to resume there" in refused(*SWEEP, "--scenario", small, "--out", folder, "--resume").err


def test_an_interrupted_sweep_can_be_replaced_by_force(
    mecsim: Command, refused: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        assert mecsim(*SWEEP, "--scenario", small, "--out", "out").code == 130
    other = ("--scenario", small, "--out", "out", "--seed", 1)
    assert "is not empty" in refused(*SWEEP, *other).err
    assert mecsim(*SWEEP, *other, "--force").code == 0
    assert mecsim(*SWEEP, *other[:-1], 1, "--out", "fresh").code == 0
    fresh = {path: digest for path, digest in snapshot(tmp_path / "fresh").items() if path.endswith(".csv")}
    assert fresh == {path: digest for path, digest in snapshot(tmp_path / "out").items() if path.endswith(".csv")}


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_a_sweep_that_can_be_resumed(mecsim: Command, small: Path, tmp_path: Path, workers: int) -> None:
    options = ("--scenario", "small.yaml", "--preferences", "5000", "--episodes", "200", "--num-threads", "1")
    command = ["sweep", "greedy", *options, "--workers", str(workers), "--out", "out"]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command, "--force"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(lambda: len(list((tmp_path / "out").glob("parts/*.npz"))) >= 3, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line]
    assert lines[-1] == f"interrupted; go on with: mecsim {' '.join(command)} --resume"
    assert out == ""
    assert len(list((tmp_path / "out" / "parts").glob("*.npz"))) < 1250
