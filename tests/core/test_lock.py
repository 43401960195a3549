"""One writer at a time, and locks that nobody dead holds."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from mecsim.core.lock import LOCK, is_empty, writing_file, writing_folder
from mecsim.errors import InputError, MecsimError

HOLDER = """
import sys, time
from pathlib import Path
from mecsim.core.lock import writing_folder
with writing_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(1000)
"""


@contextmanager
def another(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that writes a folder."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def elsewhere(work: Callable[[], object]) -> str:
    """What a thread beside this one is refused with; nothing if it isn't."""
    said: list[str] = []

    def call() -> None:
        try:
            work()
        except MecsimError as error:
            said.append(str(error))

    thread = Thread(target=call)
    thread.start()
    thread.join()
    return "".join(said)


def enter(folder: Path) -> None:
    with writing_folder(folder):
        pass


def test_a_second_process_is_told_who_writes_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with another(out) as process:
        with pytest.raises(MecsimError) as caught:
            enter(out)
        assert not isinstance(caught.value, InputError), "it is no mistake: exit code 1"
        start, end = f"{out}: is being written by process {process.pid} on ", "has ended, or name another place"
        assert str(caught.value).startswith(start)
        assert f" UTC: {Path(sys.executable).name} -c" in str(caught.value)
        assert str(caught.value).endswith(end)
        process.send_signal(signal.SIGKILL)
    assert [path.name for path in out.iterdir()] == [LOCK]
    assert is_empty(out)
    enter(out)
    assert not list(out.iterdir()), "what the dead one left is gone"


def test_the_same_thread_may_ask_again_and_no_other(tmp_path: Path) -> None:
    with writing_folder(tmp_path):
        enter(tmp_path)
        assert (tmp_path / LOCK).exists(), "the outer one still has it"
        assert f"process {os.getpid()} on" in elsewhere(lambda: enter(tmp_path))
    assert not elsewhere(lambda: enter(tmp_path))


def test_a_folder_is_made_and_goes_if_it_stays_empty(tmp_path: Path) -> None:
    enter(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with writing_folder(tmp_path / "deep" / "er"):
        (tmp_path / "deep" / "er" / "file").touch()
        assert not is_empty(tmp_path / "deep" / "er")
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == ["file"]
    (tmp_path / "empty").mkdir()
    enter(tmp_path / "empty")
    assert (tmp_path / "empty").is_dir()


def test_files_are_locked_each(tmp_path: Path) -> None:
    def write(name: str) -> None:
        with writing_file(tmp_path / name):
            pass

    with writing_file(tmp_path / "log.csv"):
        assert elsewhere(lambda: write("log.csv")).startswith(f"{tmp_path / 'log.csv'}: is being written by")
        assert not elsewhere(lambda: write("other.csv"))
    assert not list(tmp_path.iterdir())


def test_who_waits_for_a_file_that_is_removed_asks_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of a file without a name is worth nothing."""
    from mecsim.core import lock as module

    original, calls = module._try_lock, []

    def late(descriptor: int) -> bool:
        calls.append(descriptor)
        if len(calls) == 1:
            (tmp_path / LOCK).unlink()  # by its holder, who has just ended
        return original(descriptor)

    monkeypatch.setattr(module, "_try_lock", late)
    with writing_folder(tmp_path):
        assert len(calls) == 2
        assert (tmp_path / LOCK).exists()


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / LOCK).symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        enter(tmp_path)
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("", "another process"),
        ("[1]", "another process"),
        ('{"pid": 1}', "another process"),
        ("[" * 2000, "another process"),
        (json.dumps({"pid": 7, "host": "a\x1b[2J", "since": "now", "command": "x\ny"}), "process 7 on a?[2J since now"),
    ],
)
def test_whatever_a_lock_tells_is_one_plain_line(tmp_path: Path, told: str, shown: str) -> None:
    with writing_folder(tmp_path):
        (tmp_path / LOCK).write_text(told)
        said = elsewhere(lambda: enter(tmp_path))
    assert f"is being written by {shown}" in said
    assert said.isprintable()


def test_a_full_disk_and_a_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*given: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def none(*given: object) -> int:
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with writing_folder(tmp_path):
            assert "by another process; wait" in elsewhere(lambda: enter(tmp_path))
    monkeypatch.setattr("mecsim.core.lock.fcntl.flock", none)
    enter(tmp_path)
    assert capsys.readouterr().err == "this file system has no locks: let nobody else write there meanwhile\n"
