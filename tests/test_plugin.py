"""The example package, installed beside mecsim: what it brings is found, and every block of its page runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import blocks, run, run_block

EXAMPLE = Path(__file__).parents[1] / "examples" / "plugin"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the package is installed to, from a copy, as building one leaves files behind."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(folder), str(EXAMPLE)], check=True, timeout=300)
    return folder


def test_page_runs(packages: Path, tmp_path: Path) -> None:
    found = [block for block in blocks(EXAMPLE / "README.md") if block.language in ("console", "python")]
    assert len(found) >= 3
    for block in found:
        run_block(block, tmp_path, packages)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("mecsim simulate gmorl-e6 --policy threshold", "no policy of offload is called"),  # but of another system
        ("mecsim init x --kind admision", "did you mean 'admission'?"),
        ("mecsim train quickstart --agent expected-sara --out run", "did you mean expected-sarsa?"),
        ("mecsim simulate gmorl-e6 --policy mecsim_queue.threshold:nothing", "cannot be imported"),
    ],
)
def test_wrong_names_have_one_line(command: str, told: str, packages: Path, tmp_path: Path) -> None:
    code, output = run(command, tmp_path, packages)
    assert code == 2
    assert told in output
    assert output.count("\n") == 1


def test_a_broken_package_is_named(packages: Path, tmp_path: Path) -> None:
    """It does not keep others from working."""
    broken = tmp_path / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
    (broken / "entry_points.txt").write_text("[mecsim.systems]\ngone = gone.nowhere:SYSTEM\n", encoding="utf-8")
    code, output = run("mecsim init x --kind gone", tmp_path, tmp_path)
    assert code == 2
    assert "the package broken cannot be imported" in output
    assert run("mecsim init x --kind offload", tmp_path, tmp_path)[0] == 0


def test_it_touches_no_file_of_mecsim() -> None:
    """One folder or file each, and a line each."""
    lines = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if '= "mecsim_queue.' in line]
    assert len(named) == len([line for line in lines if line.startswith("[project.entry-points")])
