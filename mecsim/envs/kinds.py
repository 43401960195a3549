"""Which episodes a scenario has."""

from typing import Any, overload

from mecsim.envs.episodes import EngineName, Episodes
from mecsim.envs.offload import OffloadEpisodes
from mecsim.envs.personalize import CellEpisodes
from mecsim.scenario import AnyScenario, CellScenario, Scenario


@overload
def new_episodes(scenario: Scenario, engine: EngineName) -> OffloadEpisodes: ...
@overload
def new_episodes(scenario: CellScenario, engine: EngineName) -> CellEpisodes: ...
@overload
def new_episodes(scenario: AnyScenario, engine: EngineName) -> Episodes[Any, Any, Any]: ...
def new_episodes(scenario: AnyScenario, engine: EngineName) -> Episodes[Any, Any, Any]:
    """Episodes of a scenario on an engine, none of them begun.

    Raises:
        InputError: there is no such engine.
    """
    return CellEpisodes(scenario, engine) if isinstance(scenario, CellScenario) else OffloadEpisodes(scenario, engine)
