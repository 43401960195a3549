"""An objective that is declared separable is: what is decided changes no other decision's cost in it."""

import numpy as np
import pytest
from hypothesis import given, settings

from mecsim.core.seeds import Stream
from mecsim.core.system import new_episodes
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import ENERGY
from mecsim.systems.offload.network import Channel
from mecsim.systems.offload.network import Energy as EnergyOptions
from mecsim.systems.offload.scenario import OffloadScenario
from tests.systems.offload.offloading import make_scenario, optional_scenarios, play, random_actions, scenarios

EPISODES = 3


def energies(scenario: OffloadScenario, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The immediate energy of every option at every step, as random actions are played."""
    tapes = draw_tapes(scenario, 0, 0, EPISODES, Stream.EVALUATION)
    return np.asarray(play("batched", scenario, tapes, random_actions(tapes, seed)).option_costs[..., ENERGY])


def declared(scenario: OffloadScenario) -> tuple[str, ...]:
    return tuple(scenario.objectives[i] for i in new_episodes(scenario, "batched").separable)


@settings(max_examples=30)
@given(scenario=scenarios(max_edges=4))
def test_energy_of_the_plain_system(scenario: OffloadScenario) -> None:
    assert declared(scenario) == ("energy",)
    np.testing.assert_allclose(energies(scenario, 1), energies(scenario, 2), rtol=1e-9)


@settings(max_examples=60)
@given(scenario=optional_scenarios())
def test_energy_with_any_option(scenario: OffloadScenario) -> None:
    if "energy" in declared(scenario):
        np.testing.assert_allclose(energies(scenario, 1), energies(scenario, 2), rtol=1e-9)


@pytest.mark.parametrize(
    "scenario",
    [
        make_scenario(channel=Channel(interference=True, bandwidth_hz=1e5)),
        make_scenario(energy=EnergyOptions(model="power-curve")),
    ],
    ids=["interference", "power curve"],
)
def test_it_is_not_where_others_matter(scenario: OffloadScenario) -> None:
    assert declared(scenario) == ()
    assert not np.allclose(energies(scenario, 1), energies(scenario, 2), rtol=1e-3)


def test_positions_are_those_of_the_scenario() -> None:
    turned = make_scenario(objectives=("energy", "delay"))
    assert new_episodes(turned, "batched").separable == (0,)
    assert new_episodes(make_scenario(objectives=("delay",)), "batched").separable == ()
