"""What can be played: names of policies, runs, and policies written in Python."""

from pathlib import Path
from typing import Protocol

from mecsim.errors import InputError
from mecsim.policies.registry import is_place


class InFolder(Protocol):
    """A run, or several."""

    @property
    def folder(self) -> Path: ...


Target = str | Path | InFolder | type
"""A policy's name, `package.module:Object`, a run or its folder, or a class or function that makes a policy of a
scenario and a seed; with `+planK` after a name it plans."""


def target_name(target: Target) -> str:
    """How commands would name it.

    Raises:
        InputError: it is a policy that cannot be found by its name, as one made inside a function.
    """
    if isinstance(target, str | Path):
        return str(target)
    if hasattr(target, "folder"):
        return str(target.folder)
    module, name = getattr(target, "__module__", ""), getattr(target, "__qualname__", "")
    if not callable(target) or not is_place(f"{module}:{name}"):
        told = name or f"a {type(target).__name__}"
        raise InputError(
            f"{told}: is no target; give a name, a run, or a class or function at the top level of a module or notebook"
        )
    return f"{module}:{name}"


def is_here(name: str) -> bool:
    """Whether a target was written in the session itself, so that other processes cannot import it."""
    return name.startswith("__main__:")
