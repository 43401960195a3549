"""The tapes of cells: reproducible, disjoint between streams, with the load, links and ratings that were asked for."""

from dataclasses import fields

import numpy as np
import pytest

from mecsim.core.seeds import Stream
from mecsim.people.people import draw_people_of
from mecsim.people.requests import period_of
from mecsim.physics.channel.cqi import CQI_EFFICIENCY, CQI_SINR_DB
from mecsim.physics.geography import hexagonal_sites_m
from mecsim.scenario import with_context
from mecsim.systems.cells.draw import resource_blocks
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes
from tests.one_system import cells_scenario, draw_cells

NAMES = [field.name for field in fields(CellsTapes)]


def scenario_of(name: str = "personalized-quick", **changes: str) -> CellsScenario:
    scenario = with_context(cells_scenario(name), changes)
    assert isinstance(scenario, CellsScenario)
    return scenario


def test_episodes_are_the_same_whoever_asks() -> None:
    scenario = scenario_of()
    together = draw_cells(scenario, 3, 60, 10)  # across the end of a block
    for name in NAMES:
        one_by_one = [getattr(draw_cells(scenario, 3, 60 + n, 1), name)[0] for n in range(10)]
        np.testing.assert_array_equal(getattr(together, name), one_by_one, err_msg=name)
    others = [draw_cells(scenario, 3, 60, 10, Stream.TRAINING), draw_cells(scenario, 4, 60, 10)]
    assert all(not np.array_equal(together.arrival_s, other.arrival_s) for other in others)


@pytest.mark.parametrize("name", ["personalized-quick", "personalized-cell", "personalized-city"])
def test_drawn_tapes_belong_together(name: str) -> None:
    scenario = scenario_of(name)
    tapes = draw_cells(scenario, 0, 0, 4)
    tapes._check()
    assert (np.diff(tapes.arrival_s, axis=1) >= 0.0).all()
    assert tapes.user.max() < scenario.users.count
    strongest_first = np.diff(tapes.cqi, axis=2) <= 0
    assert strongest_first.all()
    assert (np.diff(tapes.satisfaction, axis=2) >= -1e-12).all()
    np.testing.assert_allclose(tapes.rate_bit_per_s[..., 0], tapes.min_rate_bit_per_s)
    np.testing.assert_allclose(tapes.rate_bit_per_s[..., -1], tapes.demand_rate_bit_per_s)
    np.testing.assert_array_equal(tapes.predicted, tapes.satisfaction)  # the oracle


def test_offered_load() -> None:
    """Little: arrival rate times mean duration is the load in erlangs, for all cells together."""
    scenario = scenario_of(**{"episode.requests": "400", "service.load": "7"})
    tapes = draw_cells(scenario, 0, 0, 128)
    load = 400.0 / tapes.arrival_s[:, -1].mean() * tapes.duration_s.mean()
    assert load == pytest.approx(7.0, rel=0.03)


def test_time_of_the_week() -> None:
    late = scenario_of(**{"episode.hours": "[20, 21]", "episode.requests": "2"})
    tapes = draw_cells(late, 0, 0, 32)
    assert (tapes.period == period_of(np.array(20.5 * 3600.0))).all()


def test_predictors() -> None:
    typical = scenario_of(**{"satisfaction.predictor": "typical"})
    tapes, oracle = draw_cells(typical, 0, 0, 8), draw_cells(scenario_of(), 0, 0, 8)
    np.testing.assert_array_equal(tapes.satisfaction, oracle.satisfaction)
    error = np.abs(tapes.predicted - tapes.satisfaction)
    assert 0.0 < error.mean() < 1.0


def test_the_people_of_a_seed() -> None:
    scenario = scenario_of(**{"users.seed": "5", "users.count": "6"})
    tapes = draw_cells(scenario, 1, 0, 8)
    people = draw_people_of(scenario.population, scenario.satisfaction, 6, 5)
    np.testing.assert_array_equal(tapes.persona, people.persona[tapes.user])
    strangers = draw_cells(scenario_of(**{"users.count": "6"}), 1, 0, 8)
    same = [len(np.unique(drawn.persona[drawn.user == 0])) == 1 for drawn in (tapes, strangers)]
    assert same == [True, False]


def test_resource_blocks_carry_the_rate() -> None:
    cqi = np.arange(16)
    rate = np.array([1e3, 1e5, 1e6])[:, None]
    blocks = resource_blocks(rate, cqi, 180e3)
    assert (blocks[:, 0] == 0).all()
    per_block = 180e3 * np.array(CQI_EFFICIENCY)
    np.testing.assert_array_equal(blocks[:, 1:], np.ceil(rate / per_block - 1e-9))
    exact = resource_blocks(3.0 * per_block[None], cqi[1:], 180e3)
    np.testing.assert_array_equal(exact, 3)


def test_signal_by_an_independent_link_budget() -> None:
    """One user beside the mast of a lone cell has the CQI of its link budget: line of sight, no fading."""
    changes = {"radio.fading": "none", "cells.distance": "10 m", "radio.tx_power": "1e-9 W", "users.count": "1"}
    tapes = draw_cells(scenario_of(**changes), 0, 0, 64)
    height_m, slant_m = 25.0 - 1.5, np.hypot(25.0 - 1.5, 10.0)  # nearer than 10 m counts as 10 m
    assert slant_m > height_m
    loss_db = 28.0 + 22.0 * np.log10(slant_m) + 20.0 * np.log10(2.0)
    mean_db = 10.0 * np.log10(1e-9 / 20 * 1e3) - loss_db - (-174.0 + 10.0 * np.log10(180e3) + 9.0)
    assert mean_db < 22.7
    thresholds = np.array(CQI_SINR_DB)
    expected = np.searchsorted(thresholds, mean_db + 4.0 * np.array([-1.0, 0.0, 1.0]), side="right")  # shadowing
    quantiles = np.quantile(tapes.cqi[:, 0, 0], [0.16, 0.5, 0.84])
    assert (np.abs(quantiles - expected) <= 1).all(), (quantiles, expected)


def test_other_cells_disturb() -> None:
    """With interference the same users have lower CQI; the nearest sites of a city are 500 m apart."""
    with_it, without = (
        draw_cells(scenario_of("personalized-city", **{"radio.interference": word}), 0, 0, 4)
        for word in ("true", "false")
    )
    assert with_it.cqi[..., 0].mean() < without.cqi[..., 0].mean()
    sites = hexagonal_sites_m(19, 500.0)
    apart = np.linalg.norm(sites[:, None] - sites[None], axis=-1) + 1e9 * np.eye(19)
    np.testing.assert_allclose(apart.min(axis=1), 500.0)
    np.testing.assert_allclose(sites[:7].mean(axis=0), 0.0, atol=1e-9)
