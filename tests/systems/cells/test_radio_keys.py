"""Keys of the radio that belong together, whichever channel model cells name."""

import pytest

from mecsim.errors import ScenarioError
from mecsim.scenario import parse_scenario, with_context
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes
from tests.one_system import cells_scenario, draw_cells

HEAD = "mecsim: 1\nkind: cells\n"


def test_files_that_list_all_keys_load() -> None:
    """As files were written when cells had no other model."""
    listed = "{model: umi, carrier: 2 GHz, tx_power: 20 W, noise_figure: 9 dB, base_station_height: null, "
    radio = listed + "user_height: 1.5 m, fading: rayleigh, interference: true}"
    assert parse_scenario(f"{HEAD}radio: {radio}\n") == parse_scenario(f"{HEAD}radio: {{model: umi}}\n")


@pytest.mark.parametrize(
    ("radio", "problem"),
    [
        ("{shadowing: 3 dB}", "shadowing: has no meaning here, expected model: gmorl or rayleigh or the default"),
        ("{model: rayleigh, carrier: 3.5 GHz}", "carrier: has no meaning here, expected model: uma or umi or the"),
        ("{model: umx}", "model: expected 'gmorl', 'rayleigh', 'uma' or 'umi', got 'umx'"),
        ("{carier: 3.5 GHz}", "carier: unknown key, did you mean 'carrier'?"),
        ("{model: umi, user_height: 30 m}", "user_height: umi expects a height from 1.5 to 22.5 m"),
    ],
)
def test_keys_that_do_not_belong_there(radio: str, problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"{HEAD}radio: {radio}\n")
    (found,) = caught.value.problems
    assert found.startswith(f"scenario:3: radio.{problem}")


def test_a_default_of_cells_is_theirs() -> None:
    scenario = cells_scenario("personalized-quick")
    assert isinstance(scenario, CellsScenario)
    assert scenario.radio.law.model_dump()["carrier_hz"] == 2e9


@pytest.mark.parametrize(
    ("model", "power"), [("gmorl", "1e-16 W"), ("rayleigh", "20 W"), ("uma", "20 W"), ("umi", "20 W")]
)
def test_cells_take_any_model(model: str, power: str) -> None:
    """Users of small cells have better links than those of large ones; the law of gmorl needs next to no power."""

    def tapes(distance: str) -> CellsTapes:
        changes = {"radio.model": model, "radio.tx_power": power, "cells.distance": distance}
        return draw_cells(with_context(cells_scenario("personalized-quick"), changes), 0, 0, 8)

    near, far = tapes("50 m"), tapes("20000 m")
    near._check()
    assert near.cqi.mean() > far.cqi.mean()
