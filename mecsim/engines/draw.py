"""Episodes of any kind of scenario."""

from typing import overload

from mecsim.engines.cell_draw import draw_cell_tapes
from mecsim.engines.cell_tape import CellTapes
from mecsim.engines.tape import Stream, Tapes, draw_tapes
from mecsim.scenario import AnyScenario, CellScenario, Scenario

AnyTapes = Tapes | CellTapes


@overload
def draw_episodes(scenario: Scenario, seed: int, first: int, count: int, stream: Stream = ...) -> Tapes: ...
@overload
def draw_episodes(scenario: CellScenario, seed: int, first: int, count: int, stream: Stream = ...) -> CellTapes: ...
@overload
def draw_episodes(scenario: AnyScenario, seed: int, first: int, count: int, stream: Stream = ...) -> AnyTapes: ...
def draw_episodes(
    scenario: AnyScenario, seed: int, first: int, count: int, stream: Stream = Stream.EVALUATION
) -> AnyTapes:
    """Episodes `first` .. `first + count − 1` of a stream of a seed."""
    if isinstance(scenario, CellScenario):
        return draw_cell_tapes(scenario, seed, first, count, stream)
    return draw_tapes(scenario, seed, first, count, stream)
