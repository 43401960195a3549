"""A disk that is full at any write of any command: one line, and `--resume` or `--force` leads out of what is left."""

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from mecsim.cli import cli
from mecsim.predictor import fit as predictor_fit
from mecsim.report.events import EventFile
from tests.bench.quick import make_quick
from tests.cli.conftest import Command, called, snapshot
from tests.predictor.request_log import small_log
from tests.training.small import scenario_file

from .conftest import SET


@dataclass(frozen=True)
class Given:
    """What commands are given, none of which they change."""

    small: Path  # a scenario
    run: Path
    front: Path  # a sweep of the run and a baseline
    log: Path  # of requests
    sites: Path  # a table of them


TRAIN = ("train", "--steps", 32, *SET, "--num-threads", 1, "--out", "out")
DATASET = ("dataset", "personalized-quick", "--users", 3, "--days", 1)
OUTPUTS: dict[str, Callable[[Given], tuple[Any, ...]]] = {
    "simulate": lambda given: ("simulate", given.small, "--episodes", 1, "--out", "out"),
    "simulate --video": lambda given: ("simulate", given.small, "--episodes", 1, "--video", "out.gif", "--out", "out"),
    "simulate --tape": lambda given: ("simulate", given.small, "--episodes", 1, "--tape", "out.npz", "--out", "out"),
    "simulate --plot": lambda given: (
        "simulate", "personalized-quick", "--episodes", 1, "--plot", "satisfaction=voice", "--out", "out",
    ),
    "train": lambda given: (*TRAIN, "--steps", 64, given.small),
    "train --seeds": lambda given: (*TRAIN, given.small, "--seeds", 2),
    "train --multi-policy": lambda given: (*TRAIN, given.small, "--multi-policy", 2),
    "sweep": lambda given: (
        "sweep", "cloud", "--scenario", given.small, "--episodes", 1, "--preferences", 2, "--workers", 1,
        "--out", "out",
    ),
    "bound": lambda given: ("bound", given.small, "--episodes", 2, "--preferences", 2, "--out", "out"),
    "choose": lambda given: ("choose", given.front, "--target", "run", "--max", "delay=1e9", "--deploy", "out"),
    "report": lambda given: ("report", given.front, "--episodes", 0, "--pictures", "out", "--out", "out.html"),
    "plot": lambda given: ("plot", given.front, "--out", "out.svg"),
    "export": lambda given: ("export", given.run, "--out", "out.onnx"),
    "dataset": lambda given: (*DATASET, "--out", "out.csv", "--people", "out-people.csv"),
    "dataset .parquet": lambda given: (*DATASET, "--out", "out.parquet"),
    "fit": lambda given: ("fit", given.log, "--num-threads", 1, "--out", "out.safetensors"),
    "bench": lambda given: ("bench", "--scenario", given.small, "--envs", 4, "--latency", "--out", "out.json"),
    "docs": lambda given: ("docs", "--out", "out"),
    "init": lambda given: ("init", "out"),
    "import": lambda given: ("import", "sites", given.sites, "--out", "out"),
}  # fmt: skip
AGAIN = {"train": "--resume", "train --seeds": "--resume", "train --multi-policy": "--resume", "sweep": "--resume"}
KEPT = {
    **dict.fromkeys(AGAIN, ("metrics.csv", "front.csv")), "simulate": ("tasks.csv",), "simulate --video": (".gif",),
    "fit": (".safetensors", ".csv"), **dict.fromkeys(("plot", "init", "docs", "dataset", "dataset .parquet"), ("",)),
}  # fmt: skip
"""Ends of the names of what is the same byte for byte, however it came to be."""

SLOW = {"simulate --video", "simulate --plot", "choose", "export", "report", "docs"}
"""Tried at the last write alone, before which all others are done."""

TOLD_FIRST = {"bench"}
"""What it measured is told before it is written."""

READ = {"against"}
"""Options with paths of what is read."""


class Disk:
    """Counts files that are brought to it; full from one of them on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written, self.full_at = 0, 10**9
        self.whole: set[int] = set()
        self._fsync = os.fsync
        monkeypatch.setattr("mecsim.core.files.os.fsync", self.fsync)

    def fsync(self, handle: int) -> None:
        told = os.fstat(handle)
        if stat.S_ISREG(told.st_mode):
            self.written += 1
            self.whole.add(told.st_ino)
            if self.written >= self.full_at:
                raise OSError(errno.ENOSPC, "No space left on device")

    def full_from(self, write: int) -> None:
        self.written, self.full_at = 0, write


@pytest.fixture(scope="session")
def read(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("read")
    sweep = ("sweep", finished, "greedy", "--episodes", 2, "--preferences", 2, "--workers", 1, "--num-threads", 1)
    called(*sweep, "--out", folder / "front")
    log = small_log(users=6, days=4, per_day=30).write(folder / "log.csv")
    sites = folder / "sites.csv"
    sites.write_text("name,latitude,longitude\na,52.5,13.4\nb,52.51,13.41\n")
    return Given(scenario_file(folder), finished, folder / "front", log, sites)


@pytest.mark.parametrize("command", list(OUTPUTS))
def test_a_full_disk_at_any_write(
    mecsim: Command, read: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(predictor_fit, "TREES", 10)
    make_quick(monkeypatch)
    disk = Disk(monkeypatch)
    arguments = OUTPUTS[command](read)
    assert mecsim(*arguments).code == 0
    expected = {path: text for path, text in snapshot(tmp_path).items() if path.endswith(KEPT.get(command, "!"))}
    writes = disk.written
    assert writes > 0
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or "tensorboard" in path.parts or path.stat().st_ino in disk.whole, f"{path} is not atomic"
    for write in [writes] if command in SLOW else sorted({1, 2, writes // 2, writes} & set(range(1, writes + 1))):
        for path in tmp_path.glob("out*"):
            path.rename(tmp_path / f"away-{write}-{path.name}")
        disk.full_from(write)
        said = mecsim(*arguments)
        assert (said.code, said.out == "") == (1, command not in TOLD_FIRST), said
        assert "No space left on device; make room" in said.err.splitlines()[-1]
        assert "internal error" not in said.err
        assert not [path for path in tmp_path.rglob(".*.partial*") if path.is_file()]
        left = {path for path in tmp_path.glob("out*/**/*") if path.is_file() and "tensorboard" not in path.parts}
        assert {path.stat().st_ino for path in left} <= disk.whole
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


def test_a_disk_that_is_full_when_curves_are_written(
    mecsim: Command, read: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are appended to; what else the training wrote is whole."""
    flush, flushed = EventFile.flush, {"times": 0, "full_at": 10**9}

    def flush_if_there_is_room(file: EventFile) -> None:
        flushed["times"] += 1
        if flushed["times"] >= flushed["full_at"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(file)

    monkeypatch.setattr(EventFile, "flush", flush_if_there_is_room)
    arguments = OUTPUTS["train"](read)
    assert mecsim(*arguments).code == 0
    metrics = (tmp_path / "out" / "metrics.csv").read_bytes()
    for full_at in sorted({1, flushed["times"] // 2, flushed["times"]}):
        (tmp_path / "out").rename(tmp_path / f"away-{full_at}")
        flushed.update(times=0, full_at=full_at)
        said = mecsim(*arguments)
        assert (said.code, said.out) == (1, ""), said
        assert "No space left on device; make room" in said.err.splitlines()[-1]
        flushed["full_at"] = 10**9
        assert mecsim("train", "--resume", "--out", "out").code == 0
        assert (tmp_path / "out" / "metrics.csv").read_bytes() == metrics


def test_no_command_and_no_option_that_writes_is_missing() -> None:
    given = Given(*[Path("given")] * 5)
    calls = {command: OUTPUTS[command](given) for command in OUTPUTS}
    context = click.Context(cli)
    names = cli.list_commands(context)
    assert {call[0] for call in calls.values()} < set(names)
    for name in names:
        command = cli.get_command(context, name)
        assert command is not None
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        paths = [one for one in options if isinstance(one.type, click.Path) and one.name not in READ]
        tried = [call for call in calls.values() if call[0] == name]
        if paths or any(one.name == "force" for one in options):
            assert tried, f"mecsim {name} writes"
        for option in paths:
            assert any(set(option.opts) & set(map(str, call)) for call in tried), f"mecsim {name} {option.opts[0]}"


@pytest.mark.parametrize(("number", "cure"), [(errno.EDQUOT, "make room"), (errno.EMFILE, "ulimit -n")])
def test_what_else_the_system_refuses(
    mecsim: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, cure: str
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("mecsim.core.files.os.fsync", refuse)
    said = mecsim("init", "out")
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert os.strerror(number) in said.err
    assert cure in said.err
