"""Every system on every engine keeps everything that is asked of one; a new system is here as soon as it has a name."""

import pytest

from mecsim.conformance import CHECKS, Subject, check_system, subjects
from mecsim.core.system import SYSTEMS

SUBJECTS = [subject for system in SYSTEMS.plugins for subject in subjects(system)]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_conformance(subject: Subject, check: str) -> None:
    CHECKS[check](subject)


def test_every_built_in_scenario_is_checked() -> None:
    from mecsim.scenario import builtin_names

    assert set(builtin_names()) <= {subject.name for subject in SUBJECTS}


def test_what_is_broken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that cannot fail would be none: an engine that forgets a reward is found."""
    from mecsim.systems.cells.simpy import SimpyCellsEngine

    honest = SimpyCellsEngine.step

    def forgetful(self: SimpyCellsEngine, action: object) -> object:
        return honest(self, action) * [1.0, 0.99]  # type: ignore[arg-type]

    monkeypatch.setattr(SimpyCellsEngine, "step", forgetful)
    with pytest.raises(AssertionError, match=r"cells-starter-batched: engines\.engines_agree"):
        check_system("cells")
