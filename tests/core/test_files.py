"""The one way of writing: whole or not at all, in UTF-8; and that no source goes another."""

import ast
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mecsim_agents
import pytest

import mecsim
from mecsim.core.files import PARTIAL, atomic_write, is_stray, remove_partials, told_of, write_text

PACKAGES = (Path(mecsim.__file__).parent, Path(mecsim_agents.__file__).parent)
WRITES = {
    "write_text", "write_bytes", "savefig", "to_csv", "write_parquet", "write_ipc", "save_file", "savez",
    "savez_compressed", "savetxt", "copyfile", "copy", "copy2", "tofile", "saving", "rename", "replace", "dump",
}  # fmt: skip
"""Names of what writes, as methods of paths, figures, tables and modules."""

ELSEWHERE = {
    "core/files.py": "this way",
    "core/frames.py": "a table batch by batch, in this way entered as a context",
    "people/log_file.py": "into the place that whoever writes a log gives it",
    "report/events.py": "events that are added while a training runs",
    "mecsim_agents/checkpoint.py": "into the place that whoever saves an agent gives it",
}


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in package.rglob("*.py"))


def calls(path: Path) -> Iterator[tuple[ast.Call, bool]]:
    """All calls of methods, and whether each stands inside `with atomic_write(…)`."""

    def below(node: ast.AST, atomic: bool) -> Iterator[tuple[ast.Call, bool]]:
        if isinstance(node, ast.With):
            atomic = atomic or any("atomic_write" in ast.unparse(item.context_expr) for item in node.items)
        if isinstance(node, ast.Call):
            yield node, atomic
        for child in ast.iter_child_nodes(node):
            yield from below(child, atomic)

    yield from below(ast.parse(path.read_text(encoding="utf-8")), False)


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def mode_of(call: ast.Call) -> str | None:
    """Of what opens a file; None if that cannot be read in the source, such as of `webbrowser.open`."""
    named = [word.value for word in call.keywords if word.arg == "mode"]
    given = [*call.args[0 if isinstance(call.func, ast.Attribute) else 1 :], *named]
    modes = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return next((mode for mode in modes if set(mode) <= set("rwxabt+")), None)


def writes(call: ast.Call) -> bool:
    name = name_of(call)
    if name == "open":
        return bool(set(mode_of(call) or "r") & set("wxa+"))
    if name == "replace":  # of texts there are two arguments, of paths one; `dataclasses.replace` has keywords
        return isinstance(call.func, ast.Attribute) and len(call.args) == 1 and not call.keywords
    if name in ("copy", "dump") and not ast.unparse(call.func).startswith(("shutil.", "json.", "yaml.")):
        return False
    return (isinstance(call.func, ast.Attribute) or name == "save_file") and name in WRITES


def test_no_source_writes_another_way() -> None:
    found = []
    for path in sources():
        place = path.relative_to(PACKAGES[0] if PACKAGES[0] in path.parents else PACKAGES[1].parent).as_posix()
        for call, atomic in calls(path):
            to_memory = name_of(call) == "savefig" and ast.unparse(call.args[0]) == "file"
            if writes(call) and not atomic and not to_memory and place not in ELSEWHERE:
                found.append(f"{place}:{call.lineno}: {ast.unparse(call)[:80]}")
    assert not found


def test_every_text_names_its_encoding() -> None:
    found = []
    for path in sources():
        for call, _ in calls(path):
            named = any(word.arg == "encoding" for word in call.keywords)
            text = name_of(call) == "read_text" or (name_of(call) == "open" and "b" not in (mode_of(call) or "b"))
            text = text or (ast.unparse(call.func) == "open" and "b" not in (mode_of(call) or ""))
            if text and not named:
                found.append(f"{path}:{call.lineno}: {ast.unparse(call)[:80]}")
    assert not found


def test_a_file_is_there_as_a_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    write_text(path, "Büro 東京\n")
    assert path.read_bytes() == "Büro 東京\n".encode()
    with pytest.raises(KeyboardInterrupt):
        half_written(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.txt"]
    assert path.read_bytes() == "Büro 東京\n".encode()


def half_written(path: Path) -> None:
    with atomic_write(path) as partial:
        partial.write_text("half", encoding="utf-8")
        assert partial.suffix == ".txt"
        assert is_stray(partial.name)
        raise KeyboardInterrupt


def test_what_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        told.append("fsync")
        fsync(handle)

    def renamed(path: Path, to: Path) -> Path:
        told.append("rename")
        return replace(path, to)

    monkeypatch.setattr("mecsim.core.files.os.fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_text(tmp_path / "x", "x")
    assert told == ["fsync", "rename", "fsync"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_names_the_file_that_was_asked_for(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(OSError, match="No space left") as caught, atomic_write(tmp_path / "x.npz"):
        raise error
    assert caught.value.filename == str(tmp_path / "x.npz")
    told = told_of(caught.value)
    assert told.startswith(f"{tmp_path / 'x.npz'}: No space left on device; make room")
    assert not list(tmp_path.iterdir())


def test_partial_files_of_dead_processes_go_and_others_stay(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    with atomic_write(tmp_path / "x.csv") as mine:
        mine.write_text("x", encoding="utf-8")
        dead = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{int(done.stdout)}-"))
        foreign = mine.with_name(PARTIAL.sub(".0123456789ab-1-elsewhere.partial", mine.name))
        for path in (dead, foreign, tmp_path / "notes.partial"):
            path.write_text("x", encoding="utf-8")
        remove_partials(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {mine.name, foreign.name, "notes.partial"}
        os.utime(foreign, (0, 0))
        remove_partials(tmp_path)
        assert not foreign.exists()
    remove_partials(tmp_path / "absent")


def test_a_name_as_long_as_may_be_can_be_written(tmp_path: Path) -> None:
    write_text(tmp_path / ("x" * 255), "x")
    assert (tmp_path / ("x" * 255)).is_file()
