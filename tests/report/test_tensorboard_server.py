"""What `mecsim tensorboard` finds, how it is named, and what it refuses."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mecsim.errors import InputError
from mecsim.report.tensorboard_server import FEW_RUNS, logged, with_view


def events(folder: Path) -> Path:
    """A folder with a file of events."""
    folder.mkdir(parents=True)
    (folder / "events.out.tfevents.1.mecsim").touch()
    return folder


def test_runs_are_found_at_and_below_what_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = events(tmp_path / "runs" / "a" / "tensorboard")
    inside = events(tmp_path / "runs" / "a" / "front" / "tensorboard")
    seeds = [events(tmp_path / "runs" / "b" / f"seed-0{index}" / "tensorboard") for index in range(2)]
    events(tmp_path / "runs" / "a" / "checkpoints" / "x" / "tensorboard")
    assert logged([tmp_path / "runs" / "a"]) == {"a": run, "a_front": inside}
    assert logged([tmp_path / "runs" / "b"]) == {"seed-00": seeds[0], "seed-01": seeds[1]}
    everything = {"a": run, "a_front": inside, "b_seed-00": seeds[0], "b_seed-01": seeds[1]}
    assert logged([tmp_path / "runs"]) == everything
    assert logged([tmp_path / "runs", tmp_path / "runs" / "a"]) == everything  # named twice, shown once
    monkeypatch.chdir(tmp_path / "runs")
    assert logged([Path()]) == everything
    assert logged([run]) == {"a": run}


def test_runs_of_one_name_keep_apart(tmp_path: Path) -> None:
    first, second = (events(tmp_path / name / "run" / "tensorboard") for name in ("x", "y"))
    assert logged([tmp_path / "x" / "run", tmp_path / "y" / "run"]) == {"x_run": first, "y_run": second}


@pytest.mark.parametrize(("name", "told"), [("none", "no such folder"), ("empty", "nothing is logged there")])
def test_what_cannot_be_shown_is_refused(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "empty" / "tensorboard").mkdir(parents=True)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / name}: {told}")):
        logged([tmp_path / name])


def test_a_busy_port_is_refused(tmp_path: Path) -> None:
    events(tmp_path / "run" / "tensorboard")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        command = [sys.executable, "-m", "mecsim", "tensorboard", str(tmp_path / "run"), "--no-open", "--port", port]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr.splitlines()[-1].startswith(f"mecsim: --port {port}: in use")


def test_the_first_view_is_the_useful_one(tmp_path: Path) -> None:
    runs = {f"run_{index}": tmp_path / f"run_{index}" / "tensorboard" for index in range(FEW_RUNS + 1)}
    assert with_view("http://h/", dict(list(runs.items())[:1])) == "http://h/#custom_scalars"
    assert with_view("http://h/", runs) == "http://h/#timeseries"
    sweep = tmp_path / "sweep"
    sweep.mkdir()
    (sweep / "summary.json").touch()
    address = with_view("http://h/", {**runs, "sweep": sweep / "tensorboard"})
    assert address.startswith("http://h/?runFilter=")
    assert "#hparams&regexInput=" in address
