"""Links against closed forms, and the two regimes that the documentation describes."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from mecsim.physics.channel import cqi as rates
from mecsim.physics.channel import link
from mecsim.physics.channel.fading import rician_power
from mecsim.physics.channel.gmorl import gmorl_snr
from mecsim.scenario import with_context
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import offload_scenario


@pytest.mark.parametrize(("snr_db", "bit_per_s_per_hz"), [(0.0, 0.8603), (10.0, 2.9065), (20.0, 5.8840)])
def test_ergodic_rayleigh_capacity(snr_db: float, bit_per_s_per_hz: float) -> None:
    """E[log2(1 + γX)] = log2(e)·e^{1/γ}·E1(1/γ) for X exponential of mean 1."""
    snr = 10.0 ** (snr_db / 10.0)
    exact = np.log2(np.e) * np.exp(1.0 / snr) * special.exp1(1.0 / snr)
    assert exact == pytest.approx(bit_per_s_per_hz, rel=1e-4)
    bandwidth_hz, noise_w, tx_power_w = 1e6, 4e-15, 0.01
    fading = np.random.default_rng(1).standard_exponential(1_000_000)
    gain = fading * snr * noise_w / tx_power_w
    rate = rates.rate_bit_per_s(link.link_snr(gain, tx_power_w, noise_w), bandwidth_hz) / bandwidth_hz
    assert 3.0 * rate.std() / 1000.0 < 0.01 * exact  # so that 1 % is not luck
    assert rate.mean() == pytest.approx(exact, rel=0.01)


def test_decibels_and_noise() -> None:
    assert link.from_db(30.0) == pytest.approx(1000.0)
    assert link.from_db(-3.0) == pytest.approx(0.5012, rel=1e-4)
    assert link.noise_power_w(1.0) == pytest.approx(10 ** (-20.4))  # −174 dBm/Hz = −204 dBW/Hz
    assert 10 * np.log10(link.noise_power_w(10e6)) + 30 == pytest.approx(-104.0)
    assert link.noise_power_w(10e6, 6.0) == pytest.approx(link.noise_power_w(10e6) * 10**0.6)


def test_path_loss_is_a_line_in_log_distance() -> None:
    loss_db = link.path_loss_db(np.array([10.0, 100.0, 1000.0, 2000.0]), 35.0, 133.6)
    np.testing.assert_allclose(loss_db, [63.6, 98.6, 133.6, 133.6 + 35.0 * np.log10(2.0)], rtol=1e-12)


def test_shannon_at_known_points() -> None:
    rate = rates.rate_bit_per_s(np.array([0.0, 1.0, 3.0, 1023.0]), 2e6)
    np.testing.assert_allclose(rate, [0.0, 2e6, 4e6, 20e6], rtol=1e-15)


@pytest.mark.parametrize("snr", [1e-9, 1e-17, 1e-40])
def test_weak_links_are_exact(snr: float) -> None:
    """C → W·SNR/ln 2: not zero, although 1 + SNR rounds to 1."""
    rate = rates.rate_bit_per_s(np.array([snr]), 1e6)[0]
    assert rate == pytest.approx(1e6 * snr / np.log(2.0) * (1.0 - snr / 2.0), rel=1e-12)
    assert rate > 0.0


def test_gmorl_law() -> None:
    """C = W·log2(1 + p·(g/N)²/N), as the published results have it."""
    gain, noise_w = np.array([1e-13, 3e-12]), 6.6e-14
    rate = rates.rate_bit_per_s(gmorl_snr(gain, 0.01, noise_w), 16.6e6)
    np.testing.assert_allclose(rate, 16.6e6 * np.log2(1.0 + 0.01 * (gain / noise_w) ** 2 / noise_w), rtol=1e-12)


# SINR in dB and efficiency in bit/s/Hz: just at, below and above thresholds of the table in TS 38.214.
CQI_POINTS = [
    (-6.7, 0.1523), (-4.71, 0.1523), (-4.69, 0.2344), (0.0, 0.3770), (0.21, 0.6016), (10.0, 1.9141), (10.31, 2.4063),
    (20.0, 4.5234), (22.69, 5.1152), (22.71, 5.5547), (60.0, 5.5547),
]  # fmt: skip


@pytest.mark.parametrize(("sinr_db", "efficiency"), CQI_POINTS)
def test_cqi_table(sinr_db: float, efficiency: float) -> None:
    sinr = 10.0 ** (sinr_db / 10.0) * (1.0 + 1e-12)
    assert rates.rate_bit_per_s(np.array([sinr]), 10e6, "cqi")[0] == pytest.approx(10e6 * efficiency, rel=1e-12)


def test_repetition_below_the_cqi_table() -> None:
    """A link of half the least SINR sends everything twice: half the rate, and never none."""
    least = 10.0**-0.67
    rate = rates.rate_bit_per_s(least * np.array([1.0, 0.5, 0.1, 1e-9]), 1e6, "cqi")
    np.testing.assert_allclose(rate, 1e6 * 0.1523 * np.array([1.0, 0.5, 0.1, 1e-9]), rtol=1e-12)


def test_cqi_is_below_the_capacity_and_rises_with_it() -> None:
    sinr = 10.0 ** np.linspace(-6.0, 2.2, 2000)
    cqi, shannon = rates.rate_bit_per_s(sinr, 1.0, "cqi"), rates.rate_bit_per_s(sinr, 1.0, "shannon")
    assert (np.diff(cqi) >= 0.0).all()
    assert (cqi < shannon).all()


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-30, 1e12), st.sampled_from([1.0, 16.6e6]))
def test_compiled_and_array_rates_agree(sinr: float, bandwidth_hz: float) -> None:
    """Both engines call the compiled one where uploads interfere, and take the other from the tape where not."""
    cases: tuple[tuple[Literal["shannon", "cqi"], bool], ...] = (("shannon", False), ("cqi", True))
    for adaptation, cqi in cases:
        expected = rates.rate_bit_per_s(np.array([sinr]), bandwidth_hz, adaptation)[0]
        assert rates.link_rate_bit_per_s(sinr, bandwidth_hz, cqi) == pytest.approx(expected, rel=4e-16)


def test_compiled_and_array_rates_agree_at_thresholds() -> None:
    for threshold in rates.CQI_SINR:
        for sinr in (np.nextafter(threshold, 0.0), threshold, np.nextafter(threshold, 1e9)):
            expected = rates.rate_bit_per_s(np.array([sinr]), 1e6, "cqi")[0]
            assert rates.link_rate_bit_per_s(sinr, 1e6, True) == expected


@pytest.mark.parametrize("k_db", [-np.inf, 0.0, 9.0, 15.0])
def test_rician_moments(k_db: float) -> None:
    """Power of mean 1 and variance (1 + 2k)/(1 + k)², from 1 (Rayleigh) to 0 (only the direct path)."""
    parts = np.random.default_rng(3).standard_normal((1_000_000, 2)) * np.sqrt(0.5)
    power = rician_power(parts.view(np.complex128)[:, 0], k_db)
    k = 10.0 ** (k_db / 10.0)
    variance = (1.0 + 2.0 * k) / (1.0 + k) ** 2
    assert power.mean() == pytest.approx(1.0, abs=4e-3)
    assert power.var() == pytest.approx(variance, rel=0.01)


def test_rician_distribution() -> None:
    """P(|h|² < x) is 1 − Q_1(√2k, √2(k+1)x): the noncentral χ² of two degrees of freedom."""
    parts = np.random.default_rng(4).standard_normal((400_000, 2)) * np.sqrt(0.5)
    power = rician_power(parts.view(np.complex128)[:, 0], 6.0)
    k = 10.0**0.6
    for x in (0.2, 0.7, 1.0, 1.8):
        assert np.mean(power < x) == pytest.approx(stats.ncx2.cdf(2.0 * (k + 1.0) * x, 2, 2.0 * k), abs=3e-3)


def test_rates_of_the_gmorl_regime() -> None:
    """Mean rates of about 415 Mbit/s to the cloud and 720 Mbit/s to an edge, so that uploads take a fraction of Δt."""
    rate = draw_tapes(offload_scenario("gmorl-e6"), 0, 0, 1024).rate_bit_per_s
    assert rate[:, :, 0].mean() == pytest.approx(415e6, rel=0.03)
    assert rate[:, :, 1:].mean() == pytest.approx(720e6, rel=0.03)


def rayleigh(**changes: str) -> OffloadTapes:
    assignments = {"channel.model": "rayleigh", **{f"channel.{key}": value for key, value in changes.items()}}
    return draw_tapes(with_context(offload_scenario("gmorl-e6"), assignments), 0, 0, 512)


def test_textbook_link_budget_is_thousands_of_times_slower() -> None:
    """With the same numbers the cloud gets tens of kbit/s, so that an upload of 16 Mbit lasts minutes.

    Log-normal shadowing of 8 dB leaves the median alone but raises the mean fivefold (e^{(0.8·ln 10)²/2} = 5.5).
    """
    clear, shadowed = (rayleigh(shadowing=f"{db} dB").rate_bit_per_s[:, :, 0] for db in (0, 8))
    assert 2e4 < np.median(clear) < 4e4
    assert 2e4 < np.median(shadowed) < 4e4
    assert 3e4 < np.mean(clear) < 1e5
    assert np.median(16e6 / shadowed) > 120.0


def test_rayleigh_rate_follows_from_distance_and_fading() -> None:
    """Without shadowing, in the weak-link limit, the mean rate at a distance is W·p·g/(N·ln 2)."""
    tapes = rayleigh(shadowing="0 dB", tx_power="0.001 mW")
    distance_m, rate = tapes.distance_m[:, :, 0], tapes.rate_bit_per_s[:, :, 0]
    snr = 1e-6 * 10 ** (-(35.0 * np.log10(distance_m / 1000.0) + 133.6) / 10.0) / (10 ** (-20.4) * 16.6e6)
    assert snr.max() < 1e-4
    fading = rate / (16.6e6 * snr / np.log(2.0))  # unit-mean exponential
    assert fading.mean() == pytest.approx(1.0, rel=0.05)
    assert fading.var() == pytest.approx(1.0, rel=0.1)
    assert np.mean(fading < np.log(2.0)) == pytest.approx(0.5, abs=0.02)


def test_shadowing_and_noise_figure_of_rayleigh() -> None:
    """Shadowing is log-normal of the given deviation; the noise figure shifts every weak link by its decibels."""
    weak = {"tx_power": "0.0001 mW"}
    clear, shadowed = (rayleigh(shadowing=f"{db} dB", **weak).rate_bit_per_s[:, :, 0] for db in (0, 8))
    shadowing_db = 10.0 * np.log10(shadowed / clear)  # same fading, as draws do not depend on the deviation
    assert shadowing_db.mean() == pytest.approx(0.0, abs=0.5)
    assert shadowing_db.std() == pytest.approx(8.0, rel=0.03)
    noisy = rayleigh(shadowing="0 dB", noise_figure="7 dB", **weak).rate_bit_per_s[:, :, 0]
    np.testing.assert_allclose(10.0 * np.log10(clear / noisy), 7.0, atol=1e-3)


def test_distances_are_within_their_ranges() -> None:
    tapes = draw_tapes(offload_scenario("gmorl"), 0, 0, 256)
    cloud_m, edge_m = tapes.distance_m[:, :, 0], tapes.distance_m[:, :, 1:]
    edge_m = edge_m[edge_m > 0.0]
    assert (cloud_m.min(), cloud_m.max()) == (pytest.approx(1000, rel=0.01), pytest.approx(2000, rel=0.01))
    assert (edge_m.min(), edge_m.max()) == (pytest.approx(50, rel=0.02), pytest.approx(500, rel=0.01))
    assert cloud_m.mean() == pytest.approx(1500, rel=0.02)
