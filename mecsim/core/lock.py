"""One writer at a time: who writes a folder or a file holds its lock, and a second writer is refused.

The lock is one of the operating system on a file of its own, which tells who holds it. The system releases it when the
process ends, however it ends, so no lock is ever left behind by the dead; a file that a killed process leaves locks
nothing, and goes when the next writer is done. Readers ask for no lock.

Packages such as filelock leave their file behind; here it is gone when a writer is done, so that a folder holds results
and nothing else.
"""

import errno
import json
import os
import shlex
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from mecsim.core.files import is_stray
from mecsim.errors import MecsimError

LOCK = ".mecsim.lock"
"""The file in a folder that is written; beside a file that is written it is `.NAME.mecsim.lock`."""

_TOLD_BYTE = 2000
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)

_held: dict[str, int] = {}
"""Locks of this process with the thread that has them: it may ask for them again."""


@contextmanager
def writing_folder(folder: Path) -> Iterator[None]:
    """Meanwhile nobody else who asks may write in `folder`. It is made if it is not there, and goes if it stays empty.

    Raises:
        MecsimError: somebody else writes there; it says who.
        OSError: nothing can be written there.
    """
    there = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(folder / LOCK, folder):
            yield
    finally:
        if not there:
            with suppress(OSError):  # it holds something
                folder.rmdir()


@contextmanager
def writing_file(path: Path) -> Iterator[None]:
    """Meanwhile nobody else who asks may write `path`, in a folder that is there; as `writing_folder`."""
    with _locked(path.with_name(f".{path.name}{LOCK}"), path):
        yield


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing of anybody: a lock, strays, and folders of nothing else count as nothing."""
    return all(
        is_empty(entry) if entry.is_dir() and not entry.is_symlink() else entry.name == LOCK or is_stray(entry.name)
        for entry in folder.iterdir()
    )


@contextmanager
def _locked(lock: Path, written: Path) -> Iterator[None]:
    key, thread = os.path.realpath(lock), threading.get_ident()
    if _held.get(key) == thread:
        yield
        return
    descriptor = _acquired(lock, written)
    try:
        _held[key] = thread
        _tell(descriptor)
        yield
    finally:
        _held.pop(key, None)
        with suppress(OSError):  # while it is held: whoever opened it before will find that it is gone
            lock.unlink()
        os.close(descriptor)


def _acquired(lock: Path, written: Path) -> int:
    """The open file of a lock that is ours now."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            if not _try_lock(descriptor):
                cure = "wait until it has ended, or name another place"
                raise MecsimError(f"{written}: is being written by {_holder(descriptor)}; {cure}")
            if _is_file(descriptor, lock):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # of a writer who has just ended


def _is_file(descriptor: int, path: Path) -> bool:
    """Whether an open file still has that name. It is opened anew, as a network's file system then asks its server."""
    try:
        other = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return os.path.samestat(os.fstat(descriptor), os.fstat(other))
    finally:
        os.close(other)


def _tell(descriptor: int) -> None:
    """Write down who holds a lock; on a full disk it goes untold."""
    told = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "command": shlex.join([Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]])[: _TOLD_BYTE // 8],
    }
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(told).encode())


def _holder(descriptor: int) -> str:
    """Who has written that they hold a lock."""
    try:
        told = json.loads(os.read(descriptor, _TOLD_BYTE))
        pid, host, since, command = (str(told[name]) for name in ("pid", "host", "since", "command"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"
    shown = f"process {pid} on {host} since {since}: {command}"
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # far behind what it tells, which others may read
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        """Whether a lock is ours now, or there can be none: then a line says so."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            print("this file system has no locks: let nobody else write there meanwhile", file=sys.stderr)
        return True
