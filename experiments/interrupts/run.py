"""Whether one Ctrl-C ends a training or a sweep at any moment, and whether it can be gone on with exactly from there.

Each moment is a command of its own that is sent SIGINT: some time after its start, or when it enters a function. It has
to end by itself, with code 130 and without a traceback. Then it is called again, with `--resume` where something is
there to go on with, and what it leaves is compared, number by number, with what a command leaves that nobody
interrupted: weights and replay of the last checkpoint and metrics.csv, or front.csv.

    python experiments/interrupts/run.py

Then commands are ended at random moments, by SIGKILL, SIGTERM, SIGHUP and SIGINT in turn, gone on with, ended again and
so on, and at last compared as above (`kills.csv`); and each is called while another one is at work (`writers.csv`).

`ended_s` is the time from the signal to the end of the process, `gone_s` from there to the end of the last of those
that it had started.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from kills import Work, killed, second_writers, works

from mecsim.cli import main
from mecsim.core.kernel_cache import FOLDER_VARIABLE
from mecsim.errors import MecsimError
from mecsim.studies.study import QUICK_SETTINGS, Study, experiment

PROGRAM = """
import importlib, os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
place, call = sys.argv.pop(1), int(sys.argv.pop(1))
if place:
    module, _, path = place.partition(":")
    *parents, name = path.split(".")
    owner = importlib.import_module(module)
    for parent in parents:
        owner = getattr(owner, parent)
    entered, calls = getattr(owner, name), 0

    def wrapped(*arguments, **options):
        global calls
        calls += 1
        if calls == call:
            print("signal", time.time(), file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGINT)
        return entered(*arguments, **options)

    setattr(owner, name, wrapped)
import click
from kills import Work, killed, second_writers, works

from mecsim.cli import main
main()
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a command is interrupted."""

    name: str
    place: str = ""  # of a function, whose `call`-th call is it; "" where it is a time
    call: int = 1
    after_s: float = 0.0  # the start
    compiling: bool = False  # with no kernel kept
    resumed: bool = False  # in a command that goes on with an interrupted one


TRAIN = (
    Moment("start of Python", after_s=0.05),
    Moment("imports", after_s=0.4),
    Moment("PyTorch is imported", after_s=1.0),
    Moment("scales are measured", "mecsim.policies.calibration:play"),
    Moment("first kernel is compiled", "mecsim.core.kernel_cache:tell", compiling=True),
    Moment("a later kernel is compiled", "mecsim.core.kernel_cache:tell", 6, compiling=True),
    Moment("folder is written", "mecsim.training.run:Run._write_config"),
    Moment("first steps", "mecsim.training.collect:Collector.collect", 3),
    Moment("metrics are written", "mecsim.training.run:Run.write_metrics"),
    Moment("update", "mecsim_agents:DiscreteSAC.update", 40),
    Moment("evaluation", "mecsim.sweep.validation:_side_by_side"),
    Moment("checkpoint, half written", "mecsim_agents:Replay.state_tensors"),
    Moment("TensorBoard", "mecsim.report.tensorboard:TensorBoardMonitor.on_epoch", 3),
    Moment("last checkpoint", "mecsim.training.run:Run.save_checkpoint", 4),
    Moment("checkpoint is read", "mecsim.training.run:Run.load_checkpoint", resumed=True),
    Moment("first epoch after it", "mecsim.training.collect:Collector.collect", 2, resumed=True),
)
SWEEP = (
    Moment("start of Python", after_s=0.05),
    Moment("scales are measured", "mecsim.policies.calibration:play"),
    Moment("folder is written", "mecsim.sweep.resume:write_json"),
    Moment("first episodes", "mecsim.sweep.evaluate:play"),
    Moment("later episodes", "mecsim.sweep.evaluate:play", 6),
    Moment("part is written", "mecsim.sweep.evaluate:write_part", 2),
    Moment("front.csv is written", "mecsim.sweep.files:write_csv"),
    Moment("picture is drawn", "matplotlib.figure:Figure.savefig"),
)
EPOCHS = 8


def commands(quick: bool) -> dict[str, tuple[list[str], tuple[Moment, ...]]]:
    """What is interrupted, with the moments."""
    settings = [text for key, value in QUICK_SETTINGS.items() for text in ("--set", f"{key}={value}")]
    settings += ["--set", "checkpoint_epochs=2"]
    train = ["train", "quickstart", "--steps", str(EPOCHS * 400), "--num-threads", "1", *settings]
    sweep = ["sweep", "greedy", "cloud", "--scenario", "quickstart", "--preferences", "9", "--episodes", "200"]
    alone, beside = [*sweep, "--workers", "1", "--num-threads", "1"], [*sweep, "--workers", "2"]
    by_time = tuple(Moment(f"after {after_s:g} s", after_s=after_s) for after_s in (2.0, 4.0))
    if quick:
        return {"train": (train, TRAIN[6:7]), "sweep": (alone, SWEEP[4:5])}
    return {"train": (train, TRAIN), "sweep": (alone, SWEEP), "sweep, two workers": (beside, by_time)}


def interrupted(moment: Moment, command: Sequence[str], env: dict[str, str]) -> tuple[int, float, str]:
    """Exit code, seconds from the signal to the end, and what was said."""
    call = [sys.executable, "-c", PROGRAM, moment.place, str(moment.call), *command]
    with subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env) as process:
        since_s = time.time()
        if not moment.place:
            time.sleep(moment.after_s)
            since_s = time.time()
            process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=300)[1]
        ended_s = time.time()
    told = [line for line in said.splitlines() if line.startswith("signal ")]
    if moment.place and not told:
        raise MecsimError(f"{moment.name}: never came: {said}")
    return process.returncode, ended_s - (float(told[0].split()[1]) if told else since_s), said


def called(command: Sequence[str], env: dict[str, str]) -> None:
    """Let a command come to its end."""
    done = subprocess.run([sys.executable, "-m", "mecsim", *command], capture_output=True, text=True, env=env)
    if done.returncode:
        raise MecsimError(f"mecsim {' '.join(command)} failed: {done.stderr.strip()}")


def outcome(folder: Path) -> dict[str, bytes]:
    """The numbers that a command came to, by file."""
    newest = sorted((folder / "checkpoints").glob("*/*.safetensors"))[-2:]  # the one before may be of the interruption
    files = [*newest, *(path for name in ("metrics.csv", "front.csv") if (path := folder / name).is_file())]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def measure(moment: Moment, command: list[str], work: Path, expected: dict[str, bytes]) -> dict[str, object]:
    """Interrupt a command, go on with it, and compare."""
    out, env = work / "interrupted", dict(os.environ)
    if moment.compiling:
        env[FOLDER_VARIABLE] = str(work / "kernels")
    first, resume = [*command, "--out", str(out)], ["train", "--resume", "--out", str(out)]
    if command[0] == "sweep":
        resume = [*first, "--resume"]
    if moment.resumed:
        earlier = Moment("", "mecsim.training.run:Run.write_metrics", 3)
        interrupted(earlier, first, env)
    code, ended_s, said = interrupted(moment, resume if moment.resumed else first, env)
    begun = any(out.glob("config.yaml")) or any(out.glob("parts/settings.json"))
    try:
        if code:
            called(resume if begun else first, env)
        exact = outcome(out) == expected
        told = ""
    except MecsimError as error:
        exact, told = False, str(error)
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(work / "kernels", ignore_errors=True)
    return {
        "moment": moment.name, "code": code, "ended_s": ended_s, "traceback": int("Traceback" in said),
        "resumed": int(begun), "exact": int(exact), "failure": told,
    }  # fmt: skip


@experiment(__file__)
@click.option("--only", type=click.Choice(["places", "kills", "writers"]), help="One table.  [default: all]")
def run(study: Study, only: str | None) -> None:
    """Interrupt commands at many moments, and go on with them; call each while another one is at work."""
    with tempfile.TemporaryDirectory() as folder:
        if only in (None, "places"):
            study.write(places(study, Path(folder)))
        found = works(Path(folder), study.quick) if only != "places" else []
        for name, measure_all in (("writers", written_twice), ("kills", ended)):
            if only in (None, name):
                rows: list[dict[str, object]] = []
                for work in found:
                    rows += measure_all(work, Path(folder), study)
                    study.write(rows, name)  # what is measured is kept


def ended(work: Work, folder: Path, study: Study) -> list[dict[str, object]]:
    """A work ended at its moments, or at two of them."""
    return killed(work, folder, random.Random(f"{study.seed} {work.name}"), 2 if study.quick else work.kills)


def written_twice(work: Work, folder: Path, study: Study) -> list[dict[str, object]]:
    """A work that is called twice at a time."""
    return second_writers(work, folder)


def places(study: Study, folder: Path) -> list[dict[str, object]]:
    """Trainings and sweeps interrupted by Ctrl-C at places of theirs."""
    rows: list[dict[str, object]] = []
    for name, (command, moments) in commands(study.quick).items():
        whole = folder / "whole"
        called([*command, "--out", str(whole)], dict(os.environ))
        expected = outcome(whole)
        shutil.rmtree(whole)
        rows += [{"command": name, **measure(moment, command, folder, expected)} for moment in moments]
    return rows


if __name__ == "__main__":
    main(program=run)
