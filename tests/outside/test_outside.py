"""What `simulate --out` writes is enough for an outsider to recompute it all, and is right."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from mecsim.cli import main

PROGRAM = Path(__file__).parent / "recompute.py"
HEAD = """
mecsim: 1
kind: offload
episode: {steps: 60}
users: {count: 6, arrival_rate: 0.2 /s, mobility: {model: waypoint, width: 300 m, height: 300 m, speed: 1.4 m/s}}
"""
EVERYTHING = """
tasks:
  size: {mean: 4 Mbit}
  cycles_distribution: exponential
  output: [0.1, 3] Mbit
  deadline: [2, 20] s
  priorities: [0.3, 0.7]
dispatch: {decide: DECIDE, queue: priority, waiting_in_delay: true}
servers:
  cloud: {count: 0}
  edges:
    library: {cpu: 3 GHz, price: {per_gigacycle: 0.2}}
    gate: {cpu: [1, 2] GHz, price: {per_gigacycle: 0.1, per_gigabit: 4}}
  device: {cpu: [0.5, 1.5] GHz, price: {per_gigacycle: 0.01}}
  scheduling: priority
channel: {model: umi, fading: ar1, interference: true, tx_power: 100 mW, rx_power: 50 mW, bandwidth: 5 MHz}
satisfaction: {form: FORM}
objectives: [delay, energy, satisfaction, misses, price]
"""


def recomputed(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the outsider says, who finds no mecsim."""
    call = [sys.executable, "-I", str(PROGRAM), str(folder)]
    return subprocess.run(call, capture_output=True, text=True, check=False)


def simulated(tmp_path: Path, text: str, *options: str) -> Path:
    """The folder that a simulation wrote."""
    (tmp_path / "s.yaml").write_text(text)
    folder = tmp_path / "out"
    words = ["simulate", str(tmp_path / "s.yaml"), "--policy", "random", "--episodes", "3", "--out", str(folder)]
    with pytest.raises(SystemExit) as caught:
        main([*words, "--num-threads", "1", *options])
    assert caught.value.code == 0
    return folder


@pytest.mark.parametrize("engine", ["batched", "simpy"])
@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace(", mobility: {model: waypoint, width: 300 m, height: 300 m, speed: 1.4 m/s}", ""),
        HEAD + EVERYTHING.replace("DECIDE", "step").replace("FORM", "zone"),
        HEAD + EVERYTHING.replace("DECIDE", "task").replace("FORM", "logistic"),
    ],
    ids=["plain", "everything, steps", "everything, each task"],
)
def test_an_outsider_comes_to_the_same_numbers(tmp_path: Path, text: str, engine: str) -> None:
    told = recomputed(simulated(tmp_path, text, "--engine", engine))
    assert told.returncode == 0, told.stdout + told.stderr
    assert int(told.stdout.split()[-3]) > 500, told.stdout


def test_the_outsider_sees_what_is_wrong(tmp_path: Path) -> None:
    """A finish a millionth later, one task of hundreds."""
    folder = simulated(tmp_path, HEAD)
    with (folder / "tasks.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    table[7]["finish_s"] = str(float(table[7]["finish_s"]) * (1.0 + 1e-6))
    with (folder / "tasks.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    told = recomputed(folder)
    assert told.returncode == 1
    assert "finish_s: off by 1.0e-06 at most, TOO MUCH" in told.stdout


def test_who_waits_in_vain_is_told(tmp_path: Path) -> None:
    """More than a task each step: those that no step has dispatched stand in a table of their own."""
    text = HEAD.replace("0.2 /s", "0.5 /s") + "tasks: {deadline: 5 s}\n"
    folder = simulated(tmp_path, text)
    with (folder / "waiting.csv").open(newline="") as file:
        waiting = list(csv.DictReader(file))
    with (folder / "tasks.csv").open(newline="") as file:
        tasks = list(csv.DictReader(file))
    assert list(waiting[0]) == ["episode", "task", "user", "size_bit", "arrival_s", "deadline_s"]
    for episode in "012":
        numbers = sorted(int(row["task"]) for row in [*waiting, *tasks] if row["episode"] == episode)
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > 100
    assert all(float(row["deadline_s"]) == pytest.approx(float(row["arrival_s"]) + 5.0) for row in waiting)


def test_a_tape_is_kept_and_played_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other files say other seeds; the episodes are those of the tape, for any policy."""
    tape = tmp_path / "episodes.npz"
    first = simulated(tmp_path, HEAD, "--tape", str(tape)).joinpath("tasks.csv").read_text()
    assert tape.is_file()
    again = simulated(tmp_path, HEAD, "--tape", str(tape), "--force", "--policy", "greedy", "--seed", "9")
    other = again.joinpath("tasks.csv").read_text()
    assert other != first
    columns = [[line.split(",")[2:5] for line in text.splitlines()] for text in (first, other)]
    assert columns[0] == columns[1]  # tasks, users and sizes
    with pytest.raises(SystemExit) as caught:
        main(["simulate", "quickstart", "--tape", str(tape)])
    assert caught.value.code == 2
    assert "tapes of another scenario" in capsys.readouterr().err
    tape.write_bytes(b"no tape")
    with pytest.raises(SystemExit):
        main(["simulate", "quickstart", "--tape", str(tape)])
    [line] = capsys.readouterr().err.splitlines()
    assert "episodes.npz: not a tape" in line
