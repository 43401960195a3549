"""Channel models by themselves: the gain of links is drawn with the distribution and correlation that is promised."""

import numpy as np
import pytest
from scipy import stats

from mecsim.physics.channel.base import CHANNELS, Generators, Links, Sequence
from mecsim.physics.channel.fading import Fading
from mecsim.physics.channel.gmorl import Gmorl
from mecsim.physics.channel.rayleigh import Rayleigh
from mecsim.physics.channel.urban import UrbanMacro, UrbanMicro, line_of_sight_probability

SEEDS = {"line_of_sight": 1, "shadowing": 2}


def generators() -> Generators:
    return Generators(lambda phenomenon: np.random.default_rng(SEEDS[phenomenon]))


def walk(episodes: int, steps: int, step_m: float) -> Links:
    """One user per episode who goes away from one station; rows in the order of time."""
    along_m = np.broadcast_to(step_m * np.arange(1, steps + 1), (episodes, steps)).copy()
    rows = Sequence(
        user=np.zeros((episodes, steps), np.int64),
        order=np.broadcast_to(np.arange(steps), (episodes, steps)).copy(),
        travelled_m=along_m,
        time_s=along_m,
    )
    return Links(along_m[:, :, None], 1, rows)


@pytest.mark.parametrize("name", sorted(CHANNELS.plugins))
def test_the_same_generators_give_the_same_gain(name: str) -> None:
    law = CHANNELS.load(name)()
    links = Links(np.random.default_rng(0).uniform(10.0, 500.0, (4, 3, 2)), 3)
    one, other = (law.draw_gain(links, generators()) for _ in range(2))
    np.testing.assert_array_equal(one.power, other.power)
    assert one.power.shape == (4, 3, 2)
    assert ((one.power > 0.0) & (one.power < 1.0)).all()


def test_gmorl_is_a_line_in_log_distance() -> None:
    """40 dB per decade, 120 dB at 1 km and 6 dB more; nearer than 1 m counts as 1 m."""
    law = Gmorl(path_loss_slope_db=40.0, path_loss_at_1km_db=120.0, shadowing_db=6.0)
    gain = law.draw_gain(Links(np.array([[[0.5, 1.0, 10.0, 1000.0]]]), 1), generators())
    np.testing.assert_allclose(-10.0 * np.log10(gain.power[0, 0]), [6.0, 6.0, 46.0, 126.0], rtol=1e-12)
    assert gain.direct is None


def test_shadowing_of_the_textbook_budget_is_log_normal() -> None:
    gain = Rayleigh(shadowing_db=5.0).draw_gain(Links(np.full((2000, 5, 2), 100.0), 5), generators())
    lost_db = -10.0 * np.log10(gain.power.ravel()) - 98.6
    assert stats.kstest(lost_db / 5.0, "norm").pvalue > 0.01


def test_shadowing_of_the_textbook_budget_forgets_along_a_path() -> None:
    links = walk(20_000, 6, 25.0)
    gain = Rayleigh(shadowing_db=5.0).draw_gain(links, generators())
    loss_db = 35.0 * np.log10(links.distance_m / 1000.0) + 133.6
    shadowing = (-10.0 * np.log10(gain.power) - loss_db)[:, :, 0] / 5.0
    for lag in (1, 2, 5):
        assert np.mean(shadowing[:, lag:] * shadowing[:, :-lag]) == pytest.approx(np.exp(-lag / 2.0), abs=0.02)


@pytest.mark.parametrize("law", [UrbanMacro(), UrbanMicro()])
def test_a_direct_path_is_where_there_is_a_line_of_sight(law: UrbanMacro | UrbanMicro) -> None:
    distance_m = np.array([15.0, 60.0, 200.0])
    gain = law.draw_gain(Links(np.broadcast_to(distance_m, (4000, 4, 3)).copy(), 4), generators())
    assert gain.direct is not None
    np.testing.assert_allclose(
        gain.direct.mean(axis=(0, 1)), line_of_sight_probability(law.CELL, distance_m), atol=0.015
    )
    for station, sigma_db in ((0, 4.0), (2, 4.0)):
        seen = gain.power[:, :, station][gain.direct[:, :, station]]
        assert np.log10(seen).std() * 10.0 == pytest.approx(sigma_db, rel=0.05)


@pytest.mark.parametrize("name", ["gmorl", "rayleigh"])
def test_a_longer_way_loses_more(name: str) -> None:
    distance_m = np.broadcast_to(np.geomspace(1.0, 1e4, 9)[:, None, None], (9, 1, 1)).copy()
    law = CHANNELS.load(name).model_validate({"shadowing_db": 0.0})
    assert (np.diff(law.draw_gain(Links(distance_m, 1), generators()).power[:, 0, 0]) < 0.0).all()


@pytest.mark.parametrize("when", ["episode", "step", "ar1"])
@pytest.mark.parametrize("rician", [False, True])
def test_fading_has_mean_one(when: str, rician: bool) -> None:
    links = walk(40_000, 4, 1.0)
    fading = Fading(when, coherence_time_s=2.0, rician=rician, rician_k_db=3.0)  # type: ignore[arg-type]
    power = fading.power(fading.draw(links, np.random.default_rng(5)), None)
    k = 10.0**0.3 if rician else 0.0
    assert power.shape == (40_000, 4, 1)
    assert power.mean() == pytest.approx(1.0, abs=0.02)
    assert power.var() == pytest.approx((1.0 + 2.0 * k) / (1.0 + k) ** 2, rel=0.04)


@pytest.mark.parametrize(
    ("law", "distance_m", "decorrelation_m"),
    [(UrbanMacro(), 10.0, 37.0), (UrbanMacro(), 1e6, 50.0), (UrbanMicro(), 10.0, 10.0), (UrbanMicro(), 1e6, 13.0)],
)
def test_urban_shadowing_forgets_by_the_state_of_its_link(
    law: UrbanMacro | UrbanMicro, distance_m: float, decorrelation_m: float
) -> None:
    """TR 38.901, table 7.5-6: at 10 m all have a line of sight, at 1,000 km none has one."""
    along = walk(40_000, 2, 0.5 * decorrelation_m)
    gain = law.draw_gain(Links(np.full((40_000, 2, 1), distance_m), 1, along.sequence), generators())
    assert gain.direct is not None
    assert (gain.direct == (distance_m == 10.0)).all()
    before, after = -10.0 * np.log10(gain.power[:, :, 0]).T
    assert np.corrcoef(before, after)[0, 1] == pytest.approx(np.exp(-0.5), abs=0.015)
