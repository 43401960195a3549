"""A kernel is kept for as long as it is what its source says, and wherever something can be kept."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mecsim.core import kernel_cache
from mecsim.core.compiled import compiled, kernel
from mecsim.core.kernel_cache import digest_of, kernel_folder
from mecsim.errors import InputError

SOURCE = '''
from types import ModuleType
from typing import NamedTuple
import numpy as np
from mecsim.core.compiled import compiled, kernel

FACTOR = 3.0
TABLE = np.array([1.0, 2.0])
UNUSED = 1.0
beyond = ModuleType("beyond")
beyond.LIMIT = 4.0
beyond.OTHER = 5.0

class Pair(NamedTuple):
    first: float
    second: float

@compiled
def helper(x):
    """Nothing."""
    return Pair(x, FACTOR).first * FACTOR * TABLE[0]

@compiled
def limited(x):
    return min(x, beyond.LIMIT)

@compiled
def stranger(x):
    return x + 1.0

@kernel
def asked(values, first, last):
    for n in range(first, last):
        values[n] = helper(values[n])
'''


def _digest(source: str, name: str = "asked") -> str:
    module = ModuleType("someones")
    exec(compile(source, "someones.py", "exec"), vars(module))
    return digest_of(getattr(module, name).py_func, {})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FACTOR = 3.0", "FACTOR = 3.5"),
        ("* FACTOR", "+ FACTOR"),
        ("helper(values[n])", "helper(values[n]) + 1.0"),
        ("    second: float", "    other: float"),
        ("helper(values[n])", "stranger(values[n])"),
        ("helper(values[n])", "limited(values[n])"),
        ("[1.0, 2.0]", "[1.0, 3.0]"),
    ],
)
def test_what_a_kernel_is_made_of_changes_its_digest(before: str, after: str) -> None:
    assert _digest(SOURCE) == _digest(SOURCE)
    assert _digest(SOURCE.replace(before, after)) != _digest(SOURCE)


def test_a_literal_in_a_helper_counts() -> None:
    """Its instructions are the same, whatever the number is."""
    of_stranger = SOURCE.replace("helper(values[n])", "stranger(values[n])")
    assert _digest(of_stranger.replace("x + 1.0", "x + 2.0")) != _digest(of_stranger)


def test_a_constant_of_another_module_counts() -> None:
    of_limited = SOURCE.replace("helper(values[n])", "limited(values[n])")
    assert _digest(of_limited.replace("LIMIT = 4.0", "LIMIT = 6.0")) != _digest(of_limited)
    assert _digest(of_limited.replace("OTHER = 5.0", "OTHER = 6.0")) == _digest(of_limited)


@pytest.mark.parametrize(
    ("before", "after"),
    [("UNUSED = 1.0", "UNUSED = 2.0"), ("x + 1.0", "x + 2.0"), ("FACTOR = 3.0", "\n\n# moved\nFACTOR = 3.0")],
)
def test_nothing_else_does(before: str, after: str) -> None:
    assert _digest(SOURCE.replace(before, after)) == _digest(SOURCE)


def test_the_kernels_of_the_engines_depend_on_how_their_servers_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also through what is chosen by type."""
    from mecsim.systems.offload import batched, dynamics, plain

    step = batched._step.py_func  # type: ignore[attr-defined]
    before = digest_of(step, {})
    assert digest_of(step, {}) == before
    other = {**dynamics.advance_one.helpers}  # type: ignore[attr-defined]
    [key] = [spec for spec, helper in other.items() if helper is plain.advance_one]
    monkeypatch.setattr(dynamics.advance_one, "helpers", {**other, key: plain.work_bit})
    assert digest_of(step, {}) != before


PLAYED = """
import sys
import numpy as np
from mecsim.core.watch import watched
sys.path.insert(0, sys.argv[1])
import someones
values = np.arange(3.0)
with watched(lambda kernel, ready: print("compiled", kernel) if ready else None):
    someones.asked(values, 0, 3)
print(values.tolist())
"""


def _play(folder: Path, source: str) -> list[str]:
    (folder / "someones.py").write_text(source, encoding="utf-8")
    os.utime(folder / "someones.py", (4e9, 4e9))  # dates do not matter
    environment = {**os.environ, "MECSIM_CACHE_DIR": str(folder / "kept"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PLAYED, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_kernel_is_compiled_once_and_again_after_an_edit(tmp_path: Path) -> None:
    assert _play(tmp_path, SOURCE) == ["compiled asked", "[0.0, 3.0, 6.0]"]
    assert _play(tmp_path, SOURCE) == ["[0.0, 3.0, 6.0]"]
    edited = SOURCE.replace("FACTOR = 3.0", "FACTOR = 5.0")
    assert _play(tmp_path, edited) == ["compiled asked", "[0.0, 5.0, 10.0]"]
    assert _play(tmp_path, edited) == ["[0.0, 5.0, 10.0]"]


NAMED = """
from typing import NamedTuple
import numpy as np
from mecsim.core.compiled import kernel

class Pair(NamedTuple):
    values: np.ndarray

@kernel
def filled(pair, first, last):
    for n in range(first, last):
        pair.values[n] = 7.0

def asked(values, first, last):
    filled(Pair(values), first, last)
"""


def test_kernels_of_types_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    assert _play(tmp_path, NAMED) == ["compiled filled", "[7.0, 7.0, 7.0]"]
    renamed = NAMED.replace("Pair", "Couple")
    assert _play(tmp_path, renamed) == ["compiled filled", "[7.0, 7.0, 7.0]"]
    assert _play(tmp_path, renamed) == ["[7.0, 7.0, 7.0]"]


def test_the_folder_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECSIM_CACHE_DIR", str(tmp_path / "new" / "kept"))
    found = kernel_folder.__wrapped__()
    assert found.parent == tmp_path / "new" / "kept"
    assert found.is_dir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MECSIM_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"^MECSIM_CACHE_DIR=.*file: cannot be written; name a folder"):
        kernel_folder.__wrapped__()


def test_a_read_only_installation_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("MECSIM_CACHE_DIR", raising=False)
    monkeypatch.setattr(kernel_cache, "_usable", lambda folder: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = kernel_folder.__wrapped__()
    assert first.parent == tmp_path
    assert first.stat().st_mode & 0o777 == 0o700
    assert kernel_folder.__wrapped__() == first, "what is compiled now is there next time"
    assert caplog.messages[0] == (
        f"compiled kernels are kept in {first}, as no better folder can be written; MECSIM_CACHE_DIR names one"
    )
    first.chmod(0o777)  # somebody else could have put kernels there
    assert kernel_folder.__wrapped__() != first


def test_python_cannot_call_a_helper() -> None:
    """It has no entry for it, and would end the process."""

    @compiled
    def helper(x: float) -> float:
        return 2.0 * x

    @kernel
    def asked(x: float) -> float:
        return helper(x)

    assert asked(3.0) == 6.0
    with pytest.raises(TypeError, match=r"helper is a helper of kernels; Python cannot call it$"):
        helper(np.pi)
