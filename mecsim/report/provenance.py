"""Where a result comes from: versions, revision, hardware."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mecsim.core.sources import code_digest, installed_version

PROJECT = Path(__file__).resolve().parents[2]
"""The checkout that this package runs from, if it runs from one."""

PACKAGES = ("gymnasium", "numba", "numpy", "pymoo", "simpy", "torch")


def provenance() -> dict[str, Any]:
    """What has to be known to judge or repeat a measurement."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: installed_version(name) for name in ("mecsim", *PACKAGES)},
        },
        "git_revision": _git_revision(),
        "code": code_digest(),
        "hardware": {"processor": _processor(), "cores": os.cpu_count(), "gpus": _gpus(), "system": platform.system()},
    }


def command_told(arguments: Sequence[str]) -> str:
    """A command as it is recorded: no path of this machine in it.

    Absolute paths, alone or behind an option's `=`, are told from the project's folder on, or by their last name.
    """
    return shlex.join(map(_path_told, arguments))


def _path_told(argument: str) -> str:
    option, equals, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    path = Path(value)
    if not path.is_absolute():
        return argument
    return f"{option}{equals}{path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path.name}"


def _git_revision() -> str | None:
    """The commit of the checkout that this package runs from, if it runs from one; `+` marks uncommitted changes."""
    if not (PROJECT / ".git").exists():
        return None
    try:
        revision = _git(PROJECT, "rev-parse", "HEAD")
        return revision + ("+" if _git(PROJECT, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


def _gpus() -> list[str]:
    """What CUDA can use. Not asked where torch was not needed: loading it would take longer than most commands."""
    torch = sys.modules.get("torch")
    return [] if torch is None else [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
