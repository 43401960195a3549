"""What there is by name: systems, laws, policies, agents, monitors, importers, built in or of other packages."""

from dataclasses import dataclass
from typing import Any

from mecsim_agents import LEARNERS

from mecsim.core.plugins import Registry
from mecsim.core.system import SYSTEMS
from mecsim.imports.base import IMPORTERS
from mecsim.people.forms.base import RATE_FORMS
from mecsim.physics.arrivals.base import ARRIVALS
from mecsim.physics.channel.base import CHANNELS
from mecsim.physics.delay_forms.base import DELAY_FORMS
from mecsim.physics.mobility.base import MOBILITY
from mecsim.policies.registry import NamedPolicy, policies_of_system
from mecsim.report.monitors import MONITORS


@dataclass(frozen=True, slots=True)
class Known:
    """Something that is known by a name."""

    sort: str  # systems, channels, ...
    name: str
    place: str  # package.module:name
    package: str  # that brought it
    systems: tuple[str, ...]  # that it is for; none for all


def known_plugins() -> list[Known]:
    """All of them: systems first, then laws, policies, agents, monitors and importers.

    Raises:
        InputError: a package's policies cannot be imported.
    """
    laws: dict[str, Registry[Any]] = {
        "channels": CHANNELS,
        "mobility": MOBILITY,
        "arrivals": ARRIVALS,
        "satisfaction": RATE_FORMS,
        "delay_satisfaction": DELAY_FORMS,
    }
    return [
        *_registered("systems", SYSTEMS),
        *(known for sort, registry in laws.items() for known in _registered(sort, registry)),
        *_policies(),
        *_agents(),
        *_registered("monitors", MONITORS),
        *_registered("imports", IMPORTERS),
    ]


def _registered(sort: str, registry: Registry[Any]) -> list[Known]:
    return [
        Known(sort, plugin.name, plugin.place, plugin.package, ())
        for offered in registry.offers.values()
        for plugin in offered
    ]


def _policies() -> list[Known]:
    """Policies of all systems, each once: a name may be another policy with another system."""
    players: dict[NamedPolicy, list[str]] = {}
    of_all = len(SYSTEMS.plugins)
    for system in SYSTEMS.plugins:
        for policy in policies_of_system(SYSTEMS.load(system)).values():
            players.setdefault(policy, []).append(system)
    return [
        Known(
            "policies",
            policy.name,
            policy.place,
            " and ".join((policy.package, *policy.rivals)),
            tuple(systems) if len(systems) < of_all else (),
        )
        for policy, systems in players.items()
    ]


def _agents() -> list[Known]:
    return [
        Known("agents", name, f"{made.__module__}:{made.__qualname__}", " and ".join(LEARNERS.origins(name)), ())
        for name, made in ((name, LEARNERS[name].config) for name in LEARNERS)
    ]
