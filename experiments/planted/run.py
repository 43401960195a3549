"""Whether the tests notice errors that are planted in a copy of the sources, one at a time.

    python experiments/planted/run.py [--only WORDS] [--workers N]

`errors.yaml` lists the errors: a file, a text that occurs in it once, what takes its place, and the tests that should
fail then. An error is caught if they can be collected and one of them fails; before, all of them have to pass.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias, cast

import click
import yaml

from mecsim.cli import main
from mecsim.core.kernel_cache import FOLDER_VARIABLE, kernel_folder
from mecsim.errors import InputError, MecsimError
from mecsim.studies.study import Study, experiment

ERRORS = Path(__file__).with_name("errors.yaml")
SOURCES = Path(__file__).parents[2]

RunTests: TypeAlias = Callable[[Path, Sequence[str]], tuple[int, str]]
"""Of a copy of the sources and names of tests: pytest's exit code, and what it said."""


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


@contextmanager
def pytest_forks() -> Iterator[RunTests]:
    """What runs tests in copies of the sources, one after the other; see `forking`."""
    env = {name: value for name, value in os.environ.items() if name not in (FOLDER_VARIABLE, "PYTHONPATH")}
    env |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("forking.py"))]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        asks, answers = cast(IO[str], process.stdin), cast(IO[str], process.stdout)

        def run_tests(folder: Path, tests: Sequence[str]) -> tuple[int, str]:
            said = folder.with_suffix(".said")
            print(json.dumps({"folder": str(folder), "tests": tests, "said": str(said)}), file=asks, flush=True)
            return int(answers.readline()), said.read_text(encoding="utf-8")

        yield run_tests


def tried(error: Planted, whole: Path, run_tests: RunTests) -> dict[str, object]:
    """Plant one error in a copy of its own, whose other files are links to those of `whole`, and run its tests."""
    with tempfile.TemporaryDirectory(dir=whole.parent) as name:
        copy = Path(name) / "copy"
        shutil.copytree(whole, copy, copy_function=os.link)
        (copy / error.file).unlink()
        (copy / error.file).write_text(error.planted(), encoding="utf-8")
        code, said = run_tests(copy, error.tests)
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    by = failed[1] if failed and code == 1 else ""
    outcome = "caught" if by else "broken" if code else "survived"
    click.echo(f"{outcome}  {error.file}: {error.name}  {by}")
    if outcome == "broken":
        click.echo(said, err=True)
    return {"file": error.file, "error": error.name, "outcome": outcome, "caught_by": by}


def all_tried(errors: Sequence[Planted], whole: Path, workers: int) -> list[dict[str, object]]:
    """A row for each error, in their order; so many are tried side by side."""
    left, rows = iter(errors), {}

    def work() -> None:
        with pytest_forks() as run_tests:
            for error in left:
                rows[error] = tried(error, whole, run_tests)

    with ThreadPoolExecutor(workers) as threads:
        for done in [threads.submit(work) for _ in range(workers)]:
            done.result()
    return [rows[error] for error in errors]


@experiment(__file__)
@click.option("--only", help="Only errors whose file or name holds this.")
def run(study: Study, only: str | None) -> None:
    """Plant errors, one at a time, and see whether the tests notice."""
    errors = [error for error in planted_errors() if not only or only in f"{error.file}: {error.name}"]
    for error in errors:
        error.planted()  # a list that has fallen behind is told before anything is run
    errors = errors[:1] if study.quick else errors
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        copy_sources(whole)
        with pytest_forks() as run_tests:
            code, said = run_tests(whole, list(dict.fromkeys(test for error in errors for test in error.tests)))
        if code:
            click.echo(said, err=True)
            raise MecsimError("the tests fail with no error planted")
        rows = all_tried(errors, whole, study.workers or 1)
    if not only:
        study.write(rows)
    if missed := [row for row in rows if row["outcome"] != "caught"]:
        raise MecsimError(f"{len(missed)} of {len(rows)} errors were not caught")


if __name__ == "__main__":
    main(program=run)
