"""Small fronts and a finished play, to report on."""

import numpy as np
import pytest

from mecsim.core.plugins import SYSTEM_PLACES
from mecsim.policies import named_policy
from mecsim.sweep import Front, preference_grid, sweep
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import OffloadPlay
from tests.one_system import play_offload as play
from tests.training.small import small_scenario

from .many_objectives import PLUGIN


@pytest.fixture(autouse=True)
def _system_of_many_objectives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SYSTEM_PLACES.plugins, PLUGIN.name, PLUGIN)


@pytest.fixture(scope="session")
def scenario() -> OffloadScenario:
    return small_scenario()


@pytest.fixture(scope="session")
def fronts(scenario: OffloadScenario) -> list[Front]:
    return sweep(["greedy", "random"], scenario, preference_grid(2, 4), 3, 0)


@pytest.fixture(scope="session")
def played(scenario: OffloadScenario) -> tuple[OffloadPlay, OffloadTapes]:
    """A play and its tapes; the numbers of tasks differ, and some episode leaves tasks in the queue."""
    tapes = draw_tapes(scenario, 0, 0, 6)
    return play(named_policy("random", scenario)(0), scenario, tapes, np.array([0.4, 0.6])), tapes
