"""The digest of the code: it changes with what is done, and with nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mecsim
from mecsim.core.sources import code_digest, package_digest

PACKAGE = Path(mecsim.__file__).parent
KINDS = '''"""Kinds."""

KINDS = {"a", "b", "c", "d"}


def f(kind: str, at: int = 1) -> int:
    """Of a kind."""
    return at + 1 if kind in {"x", "y", "z"} else at - 1
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "subject").mkdir()
    (tmp_path / "subject" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "subject" / "kinds.py").write_text(KINDS, encoding="utf-8")
    (tmp_path / "subject" / "table.csv").write_text("a,b\n", encoding="utf-8")
    return tmp_path / "subject"


@pytest.mark.parametrize(
    ("before", "after"),
    [("at + 1", "at + 2"), ("at + 1", "at * 1"), ('"z"', '"w"'), ("= 1", "= 2"), ("at: int", "*, at: int")],
)
def test_what_is_done_changes_it(folder: Path, before: str, after: str) -> None:
    first = package_digest("subject")
    assert before in KINDS
    (folder / "kinds.py").write_text(KINDS.replace(before, after), encoding="utf-8")
    os.utime(folder / "kinds.py", (2e9, 2e9))  # Python, too, knows a change by date and size
    assert package_digest("subject") != first


def test_files_and_names_change_it(folder: Path) -> None:
    first = package_digest("subject")
    (folder / "table.csv").write_text("a,c\n", encoding="utf-8")
    second = package_digest("subject")
    (folder / "kinds.py").rename(folder / "sorts.py")
    assert len({first, second, package_digest("subject")}) == 3


def test_nothing_else_does(folder: Path) -> None:
    first = package_digest("subject")
    (folder / "kinds.py").write_text("# A comment.\n\n" + KINDS.replace("    return", "\n    return"), encoding="utf-8")
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "__pycache__").mkdir(exist_ok=True)
    (folder / "__pycache__" / "old.pyc").write_bytes(b"\0")
    assert package_digest("subject") == first


def test_a_part_may_be_left_out(folder: Path) -> None:
    first = package_digest("subject", ("cli",))
    (folder / "cli").mkdir()
    (folder / "cli" / "a.py").write_text("x = 1\n", encoding="utf-8")
    assert package_digest("subject", ("cli",)) == first
    assert package_digest("subject") != first
    assert package_digest("no_such_package") == ""


def test_it_is_the_same_in_every_process() -> None:
    program = "from mecsim.core.sources import code_digest; print(code_digest())"
    found = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(PACKAGE.parent)},
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_greedy_turned_into_its_opposite_is_another_code(tmp_path: Path) -> None:
    """In a copy of the package, whose commands and pictures do not count."""
    shutil.copytree(PACKAGE, tmp_path / "mecsim", ignore=shutil.ignore_patterns("__pycache__"))
    program = "from mecsim.core.sources import code_digest; print(code_digest())"

    def digest() -> str:
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    first = digest()
    greedy = tmp_path / "mecsim" / "policies" / "immediate.py"
    text = greedy.read_text(encoding="utf-8")
    assert "argmin" in text or "argmax" in text
    shown = tmp_path / "mecsim" / "report" / "style.py"
    shown.write_text(shown.read_text(encoding="utf-8") + "\nOTHER = 1\n", encoding="utf-8")
    assert digest() == first
    opposite = text.replace("argmin", "argmaX").replace("argmax", "argmin").replace("argmaX", "argmax")
    greedy.write_text(opposite, encoding="utf-8")
    assert digest() != first


def test_it_is_told_once() -> None:
    assert len(code_digest()) == 64
