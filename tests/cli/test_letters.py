"""Names in any letters, where neither the locale nor the terminal knows them."""

import os
import subprocess
import sys
from pathlib import Path

from mecsim.scenario import load_scenario
from mecsim.training import Run
from tests.cli.conftest import SET

PROGRAM = """
import sys
from mecsim.cli import main

def call(*arguments):
    try:
        main(arguments)
    except SystemExit as done:
        assert done.code == 0, (arguments, done.code)

SET = sys.argv[1:]
call("init", "plain")
call("simulate", "office.yaml", "--episodes", "2", "--out", "played")
call("train", "office.yaml", "--steps", "64", "--out", "run", *SET)
call("sweep", "greedy", "--scenario", "office.yaml", "--preferences", "2", "--episodes", "2", "--out", "front")
call("show", "office.yaml")
"""


def test_every_command_where_only_ascii_is_known(small: Path, tmp_path: Path) -> None:
    text = small.read_text(encoding="utf-8").replace("description: small", "description: Büro 東京")
    (tmp_path / "office.yaml").write_text(text, encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning:mecsim", "-c", PROGRAM, *SET],
        env=os.environ | ascii_only,
        cwd=tmp_path,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"+-" in done.stdout  # for ±
    assert "description: Büro 東京".encode() in done.stdout  # `show` writes YAML, which is UTF-8
    assert (tmp_path / "plain.yaml").stat().st_size > 0
    assert Run.open(tmp_path / "run").scenario.description == "Büro 東京"
    assert load_scenario(tmp_path / "front" / "scenario.yaml").description == "Büro 東京"
