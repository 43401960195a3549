"""All algorithms by name: those of this package, and those that installed packages name in their entry points."""

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from mecsim_agents import dqn, sac
from mecsim_agents.config import no_such
from mecsim_agents.learner import Algorithm

GROUP = "mecsim.agents"
BUILT_IN = {algorithm.name: algorithm for algorithm in (sac.ALGORITHM, dqn.ALGORITHM)}


class PluginError(ValueError):
    """An installed package offers an algorithm that cannot be used."""


class Learners(Mapping[str, Algorithm]):
    """A mapping from names to algorithms. Names are known without importing anyone's package."""

    def __getitem__(self, name: str) -> Algorithm:
        """Return the algorithm of that name.

        Raises KeyError for a name that there is not (`find` has a message for users), PluginError for a package that
        cannot be used.
        """
        offered = [entry for entry in entry_points(group=GROUP) if entry.name == name]
        if name in BUILT_IN and not offered:
            return BUILT_IN[name]
        if not offered:
            raise KeyError(name)
        if name in BUILT_IN or len(offered) > 1:
            raise PluginError(
                f"agent {name}: offered by {' and '.join(self.origins(name))}; keep one of these packages"
            )
        return _loaded(offered[0])

    def __iter__(self) -> Iterator[str]:
        """Built-in ones first."""
        return iter(dict.fromkeys([*BUILT_IN, *sorted(entry.name for entry in entry_points(group=GROUP))]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def find(self, name: str) -> Algorithm:
        """Return the algorithm of that name; ValueError with the nearest name if there is none."""
        try:
            return self[name]
        except KeyError:
            raise ValueError(f"{name}: {no_such('agent', name, self)}") from None

    def origins(self, name: str) -> list[str]:
        """Return the packages that offer an algorithm of that name."""
        own = ["mecsim_agents"] if name in BUILT_IN else []
        return own + [_package(entry) for entry in entry_points(group=GROUP) if entry.name == name]


LEARNERS = Learners()
"""Algorithms by name, those of other packages included."""


def _loaded(entry: EntryPoint) -> Algorithm:
    told = f"package {_package(entry)}: its agent {entry.name} ({entry.value})"
    try:
        found = entry.load()
    except Exception as error:  # whatever someone's module does when it is imported
        reason = (str(error).splitlines() or [""])[0]
        raise PluginError(f"{told} cannot be imported: {type(error).__name__}: {reason}") from error
    if not isinstance(found, Algorithm):
        raise PluginError(f"{told} is no mecsim_agents.Algorithm but a {type(found).__name__}")
    if found.name != entry.name:
        raise PluginError(f"{told} calls itself {found.name}; the entry point needs the same name")
    return found


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "an unknown package"
