"""Whether a predictor suits the people of a scenario, before anything is played."""

from types import SimpleNamespace

import pytest

from mecsim.core.scenario import Scenario
from mecsim.errors import InputError
from mecsim.predictor import prediction
from mecsim.scenario import parse_scenario

TEXT = (
    "mecsim: 1\nkind: cells\nsatisfaction: {predictor: ward.safetensors}\n"
    "population:\n  personas: {nurse: {share: 0.5}, clerk: {share: 0.5}}\n"
    "  applications: {voice: {min_rate: 24 kbit/s, demand_rate: 64 kbit/s, duration: 2 min}}\n"
)


def findings(
    monkeypatch: pytest.MonkeyPatch, personas: tuple[str, ...], uses: tuple[str, ...]
) -> list[tuple[str, str]]:
    names = {"persona": personas, "application": uses}
    monkeypatch.setattr(prediction, "_loaded", lambda named: SimpleNamespace(names=names))
    scenario: Scenario = parse_scenario(TEXT)
    return scenario.check_needs()


def test_a_predictor_of_these_people_suits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(monkeypatch, ("doctor", "nurse", "clerk"), ("voice", "film")) == []


def test_who_and_what_it_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ((key, told),) = findings(monkeypatch, ("nurse",), ("voice",))
    assert key == "satisfaction.predictor"
    assert told.startswith("the predictor knows no persona 'clerk', only nurse; fit it to a log")
    ((_, told),) = findings(monkeypatch, ("nurse", "clerk"), ("film",))
    assert told.startswith("the predictor knows no application 'voice', only film; ")


def test_files_are_read_when_they_are_needed() -> None:
    with pytest.raises(InputError, match=r"ward\.safetensors: no such file"):
        prediction.check_predictor("ward.safetensors", parse_scenario(TEXT).population)  # type: ignore[attr-defined]
