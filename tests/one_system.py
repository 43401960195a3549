"""The types of one system: what serves every system hands out what any has in common, tests of one want its own."""

from pathlib import Path
from typing import cast

from mecsim.core.episodes import EngineName, Play
from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes
from mecsim.policies import Policy, PolicyOf, play
from mecsim.policies.policy import Preferences
from mecsim.scenario import Scenario, load_scenario, parse_scenario
from mecsim.systems.cells.episodes import CellsEpisodes
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes
from mecsim.systems.offload.episodes import OffloadEpisodes
from mecsim.systems.offload.records import OffloadRecords
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes

OffloadPlay = Play[OffloadScenario, OffloadTapes, OffloadRecords]
OffloadPolicy = Policy | PolicyOf[OffloadEpisodes]
CellsPlay = Play[CellsScenario, CellsTapes, CellsRecords]
CellsPolicy = Policy | PolicyOf[CellsEpisodes]


def offload_scenario(source: str | Path | Scenario) -> OffloadScenario:
    """`load_scenario`, which finds one of offloading."""
    scenario = load_scenario(source)
    assert isinstance(scenario, OffloadScenario)
    return scenario


def parse_offload(text: str) -> OffloadScenario:
    """`parse_scenario`, which finds one of offloading."""
    scenario = parse_scenario(text)
    assert isinstance(scenario, OffloadScenario)
    return scenario


def cells_scenario(source: str | Path | Scenario) -> CellsScenario:
    """`load_scenario`, which finds one of cells."""
    scenario = load_scenario(source)
    assert isinstance(scenario, CellsScenario)
    return scenario


def draw_cells(
    scenario: CellsScenario, seed: int, first: int, count: int, stream: Stream = Stream.EVALUATION
) -> CellsTapes:
    """`draw_episodes` of cells."""
    tapes = draw_episodes(scenario, seed, first, count, stream)
    assert isinstance(tapes, CellsTapes)
    return tapes


def play_offload(
    policy: OffloadPolicy,
    scenario: OffloadScenario,
    tapes: OffloadTapes,
    preference: Preferences,
    engine: EngineName = "batched",
) -> OffloadPlay:
    """`play` for policies of any system or of offloading alone."""
    return cast(OffloadPlay, play(cast(Policy, policy), scenario, tapes, preference, engine))


def play_cells(
    policy: CellsPolicy,
    scenario: CellsScenario,
    tapes: CellsTapes,
    preference: Preferences,
    engine: EngineName = "batched",
) -> CellsPlay:
    """`play` for policies of any system or of cells alone."""
    return cast(CellsPlay, play(cast(Policy, policy), scenario, tapes, preference, engine))
