"""Files: the one way in which they are written, digests of what they hold, and those by which a run's folder is known.

A file is there as a whole or as it was before, whatever happens meanwhile: the text goes to a file beside it, which is
brought to the disk and then renamed.
"""

import errno
import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

MAX_RUNS = 1000
"""In a folder of several."""

RUN_INDEXES = ("config.yaml", "policies.yaml", "seeds.yaml")
"""A folder with one of these claims to be a run, or to hold several."""

PARTIAL = re.compile(r"\.[0-9a-f]{12}-(\d+)-(\w*)\.partial(\..*)?", re.DOTALL)
"""What is being written, or was when its process died: of which process, and on which machine."""

FOREIGN_S = 86_400.0
"""So old is what a process on another machine began to write and will not end."""

FULL, TOO_MANY = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), (errno.EMFILE, errno.ENFILE)
NO_PLACES_FAULT = (*FULL, *TOO_MANY, errno.EIO)
"""What another place would not change."""

_CURES = {
    FULL: (
        "; make room and give the command again, with --resume where it has one, else with --force; what was written "
        "before is whole"
    ),
    TOO_MANY: "; let a process open more files (ulimit -n) and give the command again",
    (errno.EACCES, errno.EPERM, errno.EROFS): "; name a place that may be read and written",
}

_STRAYS = re.compile(r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|.*~|\.nfs.*|\.~lock\..*|\..*\.sw[a-p]", re.DOTALL)
"""What systems and editors leave beside the files of others."""


def is_run(folder: Path) -> bool:
    """Whether a folder claims to be a run, or to hold several. Asked for every name that might be one of a policy."""
    return any(os.path.isfile(folder / name) for name in RUN_INDEXES)  # false, too, for names that are too long


# Writing


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A place beside `path`, of the same ending, to write to; use as a context. Once all is on the disk it is renamed.

    If anything goes wrong what was written is removed, and an earlier file of that name stays. The place is of this
    process, so several may write the same file: the last one wins.

    Raises:
        OSError: it cannot be written.
    """
    name = digest_of_bytes(path.name.encode(errors="surrogateescape"))[:12]  # never longer than a name may
    partial = path.with_name(f".{name}-{os.getpid()}-{_machine()}.partial{path.suffix}")
    try:
        yield partial
        _to_disk(partial)
        partial.replace(path)
        _to_disk(path.parent)
    except Exception as error:
        failed = _of_system(error)
        if failed is None or failed.filename not in (None, str(partial), partial):
            raise
        failed.filename = str(path)  # that was asked for
        raise failed from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file. Raises OSError if it cannot be written."""
    with atomic_write(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a whole text as UTF-8, its lines ended as they are. Raises OSError if it cannot be written."""
    write_bytes(path, text.encode(errors="surrogateescape"))


def _of_system(error: Exception) -> OSError | None:
    """What the system told, if it is at the root of an error; libraries in Rust tell it in words."""
    if isinstance(error, OSError):
        return error if error.errno is not None else None
    number = re.search(r"os error (\d+)", str(error))
    return None if number is None else OSError(int(number[1]), os.strerror(int(number[1])))


def told_of(error: OSError) -> str:
    """What a user is told of what the system refused: the place, the cause, and the cure where there is one."""
    cause = error.strerror or str(error)
    place = f"{error.filename}: " if error.filename else ""
    cure = next((cure for numbers, cure in _CURES.items() if error.errno in numbers), "")
    return f"{place}{cause}{cure}"


def remove_partials(folder: Path) -> None:
    """Remove what dead processes began to write into a folder."""
    for path in _entries(folder):
        found = PARTIAL.fullmatch(path.name)
        if found and _is_dead(path, int(found[1]), found[2]):
            with suppress(OSError):
                path.unlink()


def is_stray(name: str) -> bool:
    """Whether a file of that name is of nobody here: an editor's, a desktop's, or what was being written."""
    return bool(_STRAYS.fullmatch(name) or PARTIAL.fullmatch(name))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_dead(path: Path, process: int, machine: str) -> bool:
    if machine != _machine():
        with suppress(OSError):
            return time.time() - path.stat().st_mtime > FOREIGN_S
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it is somebody else's
        return False
    return False


def _machine() -> str:
    return re.sub(r"\W", "_", socket.gethostname(), flags=re.ASCII)[:32]


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; some file systems know no such thing of folders."""
    folder = path.is_dir()
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        if folder:
            return
        raise
    try:
        os.fsync(handle)
    except OSError:
        if not folder:
            raise
    finally:
        os.close(handle)


# Digests


def digest_of_bytes(content: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_of_file(path: Path) -> str:
    """The same of a file's content; of a file that has not changed since it was last asked for, from memory.

    Raises:
        OSError: it cannot be read.
    """
    stat = path.stat()
    return _digest_of_file(path, stat.st_ino, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _digest_of_file(path: Path, inode: int, mtime_ns: int, size_byte: int) -> str:
    """What comes after `path` tells versions of a file apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
