"""Laws of mobility by name: those that stand, those that walk, and what paths of them look like."""

import numpy as np
import pytest
from scipy import stats

from mecsim.physics.mobility.base import MOBILITY
from mecsim.physics.mobility.fixed import Fixed
from mecsim.physics.mobility.waypoint import Waypoint
from mecsim.schema.units import Uniform

AREA_M = np.array([400.0, 100.0])


@pytest.mark.parametrize(
    ("name", "has_places", "moves"),
    [("none", False, False), ("fixed", True, False), ("waypoint", True, True), ("trace", True, True)],
)
def test_what_laws_are_about(name: str, has_places: bool, moves: bool) -> None:
    law = MOBILITY.load(name)
    assert (has_places, moves) == (law.HAS_PLACES, law.MOVES)
    assert law.ABOUT.endswith(".")


def test_who_stands_is_anywhere_in_the_area_for_good() -> None:
    paths = Fixed().draw_paths(np.random.default_rng(1), 4000, 60.0, AREA_M)
    who = np.arange(4000)
    before_m, _ = paths.at(who, np.zeros(4000))
    after_m, travelled_m = paths.at(who, np.full(4000, 60.0))
    np.testing.assert_array_equal(before_m, after_m)
    assert not travelled_m.any()
    for axis in range(2):
        assert stats.kstest(before_m[:, axis] / AREA_M[axis], "uniform").pvalue > 0.01


def test_walkers_of_one_speed_travel_at_it_and_have_about_the_points_foretold() -> None:
    law = Waypoint(speed_m_per_s=Uniform(2.0, 2.0))
    paths = law.draw_paths(np.random.default_rng(2), 500, 600.0, AREA_M)
    _, travelled_m = paths.at(np.arange(500), np.full(500, 600.0))
    np.testing.assert_allclose(travelled_m, 1200.0, rtol=1e-9)
    assert len(paths.time_s) / 500 == pytest.approx(law.points(600.0, AREA_M), rel=0.6)
