"""What several commands share: parameters and how their texts are read, threads, output folders."""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from textwrap import fill
from typing import Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray

from mecsim.cli.completion import context_keys, scenarios
from mecsim.core.files import remove_partials, write_text
from mecsim.core.lock import is_empty, writing_file, writing_folder
from mecsim.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])

MAX_EPISODES = 1_000_000
MAX_PREFERENCES = 100_000
scenario_argument = click.argument("scenario", metavar="SCENARIO", shell_complete=scenarios)
context_option = click.option(
    "--context",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=context_keys,
    help="Change the scenario, such as edges=4; repeatable.",
)
seed_option = click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
force_option = click.option("--force", is_flag=True, help="Replace what an earlier command left in --out.")
threads_option = click.option(
    "--num-threads", type=click.IntRange(1, 1024), default=None, help="Threads to use.  [default: all cores]"
)
workers_option = click.option(
    "--workers", type=click.IntRange(1, 1024), help="Processes to use.  [default: one per core, of little work one]"
)
ray_option = click.option(
    "--ray",
    "address",
    metavar="auto|HOST:PORT|local",
    help="Use the nodes of a Ray cluster: that of this machine, another, or one that is begun here. Then --workers is "
    "how many jobs run at the same time at most, and --num-threads what each gets.  [default: as many as fit, 1]",
)
plan_option = click.option(
    "--plan",
    type=click.IntRange(1, 9999),
    metavar="K",
    help="Try each option on K sampled futures before it is taken; better and slower.",
)
engine_option = click.option(
    "--engine",
    type=click.Choice(["batched", "simpy", "cuda"]),
    default="batched",
    show_default=True,
    help="Which engine plays; cuda needs a GPU.",
)


def episodes_option(default: int) -> Callable[[Command], Command]:
    """`--episodes N`."""
    return click.option(
        "--episodes", type=click.IntRange(1, MAX_EPISODES), default=default, show_default=True, help="Episodes to play."
    )


def listed(name: str, text: str, width: int) -> str:
    """A name, which takes `width` columns, and beside it what is to say of it, in as many lines as that takes."""
    columns = max(60, shutil.get_terminal_size().columns)
    heading, following = f"{name:<{width}}  ", " " * (width + 2)
    return fill(text, columns, initial_indent=heading, subsequent_indent=following, break_on_hyphens=False)


def key_values(texts: Iterable[str], option: str) -> dict[str, str]:
    """`key=value` texts as a dict.

    Raises:
        InputError: a text has no `=`, or a key comes twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f"{option} {text}: expected key=value")
        if key in pairs:
            raise InputError(f"{option} {key}: given twice")
        pairs[key] = value
    return pairs


def preference_of(text: str | None, objectives: tuple[str, ...]) -> NDArray[np.float64]:
    """A preference from a text such as `0.3,0.7`; even weights if there is none.

    Raises:
        InputError: it is not a preference over these objectives.
    """
    if text is None:
        return np.full(len(objectives), 1.0 / len(objectives))
    from mecsim.envs.wrappers import checked_preference

    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--preference {text}: expected numbers such as 0.3,0.7") from None
    try:
        return checked_preference(weights, len(objectives))
    except InputError as error:
        raise InputError(f"--preference {text}: {error} (objectives: {', '.join(objectives)})") from None


_JSON_MARK = b'{\n  "format":'
MARKS = {
    "config.yaml": b"mecsim_run:",
    "policies.yaml": b"mecsim_policies:",
    "seeds.yaml": b"mecsim_seeds:",
    "summary.json": _JSON_MARK,
    "settings.json": _JSON_MARK,
    "deployed.json": _JSON_MARK,
    "import.json": _JSON_MARK,
    "index.html": b'<!doctype html>\n<html lang="en"><meta charset="utf-8">',
}
"""How the files begin by which a folder of results is known."""


_UNFINISHED = '{\n  "format": 1,\n  "unfinished": true\n}\n'


def _is_ours(marker: Path) -> bool:
    if not marker.is_file():
        return False
    with marker.open("rb") as file:
        return file.read(64).startswith(MARKS[marker.name])


def remove(entry: Path) -> None:
    """Remove a file or a folder with all that it holds, if it is there."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)


def sole_writer(lock: AbstractContextManager[None]) -> None:
    """Hold a lock until the command ends."""
    click.get_current_context().with_resource(lock)


def output_folder(folder: Path, own_entries: Iterable[str], marker: str, force: bool) -> Path:
    """A folder to write results into, which nobody else writes until the command ends.

    With `force`, what an earlier command left there is removed, and nothing else.
    `marker` is the path of the file by which a folder of such results is known; its name is a key of `MARKS`.

    Raises:
        InputError: it holds something and `force` is not given or it is not ours, or it cannot be written.
        MecsimError: somebody else writes there.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"--out {folder}: is a file, expected a new or empty folder")
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        sole_writer(writing_folder(folder))
        if not is_empty(folder):
            if not force:
                raise InputError(f"--out {folder}: is not empty; name another folder, or replace it with --force")
            if not _is_ours(folder / marker):
                raise InputError(f"--out {folder}: holds files but no {marker} of this command; name another folder")
            for name in (*(name for name in own_entries if name != marker), marker):  # last, by which it is known
                remove(folder / name)
        remove_partials(folder)
    except OSError as error:
        raise InputError(f"--out {folder}: cannot be written: {error.strerror}; name another folder") from None
    if MARKS.get(marker) == _JSON_MARK:  # from here on it is ours, whatever comes in between
        write_text(folder / marker, _UNFINISHED)
    return folder


def warn(lines: Iterable[str]) -> None:
    """Tell what is to be known of results, a line each, apart from them."""
    for line in lines:
        click.echo(f"warning: {line}", err=True)


def new_file(path: Path, suffixes: Sequence[str], force: bool, option: str = "--out") -> Path:
    """A path to write a file to, in a folder that is there; its name ends in one of `suffixes`.

    Nobody else writes it until the command ends.

    Raises:
        InputError: there is something that may not be replaced, or nothing can be written there.
        MecsimError: somebody else writes it.
    """
    if path.suffix not in suffixes:
        raise InputError(f"{option} {path}: expected a file that ends in {' or '.join(suffixes)}")
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{option} {path}: is no file; name another one")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
        sole_writer(writing_file(path))
        if path.exists() and not force:
            raise InputError(f"{option} {path}: exists already; name another file, or replace it with --force")
    except OSError as error:
        raise InputError(f"{option} {path}: cannot be written: {error.strerror}; name another file") from None
    return path
