"""All checks, and one call that makes them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mecsim.conformance import declared, engines, environments, policies, shown
from mecsim.conformance.subject import Subject, subjects
from mecsim.core.system import SYSTEMS

CHECKS: Mapping[str, Callable[[Subject], None]] = MappingProxyType(
    {
        f"{module.__name__.rpartition('.')[2]}.{name}": check
        for module in (declared, engines, environments, policies, shown)
        for name, check in vars(module).items()
        if callable(check) and not name.startswith("_") and getattr(check, "__module__", "") == module.__name__
    }
)
"""Each raises AssertionError with what a subject does not keep. A public function of a module of checks is one."""


LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "unit_values": "sweeps tell no quantiles over tasks or requests",
        "option_quantities": "sweeps and reports tell no shares of the options",
        "timeline": "reports show no episodes",
        "scene": "environments cannot be rendered",
    }
)
"""What a system may leave out, and what there is not without it."""


def check_system(name: str) -> list[str]:
    """Check everything about a system that has this name.

    Returns:
        A line for each part that it leaves out, with what that costs.

    Raises:
        AssertionError: what it does not keep, on which scenario and engine.
    """
    for subject in subjects(name):
        for called, check in CHECKS.items():
            try:
                check(subject)
            except AssertionError as error:
                raise AssertionError(f"{subject}: {called}: {error}") from error
    system = SYSTEMS.load(name)
    return [f"{name}: has no {part}: {cost}" for part, cost in LEFT_OUT.items() if getattr(system, part) is None]
