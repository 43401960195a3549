"""Whether one Ctrl-C ends a training or a sweep at any moment, and whether it can be gone on with exactly from there.

Each moment is a command of its own that is sent SIGINT: some time after its start, or when it enters a function. It has
to end by itself, with code 130 and without a traceback. Then it is called again, with `--resume` where something is
there to go on with, and what it leaves is compared, number by number, with what a command leaves that nobody
interrupted: weights and replay of the last checkpoint and metrics.csv, or front.csv.

    python experiments/interrupts/run.py

`ended_s` is the time from the signal to the end of the process.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    checkpoints = sorted((folder / "checkpoints").glob("*/*.safetensors"))
    files = [*checkpoints, *(path for name in ("metrics.csv", "front.csv") if (path := folder / name).is_file())]
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
def run(study: Study) -> None:
    """Interrupt trainings and sweeps at many moments, and go on with them."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (command, moments) in commands(study.quick).items():
            whole = Path(folder) / "whole"
            called([*command, "--out", str(whole)], dict(os.environ))
            expected = outcome(whole)
            shutil.rmtree(whole)
            rows += [{"command": name, **measure(moment, command, Path(folder), expected)} for moment in moments]
    study.write(rows)


if __name__ == "__main__":
    main(program=run)
