"""Whether the tests notice errors that are planted in a copy of the sources, one at a time.

    python experiments/planted/run.py [--only WORDS] [--workers N]

`errors.yaml` lists the errors: a file, a text that occurs in it once, what takes its place, and the tests that should
fail then. An error is caught if they can be collected and one of them fails; before, all of them have to pass.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from mecsim.cli import main
from mecsim.core.kernel_cache import FOLDER_VARIABLE, kernel_folder
from mecsim.errors import InputError, MecsimError
from mecsim.studies.study import Study, experiment

ERRORS = Path(__file__).with_name("errors.yaml")
SOURCES = Path(__file__).parents[2]
MOST_S = 1200.0  # of the tests of one error, which may compile kernels


@dataclass(frozen=True, slots=True)
class Planted:
    """An error: in `file`, `text` becomes `replacement`."""

    file: str
    name: str
    text: str
    replacement: str
    tests: tuple[str, ...]

    def planted(self) -> str:
        """The file's contents with the error in them.

        Raises:
            InputError: the text is not there, or more than once.
        """
        source = (SOURCES / self.file).read_text(encoding="utf-8")
        if (count := source.count(self.text)) != 1:
            told = f"its text is {count} times in {self.file}, expected once: {self.text!r}"
            raise InputError(f"{ERRORS.name}: {self.name}: {told}; write it as the source is now")
        return source.replace(self.text, self.replacement)


def planted_errors() -> list[Planted]:
    """All of the list."""
    listed = yaml.safe_load(ERRORS.read_text(encoding="utf-8"))
    return [
        Planted(file, entry["error"], entry["text"], entry["becomes"], tuple(entry["tests"]))
        for file, entries in listed.items()
        for entry in entries
    ]


def copy_sources(folder: Path) -> None:
    """What belongs to the checkout, committed or not, and its compiled kernels."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=SOURCES, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (SOURCES / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCES / name, folder / name)
    shutil.copytree(kernel_folder(), folder / "mecsim" / "__pycache__" / "kernels")


def run_tests(folder: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """The exit code of pytest in a copy of the sources, and what it said; it stops at the first failure."""
    env = {name: value for name, value in os.environ.items() if name != FOLDER_VARIABLE}
    env |= {
        "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "agents")]), "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", *tests]
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=MOST_S)
    except subprocess.TimeoutExpired:
        return -1, f"not finished after {MOST_S:g} s"
    return done.returncode, done.stdout + done.stderr


def tried(error: Planted, whole: Path, work: Path) -> dict[str, object]:
    """Plant one error in a copy of its own, whose other files are links to those of `whole`, and run its tests."""
    with tempfile.TemporaryDirectory(dir=work) as name:
        copy = Path(name) / "copy"
        shutil.copytree(whole, copy, copy_function=os.link)
        (copy / error.file).unlink()
        (copy / error.file).write_text(error.planted(), encoding="utf-8")
        code, said = run_tests(copy, error.tests)
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    outcome = {0: "survived", 1: "caught"}.get(code, "broken")
    by = failed[1] if failed and code == 1 else ""
    click.echo(f"{outcome}  {error.file}: {error.name}  {by}")
    if outcome == "broken":
        click.echo(said, err=True)
    return {"file": error.file, "error": error.name, "outcome": outcome, "caught_by": by}


@experiment(__file__)
@click.option("--only", help="Only errors whose file or name holds this.")
def run(study: Study, only: str | None) -> None:
    """Plant errors, one at a time, and see whether the tests notice."""
    errors = [error for error in planted_errors() if not only or only in f"{error.file}: {error.name}"]
    for error in errors:
        error.planted()  # a list that has fallen behind is told before anything is run
    errors = errors[:1] if study.quick else errors
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(study.workers or 1) as workers:
        work = Path(folder)
        whole = work / "whole"
        copy_sources(whole)
        tests = tuple(dict.fromkeys(test for error in errors for test in error.tests))
        code, said = run_tests(whole, tests)
        if code:
            click.echo(said, err=True)
            raise MecsimError("the tests fail with no error planted")
        rows = list(workers.map(lambda error: tried(error, whole, work), errors))
    if not only:
        study.write(rows)
    if missed := [row for row in rows if row["outcome"] != "caught"]:
        raise MecsimError(f"{len(missed)} of {len(rows)} errors were not caught")


if __name__ == "__main__":
    main(program=run)
