"""Every system on every engine keeps everything that is asked of one; a new system is here as soon as it has a name."""

from dataclasses import replace
from typing import Any

import pytest

from mecsim.conformance import CHECKS, Subject, check, check_system, shown, subjects
from mecsim.core.system import SYSTEMS

SUBJECTS = [subject for system in SYSTEMS.plugins for subject in subjects(system)]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_conformance(subject: Subject, check: str) -> None:
    CHECKS[check](subject)


def test_every_built_in_scenario_is_checked() -> None:
    from mecsim.scenario import builtin_names

    assert set(builtin_names()) <= {subject.name for subject in SUBJECTS}


@pytest.mark.parametrize("part", check.LEFT_OUT)
def test_a_part_that_is_left_out_is_told_in_a_line(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "subjects", lambda name: [])
    left: Any = {part: None}
    system = replace(SYSTEMS.load("cells"), **left)
    monkeypatch.setattr(type(SYSTEMS), "load", lambda self, name: system)
    (line,) = check_system("cells")
    assert line.startswith(f"cells: has no {part}: ")


def test_units_that_nobody_tells_are_found() -> None:
    subject = next(subject for subject in SUBJECTS if subject.system.unit_values is not None)
    forgetful = replace(subject, system=replace(subject.system, unit_values=None))
    with pytest.raises(AssertionError, match="units are declared without unit_values"):
        shown.units_are_told(forgetful)


def test_what_is_broken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that cannot fail would be none: an engine that forgets a reward is found."""
    from mecsim.systems.cells.simpy import SimpyCellsEngine

    honest = SimpyCellsEngine.step

    def forgetful(self: SimpyCellsEngine, action: object) -> object:
        return honest(self, action) * [1.0, 0.99]  # type: ignore[arg-type]

    monkeypatch.setattr(SimpyCellsEngine, "step", forgetful)
    with pytest.raises(AssertionError, match=r"cells-starter-batched: engines\.engines_agree"):
        check_system("cells")
