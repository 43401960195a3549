"""What is nobody's wrong input: interruptions, failures, errors that were not foreseen."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mecsim.training import Run
from tests.cli.conftest import Command
from tests.training.small import new_run, trained

from .conftest import SET

PROGRAM = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from mecsim.cli import main; main()"


def failing(error: BaseException) -> Callable[..., None]:
    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    return fail


def test_an_unforeseen_error_is_one_line_and_code_1(
    mecsim: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mecsim.sweep.simulate.play", failing(RuntimeError("boom\nand more")))
    said = mecsim("simulate", small)
    assert said.code == 1
    assert said.err.splitlines() == [
        "mecsim: internal error: RuntimeError: boom and more (run again with --debug and report it)"
    ]


@pytest.mark.parametrize("place", [0, -1])
def test_debug_shows_the_traceback_as_well(
    mecsim: Command, small: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr("mecsim.sweep.simulate.play", failing(RuntimeError("boom")))
    arguments = ["simulate", str(small)]
    arguments.insert(len(arguments) if place else 0, "--debug")
    said = mecsim(*arguments)
    assert said.code == 1
    assert said.err.startswith("Traceback (most recent call last)")
    assert said.err.splitlines()[-1].startswith("mecsim: internal error: RuntimeError: boom")


def test_debug_changes_nothing_where_nothing_fails(mecsim: Command, small: Path) -> None:
    said = mecsim("--debug", "simulate", small, "--episodes", 1)
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (MemoryError("Unable to allocate 131 TiB"), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"), "not enough memory"),
    ],
)
def test_what_the_machine_lacks_is_said_plainly(
    mecsim: Command, small: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, part: str
) -> None:
    monkeypatch.setattr("mecsim.sweep.write_json", failing(error))
    said = mecsim("simulate", small, "--out", "out", "--episodes", 1)
    assert said.code == 1
    assert part in said.err
    assert len(said.err.splitlines()) == 1
    assert "internal error" not in said.err


def test_an_interruption_is_code_130(mecsim: Command, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mecsim.sweep.simulate.play", failing(KeyboardInterrupt()))
    said = mecsim("simulate", small)
    assert (said.code, said.err.split()) == (130, ["interrupted"])


def test_a_replay_that_would_not_fit_is_no_internal_error(mecsim: Command, small: Path) -> None:
    settings = [*SET]
    settings[settings.index("replay_capacity=80")] = f"replay_capacity={10**15}"
    said = mecsim("train", small, "--out", "run", *settings)
    assert said.code == 2
    assert "choose a smaller replay_capacity" in said.err


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_training_saves_before_it_ends(
    mecsim: Command, small: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """However early: checkpoints are otherwise an hour away."""
    settings = [*SET, "--set", "checkpoint_minutes=60"]
    settings[settings.index("checkpoint_epochs=2")] = "checkpoint_epochs=1000000"
    command = [sys.executable, "-c", PROGRAM, "train", str(small), "--out", "run", "--steps", str(10**9), *settings]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for((tmp_path / "run" / "metrics.csv").exists, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, ""), err
    run = Run.open(tmp_path / "run")
    done = run.latest_env_steps()
    lines = err.splitlines()
    assert len([line for line in lines if line.startswith("stopping at the end of this epoch")]) == 1
    assert lines[-1] == f"interrupted after {done:,} of {10**9:,} steps; go on with: mecsim train --resume --out run"
    assert [row["env_steps"] for row in run.read_metrics(10**9)][-1] == done
    resumed = mecsim("train", "--resume", "--out", "run", "--minutes", 1e-9)
    assert resumed.code == 0, resumed.err
    assert resumed.err.splitlines()[-1].startswith(f"stopped after {done + 32:,} of ")
    assert Run.open(tmp_path / "run").latest_env_steps() == done + 32


def test_an_interruption_before_the_first_epoch_says_so(
    mecsim: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mecsim.training.collect.Collector.collect", failing(KeyboardInterrupt()))
    said = mecsim("train", small, "--out", "run", *SET)
    again = "begin again with: mecsim train --resume --out run"
    assert said.code == 130
    assert said.err.splitlines() == [f"interrupted before an epoch was over, so that nothing is saved; {again}"]


@pytest.mark.parametrize("awaited", ["checkpoints/*/state.json", "metrics.csv"])
def test_ctrl_c_leaves_a_run_that_can_be_resumed(mecsim: Command, small: Path, tmp_path: Path, awaited: str) -> None:
    every = "1" if "checkpoints" in awaited else "1000000"
    settings = [*SET]
    settings[settings.index("checkpoint_epochs=2")] = f"checkpoint_epochs={every}"
    command = [sys.executable, "-c", PROGRAM, "train", str(small), "--out", "run", "--steps", str(10**9), *settings]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: any((tmp_path / "run").glob(awaited)), process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line]  # a terminal shows ^C before the first
    assert lines[-1].endswith(" of 1,000,000,000 steps; go on with: mecsim train --resume --out run")
    assert out == ""
    # The rest of a training that long would take too long: let it end two epochs later.
    run = Run.open(tmp_path / "run")
    done = run.latest_env_steps() if run.has_checkpoint() else 0
    assert done > 0
    run.with_steps(done + 64)
    resumed = mecsim("train", "--resume", "--out", "run")
    assert resumed.code == 0, resumed.err
    assert run.latest_env_steps() == done + 64
    epochs = [int(row["epoch"]) for row in run.read_metrics(10**9)]
    assert epochs == list(range(1, (done + 64) // 32 + 1))


def test_a_checkpoint_that_is_passed_over_is_told_whatever_others_do_to_logging(
    mecsim: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(new_run(run := tmp_path / "run", epochs=4))
    newest = max((run / "checkpoints").iterdir())
    agent = newest / "agent.safetensors"
    agent.write_bytes(agent.read_bytes()[:-8])
    monkeypatch.setattr(logging.getLogger(), "level", logging.CRITICAL)  # as some packages do when they are imported
    said = mecsim("simulate", "--policy", run, "--episodes", 1, run / "scenario.yaml")
    assert said.code == 0, said.err
    (line,) = [line for line in said.err.splitlines() if "is used instead" in line]
    assert line.startswith("warning: ")
