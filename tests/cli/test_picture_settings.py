"""A user's settings of Matplotlib are for their own pictures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

USES_LATEX = "text.usetex: True\npgf.texsystem: pdflatex\n"
SWEEP = ("greedy", "--preferences", "2", "--episodes", "2", "--out", "front", "--num-threads", "1")


def swept(small: Path, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    call = [sys.executable, "-m", "mecsim", "sweep", *SWEEP, "--scenario", str(small)]
    environment = os.environ | {"PATH": "/nowhere"} | variables  # no LaTeX there
    return subprocess.run(
        call, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300
    )


def test_settings_that_cannot_be_used_change_nothing(small: Path, tmp_path: Path) -> None:
    settings, there = tmp_path / "matplotlibrc", tmp_path / "there"
    there.mkdir()
    settings.write_text(USES_LATEX, encoding="utf-8")
    said = swept(small, there, MPLBACKEND="nonsense", MATPLOTLIBRC=str(settings))
    assert said.returncode == 0, said.stderr
    assert (there / "front" / "front.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_those_of_the_working_folder_are_named_where_they_fail(small: Path, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text(USES_LATEX, encoding="utf-8")
    said = swept(small, tmp_path)
    assert said.returncode == 1
    last = said.stderr.splitlines()[-1]
    assert "matplotlibrc: text.usetex asks for LaTeX, which cannot be used: leave it out" in last
    assert (tmp_path / "front" / "front.csv").exists()  # what was played is there


@pytest.mark.parametrize("backend", ["Agg", "svg"])
def test_figures_need_no_backend_of_their_own(backend: str) -> None:
    code = "import matplotlib; before = matplotlib.get_backend(); import mecsim.report.figures; "
    code += "assert matplotlib.get_backend() == before"
    environment = os.environ | {"MPLBACKEND": backend}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False, timeout=120).returncode == 0
