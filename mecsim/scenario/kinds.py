"""The kinds of scenarios, by the word that a file names them with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mecsim.scenario.cell import CellScenario
from mecsim.scenario.model import Scenario

AnyScenario = Scenario | CellScenario

KINDS: Mapping[str, type[AnyScenario]] = MappingProxyType({"offload": Scenario, "personalize": CellScenario})


def kind_of(root: Mapping[str, Any]) -> type[AnyScenario]:
    """What the plain values of a scenario want to be; an offloading scenario where they do not say."""
    kind = root.get("kind")
    return KINDS.get(kind, Scenario) if isinstance(kind, str) else Scenario
