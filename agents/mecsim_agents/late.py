"""What is imported at first use: PyTorch alone takes longer than all that is done before a training begins."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def late(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package that imports public names when they are asked for.

    `places` says for each name which module has it.
    """

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(places[name]), name)

    return get


def late_call(module: str, name: str) -> Callable[..., Any]:
    """Return a function that calls what a dotted name stands for in a module, which is imported at the first call."""

    def call(*given: Any, **named: Any) -> Any:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found(*given, **named)

    return call
