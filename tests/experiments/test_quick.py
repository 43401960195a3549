"""Each experiment runs in its quick form and writes its table."""

import csv
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import torch

from mecsim.cli import main
from mecsim.core.cuda import why_not

EXPERIMENTS = Path(__file__).parents[2] / "experiments"

ENGINES = 1 if why_not() else 2
KINDS = 3 if torch.cuda.is_available() else 1  # of device and precision

ROWS = {
    "hypervolume": {"result": 2 * 4},
    "fronts": {"result": 2 * 2},
    "preferences": {"result": 4},
    "frequency": {"result": 2 * 3},
    "edges": {"result": 3 + 2},
    "convergence": {"result": 3},
    "curves": {"result": 3 * 2},
    "ablation_network": {"result": 2 * 2},
    "ablation": {"result": 2 * 2},
    "queues": {"result": 3 * 2},
    "interference": {"result": 4 * 2},
    "traces": {"result": 3},
    "latency": {"result": 4},
    "peers": {"result": 2 * 4},
    "decisions": {"result": 2 + 3},
    "tools": {"result": 2},
    "bound": {"result": 3 * (3 + 1)},
    "intervals": {"result": 2 * (24 + 14 + 14) + 10 + 3},
    "learning": {"six_edges": 4 * 2, "any_edges": 3 + 2},
    "each_task": {"tasks": 3, "services": 2 * 3, "hours": 1},
    "scaling": {"result": 5 * 2},
    "gpu": {"engines": 2 * ENGINES, "result": 2 * KINDS, "agreement": KINDS},
    "snapshots": {"result": 2 * 9, "times": 2 * 3},
    "personal_offloading": {"result": 2 + 3, "front": 5 * 5},
    "scaleout": {"result": 4, "killed": 1},  # where there is Ray
    "own_log": {"result": 2 * 3 * 3, "people": 3 * 2},
    "memory": {"result": 1 + 1 + 5, "sessions": 4 * 16},
    "personalization": {
        "result": 2 * (2 + 5),
        "points": 2 * (2 + 3 * (2 + 3)),
        "prediction": 3 * 4,
        "data": 2,
        "forms": 4 + 5,
        "noise": 2,
    },
}
"""Lines of each table of each experiment, in its quick form."""

OPTIONS = {
    "hypervolume": ["--targets", "edge,gmorl-agent"],
    "tools": ["--only", "gymnasium_wrappers,cleanrl_ppo"],  # tests/examples tries them all
}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def command_of(name: str) -> click.Command:
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", EXPERIMENTS / name / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXPERIMENTS / name)  # as for a script that is run
        spec.loader.exec_module(module)
    return module.run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained once for all experiments."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", list(ROWS))
def test_an_experiment_writes_its_table_and_pictures(
    name: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "scaleout":
        pytest.importorskip("ray")
    arguments = ["--quick", "--num-threads", "1", "--runs", str(runs), "--out", str(tmp_path), *OPTIONS.get(name, [])]
    with pytest.raises(SystemExit) as caught:
        main(arguments, command_of(name))
    assert caught.value.code == 0, capsys.readouterr().err
    for table, rows in ROWS[name].items():
        path = tmp_path / f"{table}.csv"
        assert len(rows_of(path)) == rows
        told = json.loads(path.with_suffix(".json").read_text())
        assert (told["seed"], told["quick"]) == (0, True)
        assert {"command", "git_revision", "hardware", "versions"} <= told.keys()
        stored = EXPERIMENTS / name / path.name
        if stored.exists():
            header = stored.read_text().splitlines()[0]
            assert header == path.read_text().splitlines()[0], "the stored result is of another form"
    pictures = list(tmp_path.glob("*.png"))
    assert pictures
    assert all(0 < picture.stat().st_size < 300_000 for picture in pictures)


def test_the_figures_of_a_gpu_have_their_bars(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--quick", "--minutes", "4", "--num-threads", "1", "--runs", str(runs), "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as caught:
        main(arguments, command_of("gpu"))
    assert caught.value.code == 0, capsys.readouterr().err
    rows = rows_of(tmp_path / "figures.csv")
    assert len(rows) == 7
    printed = capsys.readouterr().out
    for row in rows:
        assert row["figure"] in printed
        larger = row["figure"].startswith(("engine", "training"))
        assert row["reached"] == str(int(larger == (float(row["measured"]) >= float(row["bar"]))))


def test_no_corruption_is_accepted(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--quick", "--runs", str(runs), "--out", str(tmp_path)], command_of("corruption"))
    assert caught.value.code == 0, capsys.readouterr().err
    assert {row["verdict"] for row in rows_of(tmp_path / "result.csv")} <= {
        "refused", "recovered", "refused, then recovered",
    }  # fmt: skip


def test_mutated_inputs_are_used_or_refused(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--quick", "--runs", str(runs), "--out", str(tmp_path)], command_of("fuzz"))
    assert caught.value.code == 0, capsys.readouterr().err
    for row in rows_of(tmp_path / "result.csv"):
        assert int(row["used"]) + int(row["refused"]) == int(row["tried"]) >= 5


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_its_experiment_says_so(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--runs", str(runs), "--out", str(tmp_path)], command_of("gpu"))
    assert caught.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "no CUDA device: run this on a machine that has one" in line


def test_every_experiment_with_a_script_is_tried() -> None:
    scripts = {path.parent.name for path in EXPERIMENTS.glob("*/run.py")}
    assert scripts == {*ROWS, "corruption", "fuzz", "interrupts", "known_behaviour", "planted", "unchanged"}


@pytest.mark.parametrize("only", ["kills", "writers"])
def test_interrupts(tmp_path: Path, only: str) -> None:
    script = EXPERIMENTS / "interrupts" / "run.py"
    command = [sys.executable, str(script), "--quick", "--only", only, "--out", str(tmp_path / "results")]
    done = subprocess.run([*command, "--runs", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "results" / f"{only}.csv")
    if only == "writers":
        assert [(row["at_work"], row["code"], row["told"], row["first_exact"]) for row in rows] == [tuple("1111")]
        return
    assert [row["signal"] for row in rows] == ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"]
    for row in rows:
        assert [row[name] for name in ("orphans", "written_afterwards", "earlier_whole", "exact")] == [*"0011"], row


def test_known_behaviour(tmp_path: Path) -> None:
    script = EXPERIMENTS / "known_behaviour" / "run.py"
    command = [sys.executable, str(script), "--quick", "--num-threads", "1", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "result.csv")
    assert [row["policy"] for row in rows] == ["greedy"] * 4 + ["random"] * 4
    assert all(float(row["delay_s_mean"]) > 0.0 for row in rows)
    assert all(
        float(row[f"{objective}_deviation"])
        == pytest.approx(float(row[f"{objective}_mean"]) / float(row[f"{objective}_known"]) - 1.0, abs=1e-5)
        for row in rows
        for objective in ("delay_s", "energy_J")
    )
    stored = (EXPERIMENTS / "known_behaviour" / "result.csv").read_text().splitlines()[0]
    assert stored == ",".join(rows[0]), "the stored result is of another form than the script's"
