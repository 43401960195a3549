"""Nothing that is printed for people is wider than their terminal."""

from pathlib import Path

import pytest
from rich.cells import cell_len

from mecsim.cli import COMMANDS
from tests.cli.conftest import Command


def widest(text: str) -> int:
    return max(map(cell_len, text.splitlines()))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits(mecsim: Command, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = mecsim(*command.split(), "--help")
    assert widest(said.out) <= 80


@pytest.mark.parametrize("command", ["scenarios", "plugins", "policies", "policies --kind cells", "settings"])
def test_lists_fit(mecsim: Command, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert widest(mecsim(*command.split()).out) <= 80


def test_tables_fit(mecsim: Command, monkeypatch: pytest.MonkeyPatch, run_folder: Path, small: Path) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run = run_folder.rename(run_folder.with_name("a-run-with-a-name-that-is-far-too-long-for-a-table"))
    swept = mecsim("sweep", run.name, "greedy", "--preferences", 3, "--episodes", 4, "--workers", 1, "--out", "s")
    simulated = mecsim("simulate", small, "--policy", run.name, "--episodes", 2)
    bounded = mecsim("bound", small, run.name, "random", "--preferences", 2, "--episodes", 2)
    for said in (swept, simulated, bounded):
        assert (said.code, said.err) == (0, "")
        assert widest(said.out) <= 80
        assert "…" in said.out  # the name, not a number
        assert "-for-a-table" in said.out


@pytest.mark.parametrize("arguments", ["simulate nowhere", "train quickstart --out r --set lr=1", "sweep none --out s"])
def test_an_error_stays_one_line(mecsim: Command, monkeypatch: pytest.MonkeyPatch, arguments: str) -> None:
    """The terminal breaks it, so that it can be copied as it is."""
    monkeypatch.setenv("COLUMNS", "60")
    assert len(mecsim(*arguments.split()).err.splitlines()) == 1
