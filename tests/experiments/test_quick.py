"""Each experiment runs in its quick form and writes its table."""

import csv
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mecsim.cli import main

EXPERIMENTS = Path(__file__).parents[2] / "experiments"

ROWS = {
    "hypervolume": 2 * 4,
    "fronts": 2 * 2,
    "preferences": 4,
    "frequency": 2 * 3,
    "edges": 3 + 2,
    "convergence": 3,
    "ablation_network": 2 * 2,
    "queues": 3 * 2,
    "interference": 4 * 2,
    "traces": 3,
    "latency": 4,
}
"""Lines of result.csv of each experiment, in its quick form."""

OPTIONS = {"hypervolume": ["--targets", "edge,gmorl-agent"]}


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def command_of(name):
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", EXPERIMENTS / name / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Trained once for all experiments."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(autouse=True)
def _threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", list(ROWS))
def test_an_experiment_writes_its_table_and_pictures(name, runs, tmp_path, capsys):
    arguments = ["--quick", "--num-threads", "1", "--runs", str(runs), "--out", str(tmp_path), *OPTIONS.get(name, [])]
    with pytest.raises(SystemExit) as caught:
        main(arguments, command_of(name))
    assert caught.value.code == 0, capsys.readouterr().err
    assert len(rows_of(tmp_path / "result.csv")) == ROWS[name]
    told = json.loads((tmp_path / "result.json").read_text())
    assert (told["seed"], told["quick"]) == (0, True)
    assert {"command", "git_revision", "hardware", "versions"} <= told.keys()
    pictures = list(tmp_path.glob("*.png"))
    assert pictures
    assert all(0 < picture.stat().st_size < 300_000 for picture in pictures)
    stored = EXPERIMENTS / name / "result.csv"
    if stored.exists():
        header = stored.read_text().splitlines()[0]
        assert header == (tmp_path / "result.csv").read_text().splitlines()[0], "the stored result is of another form"


def test_every_experiment_with_a_script_is_tried():
    scripts = {path.parent.name for path in EXPERIMENTS.glob("*/run.py")}
    assert scripts == {*ROWS, "known_behaviour"}


def test_known_behaviour(tmp_path: Path) -> None:
    out = tmp_path / "result.csv"
    script = EXPERIMENTS / "known_behaviour" / "run.py"
    done = subprocess.run(
        [sys.executable, script, "--quick", "--out", out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = rows_of(out)
    assert [row["policy"] for row in rows] == ["greedy"] * 4 + ["random"] * 4
    assert all(float(row["delay_s_mean"]) > 0.0 for row in rows)
    stored = (EXPERIMENTS / "known_behaviour" / "result.csv").read_text().splitlines()[0]
    assert stored == ",".join(rows[0]), "the stored result is of another form than the script's"
