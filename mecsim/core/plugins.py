"""What is found by name: built in, or brought by another package through an entry point.

A registry holds places, `package.module:name`, and imports what stands there when it is asked for. So listing names is
cheap, and whoever adds something touches no file but a line of the table that a registry begins with, or none at all:
entry points of its group (`mecsim.systems`, say) are read from every installed package.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from mecsim.errors import InputError
from mecsim.schema.words import nearest

T = TypeVar("T")

BUILT_IN = "mecsim"


@dataclass(frozen=True)
class Reference(Generic[T]):
    """An object by its place, `package.module:name`; imported when it is asked for."""

    place: str

    def load(self) -> T:
        """The object itself."""
        module, _, name = self.place.partition(":")
        return cast(T, getattr(import_module(module), name))


@dataclass(frozen=True, slots=True)
class Plugin:
    """Where something that has a name stands, and which package brought it."""

    name: str
    place: str
    package: str  # that it came with: mecsim, or the name of a distribution


class Places:
    """Where things of one sort stand, by name: those of mecsim first.

    A name that two packages offer belongs to neither: which of them is meant cannot be known.
    """

    def __init__(self, group: str, built_in: Callable[[], Mapping[str, str]] = dict) -> None:
        """
        Args:
            group: of the entry points.
            built_in: tells the places of those that mecsim brings, by name.
        """
        self.group, self._built_in = group, built_in

    @cached_property
    def plugins(self) -> Mapping[str, Plugin]:
        """One of each name."""
        return {name: offered[0] for name, offered in self.offers.items()}

    @cached_property
    def offers(self) -> Mapping[str, Sequence[Plugin]]:
        """All of each name, of which there should be one."""
        found = {name: [Plugin(name, place, BUILT_IN)] for name, place in self._built_in().items()}
        for point in sorted(entry_points(group=self.group), key=lambda point: point.name):
            found.setdefault(point.name, []).append(Plugin(point.name, point.value, _package(point)))
        return found


class Registry(Generic[T]):
    """Things of one sort by name, imported when they are asked for."""

    def __init__(self, noun: str, places: Places) -> None:
        """`noun`: what one of them is called in messages."""
        self.noun, self._places = noun, places

    @property
    def plugins(self) -> Mapping[str, Plugin]:
        """Where they stand, by name."""
        return self._places.plugins

    @property
    def offers(self) -> Mapping[str, Sequence[Plugin]]:
        """The same with all packages that offer a name."""
        return self._places.offers

    def load(self, name: str) -> T:
        """What has this name.

        Raises:
            InputError: nothing has, several packages offer it, or what another package brought cannot be imported.
        """
        if name not in self.plugins:
            raise InputError(f"no {self.noun} is called {name!r}, {nearest(name, self.plugins)}")
        self.check_one(name, [plugin.package for plugin in self.offers.get(name, ())])
        return self.load_from(self.plugins[name])

    def load_from(self, plugin: Plugin) -> T:
        """What stands at a place.

        Raises:
            InputError: what another package brought cannot be imported.
        """
        try:
            return Reference[T](plugin.place).load()
        except (ImportError, AttributeError) as error:
            if plugin.package == BUILT_IN:
                raise
            told = f"{self.noun} {plugin.name!r} of the package {plugin.package} cannot be imported from {plugin.place}"
            raise InputError(f"{told}: {error}; mend or remove that package") from error

    def check_one(self, name: str, packages: Sequence[str]) -> None:
        """Refuse a name that several packages offer.

        Raises:
            InputError: they are named.
        """
        if len(packages) > 1:
            raise InputError(f"{self.noun} {name!r} is offered by {' and '.join(packages)}; keep one of these packages")


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value.partition(".")[0].partition(":")[0]


SYSTEM_PLACES = Places("mecsim.systems", lambda: Reference[Mapping[str, str]]("mecsim.systems:BUILT_IN").load())
"""Kept apart from the systems themselves, as environments are registered by name when mecsim is imported."""
