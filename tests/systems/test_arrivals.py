"""Laws of arrivals in both systems: how they are named, what they change, and that both engines play what they draw."""

from pathlib import Path

import numpy as np
import pytest

from mecsim.core.system import draw_episodes
from mecsim.errors import ScenarioError
from mecsim.policies import named_policy, play
from mecsim.scenario import load_scenario, parse_scenario, scenario_to_yaml, with_context
from mecsim.systems.cells.scenario import CellsScenario
from tests.one_system import draw_cells, parse_offload

CELLS = "mecsim: 1\nkind: cells\nepisode: {requests: 60}\ncells: {blocks: 15}\n"
OFFLOAD = "mecsim: 1\nkind: offload\nepisode: {steps: 30}\nservers: {edge: {count: 3}}\n"
BURSTS = "arrivals: {model: gamma, variation: 4}\n"
both_systems = pytest.mark.parametrize("text", [OFFLOAD, CELLS], ids=["offload", "cells"])


@both_systems
def test_engines_agree_on_bursts(text: str) -> None:
    scenario = parse_scenario(text + BURSTS)
    tapes = draw_episodes(scenario, 0, 0, 6)
    batched, simpy = (
        play(named_policy("greedy", scenario)(0), scenario, tapes, np.full(2, 0.5), engine)
        for engine in ("batched", "simpy")
    )
    assert (batched.totals != 0.0).all(axis=1).any()
    np.testing.assert_allclose(batched.totals, simpy.totals, rtol=1e-9)


@both_systems
def test_poisson_is_what_a_scenario_has_that_names_none(text: str) -> None:
    scenario = parse_scenario(text)
    assert parse_scenario(text + "arrivals: {model: poisson}\n") == scenario
    bursts = parse_scenario(text + BURSTS)
    assert parse_scenario(scenario_to_yaml(bursts)) == bursts
    assert with_context(scenario, {"arrivals.model": "gamma", "arrivals.variation": "4"}) == bursts
    assert with_context(bursts, {"arrivals.model": "poisson", "arrivals.variation": "2"}) == scenario


@both_systems
@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("{model: gama}", r"arrivals\.model: expected 'poisson' or 'gamma', got 'gama'"),
        ("{model: gamma, variaton: 2}", r"arrivals\.variaton: unknown key, did you mean 'variation'"),
        ("{variation: 3}", r"arrivals\.variation: has no meaning here, expected model: gamma or the default"),
        ("{model: gamma, variation: 0}", r"arrivals\.variation: expected a number above 0"),
        ("{model: gamma, variation: 11}", r"arrivals\.variation: expected .* 10, got 11"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, section: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint) as caught:
        parse_scenario(f"{text}arrivals: {section}\n")
    assert len(str(caught.value).splitlines()) == 1


def test_tasks_that_were_recorded_have_no_law(tmp_path: Path) -> None:
    (tmp_path / "tasks.csv").write_text("time_s,user,size_bit\n0,0,1e6\n3,1,2e6\n", encoding="utf-8")
    recorded = f"{OFFLOAD}tasks: {{trace: {{file: {tmp_path / 'tasks.csv'}}}}}\n"
    assert parse_offload(recorded).expected_arrivals == 2.0
    told = r"arrivals\.model: has no meaning with recorded tasks, expected arrivals\.model: poisson"
    with pytest.raises(ScenarioError, match=told):
        parse_scenario(recorded + BURSTS)


def test_bursts_of_tasks_have_the_same_mean_and_more_variance() -> None:
    """Over 1,000 mean gaps the index of dispersion is near its limit, v² = 16."""
    scenario = parse_offload(OFFLOAD.replace("30", "1000") + BURSTS)
    tapes = draw_episodes(scenario, 0, 0, 512)
    tasks = tapes.arrivals.sum(axis=1)  # type: ignore[attr-defined]
    assert tasks.mean() == pytest.approx(1000.0, rel=0.03)
    assert tasks.var() / tasks.mean() == pytest.approx(16.0, rel=0.2)
    assert tapes.size_bit.shape[1] >= tasks.max()  # type: ignore[attr-defined]


def test_bursts_of_requests_have_the_same_load() -> None:
    """Only the gaps differ: what is asked for stays, and so does the mean gap."""
    scenario = load_scenario("personalized-quick")
    assert isinstance(scenario, CellsScenario)
    bursts = with_context(scenario, {"arrivals.model": "gamma", "arrivals.variation": "3"})
    assert isinstance(bursts, CellsScenario)
    plain, bursty = (draw_cells(played, 0, 0, 256) for played in (scenario, bursts))
    np.testing.assert_array_equal(plain.user, bursty.user)
    gaps = [np.diff(tapes.arrival_s, axis=1) for tapes in (plain, bursty)]
    relative = gaps[1] / gaps[0].mean(axis=1, keepdims=True)
    assert relative.mean() == pytest.approx(1.0, rel=0.05)
    assert relative.std() == pytest.approx(3.0, rel=0.1)
