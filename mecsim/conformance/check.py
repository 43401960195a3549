"""All checks, and one call that makes them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mecsim.conformance import declared, engines, environments, policies
from mecsim.conformance.subject import Subject, subjects

CHECKS: Mapping[str, Callable[[Subject], None]] = MappingProxyType(
    {
        f"{module.__name__.rpartition('.')[2]}.{name}": check
        for module in (declared, engines, environments, policies)
        for name, check in vars(module).items()
        if callable(check) and not name.startswith("_") and getattr(check, "__module__", "") == module.__name__
    }
)
"""Each raises AssertionError with what a subject does not keep. A public function of a module of checks is one."""


def check_system(name: str) -> None:
    """Check everything about a system that has this name.

    Raises:
        AssertionError: what it does not keep, on which scenario and engine.
    """
    for subject in subjects(name):
        for called, check in CHECKS.items():
            try:
                check(subject)
            except AssertionError as error:
                raise AssertionError(f"{subject}: {called}: {error}") from error
