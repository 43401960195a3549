"""What targets are, and that what is none is told before anything is played."""

import pytest

from mecsim.core.system import SYSTEMS
from mecsim.errors import InputError
from mecsim.policies import policies_of_system
from mecsim.policies.registry import policy_names
from mecsim.scenario import load_scenario
from mecsim.sweep import check_targets, foreseen, scenario_of_runs, with_greedy
from mecsim.systems.offload.scenario import OffloadScenario

SCENARIO = load_scenario("quickstart")


@pytest.mark.parametrize("name", ["offload", "cells"])
def test_names_are_read_without_their_policies(name: str) -> None:
    system = SYSTEMS.load(name)
    assert policy_names(system) == policies_of_system(system).keys()


def test_targets_are_those_of_the_scenario_or_of_any_system() -> None:
    check_targets(["greedy", "random+plan3", "some.module:Object"], SCENARIO)
    check_targets(["greedy", "exact"])
    for targets, scenario in ((["greedy", "exact"], SCENARIO), (["nobody+plan3"], None)):
        with pytest.raises(InputError, match=r"is neither a run, nor package\.module:Object"):
            check_targets(targets, scenario)


def test_policies_alone_have_no_scenario() -> None:
    with pytest.raises(InputError, match=r"^greedy and random: need a scenario"):
        scenario_of_runs(["greedy", "random"])


def test_greedy_is_played_once() -> None:
    assert with_greedy(["random"]) == ["random", "greedy"]
    assert with_greedy(["greedy", "random"]) == ["greedy", "random"]
    with pytest.raises(InputError, match="one is named twice"):
        with_greedy(["run", "./run"])


def test_remarks_on_a_scenario_are_told_before_it_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OffloadScenario, "remarks", lambda self: ["3 of 5 users are strangers"])
    assert foreseen(SCENARIO, 0)[0] == "3 of 5 users are strangers"
