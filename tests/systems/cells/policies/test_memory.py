"""Policies of cells where people remember: what is decided alone looks at how people have become."""

from typing import Any

import numpy as np
import pytest

from mecsim.errors import ScenarioError
from mecsim.policies import named_policy
from mecsim.scenario import parse_scenario, with_context
from mecsim.systems.cells.scenario import CellsScenario
from tests.one_system import cells_scenario, draw_cells, play_cells

QUICK = cells_scenario(with_context(cells_scenario("personalized-quick"), {"episode.requests": "40"}))
STILL = "{rise: 0, fall: 0, churn: null}"
WANTED = np.array([0.5, 0.5])


def remembering(memory: str, **changes: Any) -> CellsScenario:
    """Four users, who return again and again."""
    return cells_scenario(with_context(QUICK, {"memory": memory, "users.count": "4", **changes}))


@pytest.mark.parametrize("predictor", ["oracle", "typical"])
@pytest.mark.parametrize("name", ["greedy", "greedy-oracle", "exact", "exact-oracle", "adequate"])
def test_memory_that_moves_nothing_changes_nothing(name: str, predictor: str) -> None:
    with_memory = remembering(STILL, **{"satisfaction.predictor": predictor})
    without = cells_scenario(with_context(with_memory, {"memory": "null"}))
    plays = []
    for scenario in (with_memory, without):
        policy = named_policy(name, scenario)(0)
        plays.append(play_cells(policy, scenario, draw_cells(scenario, 0, 0, 4), WANTED))
    one, other = plays
    np.testing.assert_array_equal(one.records.option, other.records.option)
    np.testing.assert_allclose(one.records.satisfaction, other.records.satisfaction, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.records.predicted, other.records.predicted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.rewards[:, :2], other.rewards, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["exact", "exact-oracle"])
def test_snapshots_look_at_what_people_have_come_to_think(name: str) -> None:
    """With memory choices differ, the same for the same preference whatever was played before, and none of who left."""
    memory = "{rise: 0.5, fall: 0.5, churn: {below: 2, window: 3}}"
    scenario = remembering(memory)
    tapes = draw_cells(scenario, 0, 0, 4)
    policy = named_policy(name, scenario)(0)
    low, high = np.array([0.35, 0.65]), np.array([0.9, 0.1])
    first = play_cells(policy, scenario, tapes, low).records
    play_cells(policy, scenario, tapes, high)
    again = play_cells(policy, scenario, tapes, low).records
    np.testing.assert_array_equal(first.option, again.option)
    still = remembering(STILL)
    alone = play_cells(named_policy(name, still)(0), still, draw_cells(still, 0, 0, 4), low).records
    assert (first.option != alone.option).any()
    assert first.left.any()
    assert not first.option[first.left].any()


def test_adequate_lets_nobody_down_who_need_not_be() -> None:
    scenario = remembering("{churn: null}")
    tapes, saving = draw_cells(scenario, 0, 0, 8), np.array([0.05, 0.95])
    careful, greedy = (
        play_cells(named_policy(name, scenario)(0), scenario, tapes, saving).records for name in ("adequate", "greedy")
    )
    assert (greedy.satisfaction < 2.0).mean() > 0.5
    assert (careful.satisfaction[careful.level > 0] >= 2.0 - 1e-6).mean() > 0.95


def test_four_objectives_are_traded_off_at_once() -> None:
    names = "[churn, satisfied_users, saved_resources, satisfaction]"
    scenario = remembering("{}", objectives=names, evaluation="{}")
    tapes = draw_cells(scenario, 0, 0, 4)
    for name in ("greedy", "exact", "greedy-oracle", "adequate"):
        play = play_cells(named_policy(name, scenario)(0), scenario, tapes, np.full(4, 0.25))
        assert play.totals.shape == (4, 4)
        assert ((play.shown("churn") >= 0.0) & (play.shown("churn") <= 1.0)).all()
        np.testing.assert_allclose(play.totals[:, 0], play.shown("churn"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("memory: {rise: 2}", "memory.rise"),
        ("memory: {churn: {below: 4, window: 3}}", "memory.churn.below: expected at most the window, 3, got 4"),
        ("memory: {last: 5}", "memory.last: has no meaning here, expected ratings: last"),
        ("memory: {personas: {nobody: {rise: 0.1}}}", "memory.personas.nobody: unknown persona"),
        ("memory: {ratings: best}", "memory.ratings"),
        ("memory: {}\nsatisfaction: {form: power}", "satisfaction.form: expected zone"),
        ("memory: {}\nsatisfaction: {predictor: people.safetensors}", "expected oracle or typical"),
        ("objectives: [satisfaction, churn]", "churn is known of people who remember"),
        ("memory: {churn: null}\nobjectives: [satisfaction, churn]", "nobody leaves"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_line(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"mecsim: 1\nkind: cells\n{text}\n")
    assert complaint in str(caught.value)
