"""A scenario with all that it names: its files are copied beside it, so that moving a folder or a file changes nothing.

The folder holds scenario.yaml and, in data/, the copies, each with a digest of its content in its name.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import yaml

from mecsim.core.files import atomic_write, digest_of_file, write_text
from mecsim.core.scenario import Scenario
from mecsim.errors import InputError, ScenarioError
from mecsim.scenario.load import load_scenario
from mecsim.schema.fields import FileNames
from mecsim.schema.words import one_line

SCENARIO_FILE = "scenario.yaml"
DATA = "data"
DIGEST_LENGTH = 12
_COPY = re.compile(rf".*-([0-9a-f]{{{DIGEST_LENGTH}}})(\.[^.]*)?", re.DOTALL)


def save_whole(scenario: Scenario, folder: Path) -> None:
    """Write scenario.yaml, with all values, into a folder that is there, and copies of the files that it names.

    Raises:
        InputError: a file cannot be read; OSError: something cannot be written.
    """

    def copied(path: str) -> str:
        name = _copy(Path(path), folder / DATA).name
        return f"{DATA}/{name}"

    text = _yaml(scenario, copied)
    write_text(folder / SCENARIO_FILE, text)


def load_whole(folder: Path) -> Scenario:
    """The scenario that `save_whole` wrote, wherever the folder is now.

    Raises:
        ScenarioError: it cannot be used, or a copy is no longer what it was.
    """
    for entry in data_entries(folder):
        path = folder / entry
        if _digest(path) not in path.name:
            cure = "put the file back, or begin anew with a scenario that names the changed one"
            raise ScenarioError([one_line(f"{path}: has been changed since it was copied here; {cure}")])
    return load_scenario(folder / SCENARIO_FILE)


def data_entries(folder: Path) -> list[str]:
    """The copies in a folder, as paths below it."""
    if not os.path.isdir(folder / DATA):  # which takes any name, be it too long
        return []
    return sorted(f"{DATA}/{path.name}" for path in (folder / DATA).iterdir() if _COPY.fullmatch(path.name))


def content_of(scenario: Scenario) -> str:
    """All values of a scenario as YAML, with digests in the place of files: equal where equal things are simulated."""
    return _yaml(scenario, lambda path: f"digest {_digest(Path(path))}")


def _yaml(scenario: Scenario, name_of: Callable[[str], str]) -> str:
    values = scenario.model_dump(mode="json", by_alias=True, context=FileNames(name_of=name_of))
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)


def _copy(path: Path, folder: Path) -> Path:
    """A copy of a file, made unless it is there."""
    digest = _digest(path)
    copy = folder / f"{path.stem.removesuffix(f'-{digest}')}-{digest}{path.suffix}"
    if copy.exists():
        return copy
    folder.mkdir(exist_ok=True)
    with atomic_write(copy) as partial:
        shutil.copyfile(path, partial)
    return copy


def _digest(path: Path) -> str:
    """Of the content of a file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return digest_of_file(path)[:DIGEST_LENGTH]
    except OSError as error:
        raise InputError(one_line(f"{path}: cannot be read: {error.strerror}")) from None
