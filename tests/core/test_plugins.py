"""A name belongs to one package; whoever offers it a second time is named, not passed over in silence."""

import sys
from pathlib import Path

import pytest

from mecsim.core.plugins import Places, Registry
from mecsim.errors import InputError
from mecsim.policies import registry as policies
from mecsim.policies.registry import named_policy, policies_of
from mecsim.report.plugins import known_plugins
from mecsim.scenario import load_scenario


def _install(folder: Path, package: str, group: str, name: str) -> None:
    (folder / f"{package}.py").write_text("def made(scenario, seed):\n    return (scenario, seed)\n", encoding="utf-8")
    described = folder / f"{package}-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    (described / "entry_points.txt").write_text(f"[{group}]\n{name} = {package}:made\n", encoding="utf-8")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    for package in ("one_more", "another"):
        monkeypatch.delitem(sys.modules, package, raising=False)
    return tmp_path


def test_a_name_of_two_packages(path: Path) -> None:
    for package in ("one_more", "another"):
        _install(path, package, "some.group", "thing")
    things = Registry[object]("thing", Places("some.group", lambda: {"own": "mecsim.errors:InputError"}))
    assert things.load("own") is InputError
    with pytest.raises(
        InputError, match=r"^thing 'thing' is offered by .* and .*; keep one of these packages$"
    ) as told:
        things.load("thing")
    assert all(package in str(told.value) for package in ("one_more", "another"))


def test_a_name_of_mecsim(path: Path) -> None:
    _install(path, "one_more", "some.group", "own")
    things = Registry[object]("thing", Places("some.group", lambda: {"own": "mecsim.errors:InputError"}))
    with pytest.raises(
        InputError, match=r"^thing 'own' is offered by mecsim and one_more; keep one of these packages$"
    ):
        things.load("own")


def test_a_policy_of_the_name_of_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(path, "one_more", "mecsim.policies", "greedy")
    monkeypatch.setattr(policies, "_PLUGINS", Registry("policy", Places("mecsim.policies")))
    monkeypatch.setattr(policies, "_policies", policies._policies.__wrapped__)
    scenario = load_scenario("quickstart")
    with pytest.raises(InputError, match=r"^policy 'greedy' is offered by mecsim and one_more; keep one of these"):
        named_policy("greedy", scenario)
    named_policy("random", scenario)  # others play on
    assert policies_of(scenario)["greedy"].package == "mecsim"
    assert {known.package for known in known_plugins() if (known.sort, known.name) == ("policies", "greedy")} == {
        "mecsim and one_more"
    }
