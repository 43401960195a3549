"""The checkpoints of a run: folders named by their epoch, the last two of which are kept.

state.json is written last and binds the others together by their digests: agent.safetensors, replay.safetensors and
metrics.csv as they were then, and the manifest of the run. A folder without it is not a checkpoint. Those of earlier
versions hold no digests, and are taken as they are.
"""

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from mecsim.core.files import digest_of_file
from mecsim.core.json_files import read_json, read_sealed, write_sealed
from mecsim.errors import RunError
from mecsim.schema.words import first_line, one_line

STATE, AGENT, REPLAY, METRICS = "state.json", "agent.safetensors", "replay.safetensors", "metrics.csv"
TO_PLAY, TO_GO_ON = (AGENT,), (AGENT, REPLAY, METRICS)
"""What has to be as it was written: playing reads no replay, which may be a gigabyte."""

KEPT = 2
CURE = "put the files back as they were, or begin anew with --force"
_NAME = re.compile(r"\d{6,}", re.ASCII)
_UNSEALED = {"epoch", "env_steps", "updates"}  # all that earlier versions wrote


@dataclass(frozen=True)
class State:
    """What state.json says."""

    epoch: int
    env_steps: int
    updates: int
    run: str | None = None  # the digest of the run's manifest, where it has one
    files: Mapping[str, str] | None = None  # digests

    @classmethod
    def read(cls, folder: Path) -> Self:
        """That of a checkpoint.

        Raises:
            RunError: it is damaged.
        """
        path = folder / STATE
        try:
            content = read_json(path)
            if not isinstance(content, dict) or set(content) != _UNSEALED:
                content = read_sealed(path)
            epoch, env_steps, updates = (content[name] for name in ("epoch", "env_steps", "updates"))
            counts = all(type(number) is int and number >= 0 for number in (epoch, env_steps, updates))
            if not counts or epoch != int(folder.name):
                raise ValueError("its numbers are not those of this checkpoint")
            return cls(epoch, env_steps, updates, content.get("run"), content.get("files"))
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            raise RunError(one_line(f"{path}: damaged: {first_line(error)}; {CURE}")) from None

    def check_files(self, folder: Path, names: Sequence[str]) -> None:
        """Compare files of the checkpoint with what was written.

        Raises:
            RunError: one has been changed; OSError: one cannot be read.
        """
        for name in names:
            if self.files is None or name not in self.files:
                continue
            try:
                same = digest_of_file(folder / name) == self.files[name]
            except FileNotFoundError:
                raise RunError(f"{folder / name}: damaged: there is no such file; {CURE}") from None
            if not same:
                raise RunError(f"{folder / name}: damaged: it is not what was written; {CURE}")


def complete(folder: Path) -> list[Path]:
    """The checkpoints in a folder of them, the newest first."""
    return [path for path in _numbered(folder) if (path / STATE).is_file()]


def intact(folder: Path, run: str | None, names: Sequence[str]) -> tuple[Path, State]:
    """The newest checkpoint with all of the files as they were written; damaged ones that are newer are told.

    Args:
        folder: that holds the checkpoints of a run.
        run: the digest of the run's manifest.
        names: of the files.

    Raises:
        RunError: there is none, or all are damaged.
    """
    damages = []
    for path in complete(folder):
        try:
            state = State.read(path)
            if state.files is not None and state.run != run:
                raise RunError(f"{path}: is of another run than {folder.parent}; {CURE}")
            state.check_files(path, names)
        except RunError as damage:
            damages.append(damage)
            continue
        for found in damages:
            _tell(f"{str(found).removesuffix(f'; {CURE}')}; the checkpoint of epoch {state.epoch} is used instead")
        return path, state
    raise damages[0] if damages else RunError(f"{folder.parent}: the run has no checkpoint yet")


@cache
def _tell(line: str) -> None:
    """Once: who goes on with a run asks for its checkpoint more than once."""
    logging.getLogger(__name__).warning(line)


def begin(folder: Path, epoch: int) -> Path:
    """An empty folder for a checkpoint after an epoch."""
    path = folder / f"{epoch:06d}"
    remove(path)
    path.mkdir(parents=True)
    return path


def complete_with(path: Path, state: Mapping[str, Any], run: str | None) -> None:
    """Bind the files of a checkpoint together, then remove the older ones, and any newer ones that were damaged."""
    files = {name: digest_of_file(path / name) for name in TO_GO_ON if (path / name).exists()}
    content = State(int(path.name), state["env_steps"], state["updates"], run, files)
    write_sealed(path / STATE, asdict(content))
    kept = [other for other in complete(path.parent) if int(other.name) <= int(path.name)][:KEPT]
    for other in _numbered(path.parent):
        if other not in kept:
            remove(other)


def remove(path: Path) -> None:
    """Remove a checkpoint, such that no part of it is ever taken for one."""
    (path / STATE).unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


def _numbered(folder: Path) -> list[Path]:
    """What is named as a checkpoint is, the newest first; whatever else lies there is nobody's business."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _is_checkpoint(path)), key=lambda path: -int(path.name))


def _is_checkpoint(path: Path) -> bool:
    return _NAME.fullmatch(path.name) is not None and path.is_dir()
