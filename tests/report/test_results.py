"""Tables and charts of experiments."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from mecsim.report.charts import Curve, Panel, save_bars, save_fronts, save_lines
from mecsim.report.provenance import PROJECT
from mecsim.report.results import write_result
from mecsim.sweep import Front
from mecsim.systems.offload.scenario import OffloadScenario


def test_a_result_is_a_csv_with_its_provenance_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["experiments/a b/run.py", "--quick"])
    rows = [{"target": "one, two", "value": 1.23456789}, {"target": "three", "other": 4, "value": float("nan")}]
    write_result(tmp_path / "new" / "result.csv", rows, seed=3)
    with (tmp_path / "new" / "result.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["target", "value", "other"], ["one, two", "1.23457", ""], ["three", "", "4"]]
    told = json.loads((tmp_path / "new" / "result.json").read_text())
    assert told["seed"] == 3
    assert told["command"].endswith("'experiments/a b/run.py' --quick")
    assert {"versions", "git_revision", "hardware"} <= told.keys()


def test_a_command_is_told_without_paths_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = PROJECT / "experiments" / "a" / "run.py"
    monkeypatch.setattr("sys.argv", [str(own), "--runs", str(tmp_path / "many"), f"--out={PROJECT}/out", "--x=a/b"])
    write_result(tmp_path / "result.csv", [{"a": 1}])
    told = json.loads((tmp_path / "result.json").read_text())["command"]
    assert told.partition(" ")[2] == "experiments/a/run.py --runs many --out=out --x=a/b"


def test_no_committed_result_names_a_path_of_some_machine() -> None:
    absolute = re.compile(r"""(?:^|[\s"'=,])/\w+/\w""", re.MULTILINE)
    results = [path for kind in ("json", "csv") for path in (PROJECT / "experiments").glob(f"*/*.{kind}")]
    assert results
    assert [str(path) for path in results if absolute.search(path.read_text(encoding="utf-8"))] == []


def test_a_result_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError, match=r"(exists|directory)"):  # which commands tell in one line
        write_result(tmp_path / "file" / "result.csv", [{"a": 1}])
    assert (tmp_path / "file").read_text() == "precious"


def test_charts_are_small_pictures(tmp_path: Path, fronts: list[Front], scenario: OffloadScenario) -> None:
    curves = [Curve("a", [1, 2, 3], [1.0, np.nan, 2.0], [0.1, np.nan, 0.2]), Curve("b", [1], [3.0]), Curve("c", [], [])]
    pictures = [
        save_lines(tmp_path / "new" / "lines.png", "title", [Panel("x", "y", curves), Panel("x", "z", curves[:1])]),
        save_bars(tmp_path / "bars.png", "title", "y", ["a", "b"], [1.0, float("nan")], [0.1, float("nan")]),
        save_fronts(tmp_path / "fronts.png", fronts, scenario),
    ]
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG\r\n")
        assert 1000 < picture.stat().st_size < 150_000
