"""All experiments as one job that goes on where it was, and stored results that say where they come from."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mecsim.cli import main

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
STORED = sorted(EXPERIMENTS.glob("*/*.json"))


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("experiments_results", EXPERIMENTS / "results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where its dataclass looks for names
    spec.loader.exec_module(module)
    return module


def called(results: ModuleType, *arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments), results.run)
    return int(caught.value.code or 0)


@pytest.mark.parametrize("path", STORED, ids=[f"{path.parent.name}/{path.name}" for path in STORED])
def test_a_stored_result_names_its_revision(path: Path) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}\+?", json.loads(path.read_text(encoding="utf-8"))["git_revision"])


def test_every_table_has_where_it_comes_from_beside_it() -> None:
    tables = set(EXPERIMENTS.glob("*/*.csv"))
    own = {
        EXPERIMENTS / "quickstart" / "front.csv",
        EXPERIMENTS / "unchanged" / "digests.csv",
    }  # summary.json; no figures
    assert [path for path in sorted(tables - own) if not path.with_suffix(".json").is_file()] == []


def test_every_experiment_is_part_of_the_job(results: ModuleType) -> None:
    assert set(results.JOBS) == {path.parent.name for path in EXPERIMENTS.glob("*/README.md")}


def test_what_is_finished_is_not_done_again(
    results: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(results, "HERE", tmp_path)
    there = {"good": "open('count', 'a').write('x')", "bad": "raise SystemExit(3)"}
    for name, script in there.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.py").write_text(script)
    monkeypatch.setattr(results, "JOBS", {name: results.Job(1, quick=False) for name in there})
    monkeypatch.chdir(tmp_path)
    for revision in ("one", "one+"):  # what is finished has changed the working tree
        monkeypatch.setattr(results, "provenance", lambda revision=revision: {"git_revision": revision})
        assert called(results) == 1
        assert "failed, see above: bad" in capsys.readouterr().err
    assert (tmp_path / "count").read_text() == "x"
    assert called(results, "--list") == 0
    good, bad = capsys.readouterr().out.splitlines()
    assert "done in" in good
    assert "about 1 min" in bad
    monkeypatch.setattr(results, "provenance", lambda: {"git_revision": "another"})
    assert called(results, "--only", "good") == 0
    assert (tmp_path / "count").read_text() == "xx"
    assert called(results, "--only", "worse") == 2
