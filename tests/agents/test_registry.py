"""Algorithms by name, and those of other packages."""

from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest
from mecsim_agents import LEARNERS, Algorithm, DiscreteSAC, DoubleDQN, PluginError, registry, sac

from .conftest import SHAPE

OTHER = Algorithm("other", "a learner of another package", sac.ALGORITHM.config, {}, DiscreteSAC, DiscreteSAC.load)
MISNAMED = OTHER
NO_ALGORITHM = 7


def offer(monkeypatch: pytest.MonkeyPatch, **named: str) -> None:
    """Pretend that packages were installed with such entry points."""
    entries = []
    for name, value in named.items():
        entry = EntryPoint(name.partition("__")[0], value, registry.GROUP)
        vars(entry)["dist"] = SimpleNamespace(name=f"package-of-{name}")
        entries.append(entry)
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == registry.GROUP else [])


def test_what_there_is() -> None:
    assert list(LEARNERS)[:2] == ["sac", "double-dqn"]
    assert isinstance(LEARNERS["sac"].new(SHAPE, LEARNERS["sac"].config(), "cpu", 0), DiscreteSAC)
    assert isinstance(LEARNERS["double-dqn"].new(SHAPE, LEARNERS["double-dqn"].config(), "cpu", 0), DoubleDQN)
    for name, algorithm in LEARNERS.items():
        assert algorithm.name == name
        assert len(algorithm.summary.splitlines()) == 1
        assert LEARNERS.origins(name) == ["mecsim_agents"]


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"^sacc: no such agent; did you mean sac\?$"):
        LEARNERS.find("sacc")
    assert "sacc" not in LEARNERS


def test_a_package_can_offer_an_algorithm(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, other=f"{__name__}:OTHER")
    assert list(LEARNERS) == ["sac", "double-dqn", "other"]
    assert LEARNERS.find("other").summary == "a learner of another package"
    assert LEARNERS.origins("other") == ["package-of-other"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "broken",
            "no_such_module:X",
            r"package-of-broken: its agent broken \(no_such_module:X\) cannot be imported: Mod",
        ),
        ("broken", f"{__name__}:NOTHING", "package-of-broken: .* cannot be imported: AttributeError"),
        ("broken", f"{__name__}:NO_ALGORITHM", "package-of-broken: .* is no mecsim_agents.Algorithm but a int"),
        ("broken", f"{__name__}:MISNAMED", "package-of-broken: .* calls itself other"),
        ("sac", f"{__name__}:OTHER", "agent sac: offered by mecsim_agents and package-of-sac"),
    ],
)
def test_a_broken_package_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    """And hinders no other algorithm."""
    offer(monkeypatch, **{name: value})
    with pytest.raises(PluginError, match=message) as caught:
        LEARNERS.find(name)
    assert len(str(caught.value).splitlines()) == 1
    assert LEARNERS.find("double-dqn").name == "double-dqn"


def test_a_name_may_be_offered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, other=f"{__name__}:OTHER", other__2=f"{__name__}:OTHER")
    with pytest.raises(PluginError, match="agent other: offered by package-of-other and package-of-other__2"):
        LEARNERS.find("other")
