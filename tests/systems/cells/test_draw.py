"""The tapes of cells: reproducible, disjoint between streams, with the load, links and ratings that were asked for."""

from dataclasses import fields

import numpy as np
import pytest

from mecsim.core.seeds import Stream
from mecsim.people.people import draw_people_of
from mecsim.people.requests import period_of
from mecsim.physics.channel.cqi import CQI_EFFICIENCY
from mecsim.physics.geography import hexagonal_sites_m
from mecsim.scenario import with_context
from mecsim.systems.cells.draw import first_places_m, resource_blocks
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


@pytest.mark.parametrize("cells", [1, 3])
def test_offered_load(cells: int) -> None:
    """Little: arrival rate times mean duration is the load in erlangs of each cell."""
    scenario = scenario_of(**{"episode.requests": "400", "service.load": "7", "cells.count": str(cells)})
    tapes = draw_cells(scenario, 0, 0, 128)
    load = 400.0 / tapes.arrival_s[:, -1].mean() * tapes.duration_s.mean()
    assert load == pytest.approx(7.0 * cells, rel=0.03)


def test_users_are_uniform_in_discs_as_large_as_hexagons() -> None:
    """Half of them within 1/√2 of the radius, in every direction, as many at each site."""
    scenario = scenario_of(**{"cells.count": "3", "cells.distance": "600 m", "users.count": "9000"})
    sites_m, place_m = first_places_m(scenario, 0, Stream.EVALUATION)
    radius_m = np.sqrt(600.0**2 * np.sqrt(3.0) / 2.0 / np.pi)
    around = place_m[:, None] - sites_m
    distance_m = np.sqrt((around**2).sum(axis=2))
    assert distance_m.min(axis=1).max() <= radius_m
    beside = place_m[(distance_m < radius_m).sum(axis=1) == 1]  # discs overlap a little
    assert len(beside) > 8000
    own = (distance_m < 0.5 * radius_m).sum(axis=0)
    np.testing.assert_allclose(own / 9000.0, 0.25 / 3.0, atol=0.01)
    mean_m = around[distance_m[:, 0] < 0.5 * radius_m, 0].mean(axis=0)
    np.testing.assert_allclose(mean_m, 0.0, atol=0.05 * radius_m)


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


def test_each_request_has_a_fading_of_its_own() -> None:
    """Places and obstacles are a user's for the whole episode, fading is not."""
    for fading, alike in (("none", True), ("rayleigh", False)):
        tapes = draw_cells(scenario_of(**{"radio.fading": fading, "users.count": "1"}), 0, 0, 32)
        assert (tapes.cqi == tapes.cqi[:, :1]).all() == alike


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
