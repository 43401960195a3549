"""Line of sight, shadowing and fading of links have the distributions and correlations that are promised."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mecsim.physics.channel.urban import CELLS, UrbanMacro, UrbanModel, line_of_sight_probability, urban_path_loss_db
from mecsim.scenario import with_context
from mecsim.systems.offload.draw.links import links_of
from mecsim.systems.offload.draw.places import draw_places
from mecsim.systems.offload.draw.reel import Phenomenon, Reel
from mecsim.systems.offload.draw.servers import draw_servers
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.draw.tasks import dispatches_of, draw_tasks
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import offload_scenario

E6 = offload_scenario("gmorl-e6")


def changed(**channel: str) -> OffloadScenario:
    """A textbook link without shadowing whose SNRs are on the tape."""
    context = {"model": "rayleigh", "interference": "true", **channel}
    if context["model"] == "rayleigh":
        context = {"shadowing": "0 dB", **context}
    return with_context(E6, {f"channel.{key}": value for key, value in context.items()})


def every_second(folder: Path, scenario: OffloadScenario, steps: int, walk_m: float = 0.0) -> OffloadScenario:
    """One user with a task at every step; with `walk_m` it walks that far between two steps."""
    (folder / "t.csv").write_text("time_s,user,size_bit\n" + "".join(f"{k},0,1e6\n" for k in range(steps)))
    (folder / "w.csv").write_text(f"user,time_s,x_m,y_m\n0,0,0,0\n0,{steps},{walk_m * steps},0\n")
    (folder / "s.csv").write_text("x_m,y_m\n" + "3000,4000\n" * 6)
    context = {"users.count": "1", "tasks.trace.file": str(folder / "t.csv"), "episode.steps": str(steps)}
    if walk_m:
        context |= {"users.mobility.model": "trace", "users.mobility.file": str(folder / "w.csv")}
        context |= {"servers.edge.sites": str(folder / "s.csv")}
    return with_context(scenario, context)


def fading_of(tapes: OffloadTapes) -> np.ndarray:
    """|h|² of links with log-distance path loss and no shadowing, (N, K, A)."""
    loss_db = 35.0 * np.log10(tapes.distance_m / 1000.0) + 133.6
    return tapes.snr / (0.01 * 10.0 ** (-loss_db / 10.0) / (10.0**-20.4 * 16.6e6))


def test_fading_per_step_is_fresh(tmp_path: Path) -> None:
    power = fading_of(draw_tapes(every_second(tmp_path, changed(fading="step"), 40), 0, 0, 512))
    assert power.shape == (512, 40, 7)
    assert power.mean() == pytest.approx(1.0, abs=0.01)
    assert np.mean(power > 2.0) == pytest.approx(np.exp(-2.0), abs=3e-3)
    assert np.mean((power[:, 1:] - 1.0) * (power[:, :-1] - 1.0)) == pytest.approx(0.0, abs=0.01)
    assert np.mean((power[:, :, 1:] - 1.0) * (power[:, :, :-1] - 1.0)) == pytest.approx(0.0, abs=0.01)


def test_fading_with_a_coherence_time(tmp_path: Path) -> None:
    """|h|² stays exponential with mean 1, and its autocovariance is e^{−2·δ/T_c}."""
    scenario = every_second(tmp_path, changed(fading="ar1", coherence_time="8 s"), 40)
    power = fading_of(draw_tapes(scenario, 0, 0, 1024))
    assert power.mean() == pytest.approx(1.0, abs=0.02)
    assert np.mean(power[:, -1] > 2.0) == pytest.approx(np.exp(-2.0), abs=0.01)
    for lag in (1, 4, 12):
        covariance = np.mean((power[:, lag:] - 1.0) * (power[:, :-lag] - 1.0))
        assert covariance == pytest.approx(np.exp(-2.0 * lag / 8.0), abs=0.03)
    other = fading_of(draw_tapes(with_context(scenario, {"channel.coherence_time": "1e15 s"}), 0, 0, 16))
    np.testing.assert_allclose(other, np.broadcast_to(other[:, :1], other.shape), rtol=1e-3)


def test_fading_per_episode_belongs_to_the_user() -> None:
    """Where links are per task because users move, one fading of each user and server lasts all the episode."""
    context = {"users.mobility.model": "waypoint", "users.mobility.speed": "1 m/s"}
    tapes = draw_tapes(with_context(changed(), context), 0, 0, 16)
    power = fading_of(tapes)
    for n in range(16):
        for user in range(10):
            own = power[n, tapes.user[n] == user]
            np.testing.assert_allclose(own, np.broadcast_to(own[:1], own.shape), rtol=1e-9)


@pytest.mark.parametrize("fading", ["episode", "step", "ar1"])
def test_rician_fading(fading: str) -> None:
    tapes = draw_tapes(changed(fading=fading, multipath="rician", rician_k="6 dB"), 0, 0, 512)
    k = 10.0**0.6
    assert fading_of(tapes).mean() == pytest.approx(1.0, abs=0.02)
    assert fading_of(tapes).var() == pytest.approx((1.0 + 2.0 * k) / (1.0 + k) ** 2, rel=0.04)


def test_shadowing_along_a_path(tmp_path: Path) -> None:
    """Gudmundson 1991: a standard deviation as given, and a correlation of e^{−d/50 m}; fading is switched off."""
    steady = changed(shadowing="6 dB", multipath="rician", rician_k="200 dB")
    tapes = draw_tapes(every_second(tmp_path, steady, 30, walk_m=5.0), 0, 0, 1024)
    shadowing_db = 10.0 * np.log10(fading_of(tapes))
    assert shadowing_db.mean() == pytest.approx(0.0, abs=0.1)
    assert shadowing_db.std() == pytest.approx(6.0, rel=0.02)
    for lag in (1, 5, 20):
        correlation = np.mean(shadowing_db[:, lag:, 1:] * shadowing_db[:, :-lag, 1:]) / 36.0
        assert correlation == pytest.approx(np.exp(-5.0 * lag / 50.0), abs=0.03)


def test_shadowing_of_those_who_stay(tmp_path: Path) -> None:
    steady = changed(shadowing="6 dB", multipath="rician", rician_k="200 dB", fading="step")
    loss = 10.0 * np.log10(fading_of(draw_tapes(every_second(tmp_path, steady, 5), 0, 0, 512)))
    np.testing.assert_allclose(loss, np.broadcast_to(loss[:, :1], loss.shape), atol=1e-6)
    assert loss[:, 0].std() == pytest.approx(6.0, rel=0.05)


def urban(model: UrbanModel, distance_m: float, **channel: str) -> np.ndarray:
    """Losses in dB of links to edges at a ground distance, where the direct path, if there is one, does not fade."""
    scenario = changed(model=model, multipath="rician", rician_k="200 dB", **channel)
    scenario = with_context(scenario, {"servers.edge.distance": f"{distance_m} m"})
    snr = draw_tapes(scenario, 0, 0, 512).snr[:, :, 1:]
    return np.asarray(10.0 * np.log10(0.01 / (10.0**-20.4 * 16.6e6) / snr))


@pytest.mark.parametrize(("model", "loss_db"), [("uma", 28.0 + 22.0 * 1.4465), ("umi", 32.4 + 21.0 * 1.2334)])
def test_shadowing_with_a_line_of_sight(model: UrbanModel, loss_db: float) -> None:
    """At 15 m all have one: d_3 = √(15² + 23.5²) = 27.88 m, or √(15² + 8.5²) = 17.24 m; log10 3.5 GHz = 0.5441."""
    losses_db = urban(model, 15.0)
    assert losses_db.mean() == pytest.approx(loss_db + 20.0 * 0.5441, abs=0.15)
    assert losses_db.std() == pytest.approx(4.0, rel=0.02)


@pytest.mark.parametrize(("model", "sigma_db"), [("uma", 6.0), ("umi", 7.82)])
def test_shadowing_without_a_line_of_sight(model: UrbanModel, sigma_db: float) -> None:
    """At 50 km nearly none has one. Rayleigh fading adds π/√6·10/ln 10 = 5.57 dB."""
    assert urban(model, 50_000.0).std() == pytest.approx(np.hypot(sigma_db, 5.57), rel=0.03)


@pytest.mark.parametrize("model", ["uma", "umi"])
@pytest.mark.parametrize("distance_m", [40.0, 120.0])
def test_share_of_lines_of_sight(model: UrbanModel, distance_m: float) -> None:
    """The mean loss is that of both states, weighed by the probability of a line of sight."""
    probability = line_of_sight_probability(model, np.array(distance_m)).item()
    height_m = CELLS[model].base_station_height_m
    both = np.full(2, distance_m), np.array([True, False])
    seen, hidden = urban_path_loss_db(model, *both, 3.5e9, height_m, 1.5)
    hidden += 2.507  # mean of −10·log10 |h|² for Rayleigh fading: Euler's constant·10/ln 10
    expected = probability * seen + (1.0 - probability) * hidden
    assert urban(model, distance_m).mean() == pytest.approx(expected, abs=0.25)


def test_the_state_of_the_line_of_sight_along_a_path(tmp_path: Path) -> None:
    """In each place the share is P_LOS; both places at once follow the Gaussian copula of correlation e^{−d/50 m}."""
    scenario = every_second(tmp_path, changed(model="uma"), 30, walk_m=10.0)
    (tmp_path / "s.csv").write_text("x_m,y_m\n" + "150,40\n" * 6)
    reel = Reel(scenario, 0, 0, 0, 2000)
    _, cpu_hz = draw_servers(reel)
    tasks = draw_tasks(reel, cpu_hz)
    dispatches = dispatches_of(reel, tasks)
    links = links_of(reel, tasks, dispatches, draw_places(reel, tasks, dispatches))
    seen = UrbanMacro().draw_line_of_sight(links, reel.generator(Phenomenon.LINE_OF_SIGHT))[:, :, 1:]
    probability = line_of_sight_probability("uma", np.hypot(150.0 - 10.0 * np.arange(30), 40.0))
    np.testing.assert_allclose(seen.mean(axis=(0, 2)), probability, atol=0.02)
    for before, after in ((0, 1), (3, 13), (10, 12), (14, 29)):
        quantiles = stats.norm.ppf(probability[[before, after]])
        rho = np.exp(-10.0 * (after - before) / 50.0)
        both = stats.multivariate_normal.cdf(quantiles, cov=[[1.0, rho], [rho, 1.0]])
        assert np.mean(seen[:, before] & seen[:, after]) == pytest.approx(both, abs=0.02)


def test_rates_follow_from_the_snr() -> None:
    for adaptation in ("shannon", "cqi"):
        tapes = draw_tapes(changed(model="umi", adaptation=adaptation), 0, 0, 8)
        if adaptation == "shannon":
            expected = 16.6e6 * np.log2(1.0 + tapes.snr)
            np.testing.assert_allclose(tapes.rate_bit_per_s, expected, rtol=1e-6, atol=1e-6)
        else:
            assert tapes.rate_bit_per_s.max() <= 16.6e6 * 5.5547
            assert (tapes.rate_bit_per_s > 0.0).all()


@pytest.mark.parametrize("model", ["gmorl", "rayleigh", "uma", "umi"])
@pytest.mark.parametrize("fading", ["episode", "step", "ar1"])
@pytest.mark.parametrize("mobility", ["none", "fixed", "waypoint"])
def test_every_combination_is_a_valid_tape(model: str, fading: str, mobility: str) -> None:
    context = {"channel.model": model, "channel.fading": fading, "users.mobility.model": mobility}
    scenario = with_context(offload_scenario("gmorl"), context)
    tapes = draw_tapes(scenario, 0, 60, 8)
    tapes._check()
    tapes.check_fits(scenario)
    rows = 10 if fading == "episode" and mobility != "waypoint" else tapes.user.shape[1]
    assert tapes.rate_bit_per_s.shape == (8, rows, 9)
