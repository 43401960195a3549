"""The notebooks of `examples/notebooks` run, and are kept as they ran."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
NEEDS = {"optuna": "optuna"}


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_all_of_them_are_told() -> None:
    told = (ROOT / "examples" / "notebooks" / "README.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) == 3
    assert all(f"({path.name})" in told for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_run(path: Path, tmp_path: Path) -> None:
    if (package := NEEDS.get(path.stem)) and find_spec(package) is None:
        pytest.skip(f"needs {package}")
    script = tmp_path / "notebook.py"
    script.write_text("\n".join("".join(cell["source"]) for cell in code_cells(path)), encoding="utf-8")
    subprocess.run([sys.executable, "-W", "error", script], check=True, cwd=tmp_path, env=os.environ, timeout=600)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_are_kept_as_they_ran(path: Path) -> None:
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"execute_result", "display_data", "stream"}
    assert all(cell["outputs"] for cell in cells)
    text = path.read_text(encoding="utf-8")
    assert len(text) < 500_000
    assert str(ROOT) not in text
