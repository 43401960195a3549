"""A command where another one is at work: refused at once, and nothing is lost."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

import mecsim as package
from mecsim.core.lock import writing_file, writing_folder
from mecsim.errors import MecsimError
from mecsim.training import Run
from tests.cli.conftest import SET, Command, snapshot
from tests.cli.test_failures import PROGRAM, wait_for

SWEEP = ("sweep", "greedy", "--preferences", 3, "--episodes", 2, "--num-threads", 1, "--scenario")


@contextmanager
def held(lock: AbstractContextManager[None]) -> Iterator[None]:
    """Meanwhile somebody else has a lock."""
    begun, over = Event(), Event()

    def hold() -> None:
        with lock:
            begun.set()
            over.wait()

    thread = Thread(target=hold)
    thread.start()
    try:
        assert begun.wait(60.0)
        yield
    finally:
        over.set()
        thread.join()


def check_refused(mecsim: Command, place: Path, *arguments: object) -> None:
    before = snapshot(place.parent)
    said = mecsim(*arguments)
    assert (said.code, said.out) == (1, ""), said
    [line] = said.err.splitlines()
    assert line.startswith(f"mecsim: {place.name}: is being written by process ")
    assert snapshot(place.parent) == before


def test_trainings(mecsim: Command, small: Path, run_folder: Path) -> None:
    with held(writing_folder(run_folder)):
        for options in (("--resume",), ("--resume", "--steps", 10**6), (small, *SET), (small, *SET, "--force")):
            check_refused(mecsim, run_folder, "train", *options, "--out", "run")
        assert mecsim(*SWEEP, small, "--out", "front").code == 0, "and who reads it is not refused"
    (run_folder.parent / "begun").mkdir()
    with held(writing_folder(run_folder.parent / "begun")):  # before its first file
        check_refused(mecsim, run_folder.parent / "begun", "train", "--resume", "--out", "begun")


def test_trainings_of_several(mecsim: Command, small: Path, tmp_path: Path) -> None:
    command = ("train", small, *SET, "--steps", 32, "--seeds", 2, "--out", "out")
    assert mecsim(*command).code == 0
    with held(writing_folder(tmp_path / "out" / "seed-01")):  # trained by itself
        before = snapshot(tmp_path / "out")
        said = mecsim(*command, "--force")
        assert said.code == 1
        assert said.err.startswith("mecsim: out/seed-01: is being written by")
        assert snapshot(tmp_path / "out") == before
    assert mecsim(*command, "--force").code == 0


def test_sweeps(mecsim: Command, small: Path, tmp_path: Path) -> None:
    assert mecsim(*SWEEP, small, "--out", "out").code == 0
    with held(writing_folder(tmp_path / "out")):
        for option in ("--resume", "--force"):
            check_refused(mecsim, tmp_path / "out", *SWEEP, small, "--out", "out", option)
        assert mecsim("choose", "out", "--list").code == 0
    assert mecsim(*SWEEP, small, "--out", "out", "--resume").code == 0


def test_other_folders_and_files(mecsim: Command, small: Path, tmp_path: Path) -> None:
    assert mecsim(*SWEEP, small, "--out", "front").code == 0
    simulate = ("simulate", small, "--episodes", 1, "--out", "out")
    report = ("report", "front", "--episodes", 0, "--out", "page.html")
    assert mecsim(*simulate).code == mecsim(*report).code == mecsim("init", "mine").code == 0
    with held(writing_folder(tmp_path / "out")):
        check_refused(mecsim, tmp_path / "out", *simulate, "--force")
    with held(writing_file(tmp_path / "page.html")):
        check_refused(mecsim, tmp_path / "page.html", *report, "--force")
    with held(writing_file(tmp_path / "mine.yaml")):
        check_refused(mecsim, tmp_path / "mine.yaml", "init", "mine", "--force")
    assert mecsim(*simulate, "--force").code == mecsim(*report, "--force").code == 0


def test_python(run_folder: Path, small: Path, tmp_path: Path) -> None:
    with held(writing_folder(run_folder)):
        with pytest.raises(MecsimError, match="is being written by"):
            package.Run.open(run_folder).resume(10**6)
        assert Run.open(run_folder).steps < 10**6
    with held(writing_folder(tmp_path / "new")), pytest.raises(MecsimError, match="is being written by"):
        package.train(small, 32, out=tmp_path / "new", show=False)
    assert not (tmp_path / "new").exists()


def test_of_two_that_resume_a_run_at_once_one_does(mecsim: Command, run_folder: Path, tmp_path: Path) -> None:
    """The other one is refused, and the run is the same as with one alone."""
    steps = 2 * Run.open(run_folder).steps
    shutil.copytree(run_folder, tmp_path / "alone")
    assert mecsim("train", "--resume", "--out", "alone", "--steps", steps, "--num-threads", 1).code == 0
    command = [sys.executable, "-c", PROGRAM, "train", "--resume", "--out", "run", "--steps", str(steps)]
    with subprocess.Popen([*command, "--num-threads", "1"], stderr=subprocess.PIPE, text=True) as first:
        wait_for(lambda: (run_folder / ".mecsim.lock").exists(), first)
        first.send_signal(signal.SIGSTOP)  # it is not faster than what follows
        check_refused(mecsim, run_folder, "train", "--resume", "--out", "run", "--steps", steps)
        first.send_signal(signal.SIGCONT)
        _, err = first.communicate(timeout=120)
    assert first.returncode == 0, err
    assert (run_folder / "metrics.csv").read_bytes() == (tmp_path / "alone" / "metrics.csv").read_bytes()
    assert (
        Run.open(run_folder).latest_checkpoint().joinpath("agent.safetensors").read_bytes()
        == Run.open(tmp_path / "alone").latest_checkpoint().joinpath("agent.safetensors").read_bytes()
    )
