"""Whether a predictor suits the people of a scenario, before anything is played."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from mecsim.errors import InputError
from mecsim.people.population import Population
from mecsim.predictor import prediction
from mecsim.scenario import parse_scenario
from mecsim.systems.cells.scenario import CellsScenario

FILE = Path("ward.safetensors")
TEXT = (
    "mecsim: 1\nkind: cells\nsatisfaction: {predictor: ward.safetensors}\n"
    "population:\n  personas: {nurse: {share: 0.5}, clerk: {share: 0.5}}\n"
    "  applications: {voice: {min_rate: 24 kbit/s, demand_rate: 64 kbit/s, duration: 2 min}}\n"
)


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[str, ...], tuple[str, ...]], None]:
    """Check the scenario's predictor, as one that knows some personas and applications."""

    def check(personas: tuple[str, ...], uses: tuple[str, ...]) -> None:
        names = {"persona": personas, "application": uses}
        monkeypatch.setattr(prediction, "learnt_predictor", lambda path: SimpleNamespace(names=names))
        prediction.check_predictor(FILE, population())

    return check


def population() -> Population:
    scenario = parse_scenario(TEXT)
    assert isinstance(scenario, CellsScenario)
    return scenario.population


def test_a_predictor_of_these_people_suits(knowing: Callable[..., None]) -> None:
    knowing(("doctor", "nurse", "clerk"), ("voice", "film"))


def test_who_and_what_it_does_not_know_is_told(knowing: Callable[..., None]) -> None:
    with pytest.raises(InputError, match="the predictor knows no persona 'clerk', only nurse; fit it to a log"):
        knowing(("nurse",), ("voice",))
    with pytest.raises(InputError, match="the predictor knows no application 'voice', only film; "):
        knowing(("nurse", "clerk"), ("film",))


def test_files_are_read_when_they_are_needed() -> None:
    with pytest.raises(InputError, match=r"ward\.safetensors: no such file"):
        prediction.check_predictor(FILE, population())
    ((key, told),) = parse_scenario(TEXT).check_needs()
    assert key == "satisfaction.predictor"
    assert "no such file" in told
