"""Policies by name: a file and a decorator each.

Those of mecsim stand in `mecsim.policies`, for every system, and in the package `policies` of a system, for that one.
Other packages name theirs by entry points `mecsim.policies`. Names are read from the text of these files, so that a
misspelt one is told before anything is compiled.
"""

import os
import pkgutil
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

from mecsim.core.plugins import BUILT_IN, Places, Plugin, Reference, Registry
from mecsim.core.scenario import Scenario
from mecsim.core.sources import package_digest
from mecsim.core.system import AnySystem, system_of
from mecsim.errors import InputError
from mecsim.policies.policy import Policy, PolicyFactory
from mecsim.schema.words import nearest

Maker = TypeVar("Maker", bound=Callable[..., object])

_MARK = "__mecsim_policies__"
_DECORATED = re.compile(r"""^@policy\(\s*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy with a name."""

    name: str
    about: str  # a line
    systems: tuple[str, ...]  # that it plays; none for all
    costly: bool  # whether it is fitted for minutes before it first acts
    make: Callable[[Scenario, int], Policy]
    package: str = BUILT_IN
    rivals: tuple[str, ...] = ()  # other packages that offer one of this name to the same system

    @property
    def place(self) -> str:
        """Where what makes it stands, `package.module:name`."""
        return f"{self.make.__module__}:{self.make.__qualname__}"

    def plays(self, system: str) -> bool:
        """Whether it is meant for a system."""
        return not self.systems or system in self.systems


def policy(name: str, about: str, systems: Collection[str] = (), costly: bool = False) -> Callable[[Maker], Maker]:
    """Name a policy: decorates what makes one of a scenario and a seed, a class or a function.

    What has to be fitted is fitted when the policy first acts.

    Args:
        name: by which commands know it, written out: `policy_names` reads it there.
        about: a line about it.
        systems: that it plays, all if none are named; in the package of a system that one.
        costly: whether it is fitted for minutes before it first acts.
    """

    def named(make: Maker) -> Maker:
        module = sys.modules[make.__module__]
        entries = vars(module).setdefault(_MARK, [])
        maker = cast(Callable[[Scenario, int], Policy], make)
        entries.append(NamedPolicy(name, about, tuple(systems), costly, maker))
        return make

    return named


_PLUGINS: Registry[object] = Registry("policy", Places("mecsim.policies"))


def policies_of(scenario: Scenario) -> Mapping[str, NamedPolicy]:
    """The policies that play a scenario, by name: those of every system, of its own, and of other packages."""
    return policies_of_system(system_of(scenario))


def policies_of_system(system: AnySystem) -> Mapping[str, NamedPolicy]:
    """The policies that play the scenarios of a system, by name."""
    return _policies(system.name, system.package)


@lru_cache(maxsize=32)
def _policies(system: str, package: str) -> dict[str, NamedPolicy]:
    modules = [import_module(f"{place}.{path.stem}") for place, path in _files(package)]
    found = {entry.name: entry for module in modules for entry in named_in(module)}
    for plugin in (plugin for offered in _PLUGINS.offers.values() for plugin in offered):
        entry = _of_plugin(plugin)
        if entry.plays(system):
            first = found.setdefault(entry.name, entry)
            if first is not entry:
                found[entry.name] = replace(first, rivals=(*first.rivals, entry.package))
    return found


def policy_names(system: AnySystem) -> frozenset[str]:
    """The names that policies of a system have, without importing these; all those of other packages, too."""
    texts = (path.read_text(encoding="utf-8") for _, path in _files(system.package))
    return frozenset(name for text in texts for name in _DECORATED.findall(text)) | _PLUGINS.offers.keys()


def _files(package: str) -> list[tuple[str, Path]]:
    """The files in which mecsim and the package of a system name policies, each with the package it is in."""
    own = f"{package}.policies"
    return [
        (place, Path(folder) / f"{info.name}.py")
        for place in ("mecsim.policies", *([own] if find_spec(own) else []))
        for folder in import_module(place).__path__
        for info in pkgutil.iter_modules([folder])
        if not info.ispkg
    ]


def named_in(module: ModuleType) -> list[NamedPolicy]:
    """The policies that a module names by `policy`, in its order."""
    return list(vars(module).get(_MARK, ()))


def _of_plugin(plugin: Plugin) -> NamedPolicy:
    """What an entry point stands for, with what its decorator told, if it has one."""
    name, package = plugin.name, plugin.package
    made = _PLUGINS.load_from(plugin)
    if not callable(made):
        raise InputError(f"policy {name!r} of the package {package}: expected a class or function of scenario and seed")
    told = [entry for entry in named_in(sys.modules[made.__module__]) if entry.make is made]
    if told:
        return replace(told[0], name=name, package=package)
    return NamedPolicy(name, (made.__doc__ or "").partition("\n")[0], (), False, made, package)


def named_policy(name: str, scenario: Scenario) -> PolicyFactory:
    """The policy of a name, ready for a scenario. What has to be fitted is fitted when it first acts.

    Raises:
        InputError: there is no such policy, or several packages offer it.
    """
    known = policies_of(scenario)
    if name not in known:
        raise InputError(f"no policy of {scenario.kind} is called {name!r}, {nearest(name, known)}")
    _PLUGINS.check_one(name, [known[name].package, *known[name].rivals])
    return partial(known[name].make, scenario)


def is_place(target: str) -> bool:
    """Whether a text names an object, as `package.module:name`."""
    module, colon, name = target.partition(":")
    return bool(colon) and name.isidentifier() and all(part.isidentifier() for part in module.split("."))


def policy_at(place: str, scenario: Scenario) -> PolicyFactory:
    """The policy at `package.module:name`: one that is ready, or what makes one of a scenario and a seed.

    Modules of the working folder are found, too.

    Raises:
        InputError: there is nothing, or no policy.
    """
    made = object_at(place)
    if isinstance(made, type) or not hasattr(made, "act"):
        if not callable(made):
            raise InputError(f"{place}: is no policy, expected an object with act, or what makes one")
        return partial(_made_by, made, place, scenario)
    return lambda seed: cast(Policy, made)


def _made_by(make: Callable[..., object], place: str, scenario: Scenario, seed: int) -> Policy:
    try:
        made: Any = make(scenario, seed)
    except TypeError as error:
        raise InputError(f"{place}: cannot be made of a scenario and a seed: {error}") from error
    if not callable(getattr(made, "act", None)):
        raise InputError(f"{place}: makes no policy, expected an object with act(episodes, observation, preference)")
    return cast(Policy, made)


def code_of(place: str) -> str:
    """A digest of the code of the package, or of the module, that holds the object at `package.module:name`.

    Raises:
        InputError: there is none.
    """
    object_at(place)
    return package_digest(place.partition(":")[0].partition(".")[0])


def object_at(place: str) -> object:
    """What stands at `package.module:name`; modules of the working folder are found, too.

    Raises:
        InputError: there is nothing.
    """
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        return Reference[object](place).load()
    except (ImportError, AttributeError) as error:
        raise InputError(f"{place}: cannot be imported: {error}; name package.module:Object") from error
    finally:
        sys.path.remove(here)
