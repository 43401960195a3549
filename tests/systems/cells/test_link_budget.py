"""The signal of cells against a link budget of its own, in decibels, with constants and draws of its own."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mecsim.scenario import with_context
from tests.one_system import cells_scenario, draw_cells

Array = NDArray[np.float64]

THRESHOLD_DB = [-6.7, -4.7, -2.3, 0.2, 2.4, 4.3, 5.9, 8.1, 10.3, 11.7, 14.1, 16.3, 18.7, 21.0, 22.7]
BLOCKS, DISTANCE_M, POWER_DBM, NOISE_FIGURE_DB = 50, 900.0, 36.0, 7.0
SAMPLES = 60_000


def sinr_db(sites: int, fading: bool, interference: bool) -> Array:
    """SINR of users' links to each site, (SAMPLES, sites): UMa at 2 GHz, 25 m above ground, users at 1.5 m.

    A user is uniform in a disc around a random site that is as large as the site's hexagon.
    """
    rng = np.random.default_rng(20)
    angle = np.arange(6) * np.pi / 3.0
    site_m = DISTANCE_M * np.vstack([np.zeros((1, 2)), np.stack([np.cos(angle), np.sin(angle)], axis=1)])[:sites]
    area_m2 = np.sqrt(3.0) / 2.0 * DISTANCE_M**2
    square_m = rng.uniform(-1.0, 1.0, (2 * SAMPLES, 2))
    inside = square_m[(square_m**2).sum(axis=1) < 1.0][:SAMPLES] * np.sqrt(area_m2 / np.pi)
    assert len(inside) == SAMPLES
    place_m = inside + site_m[rng.integers(sites, size=SAMPLES)]
    ground_m = np.sqrt(((place_m[:, None] - site_m) ** 2).sum(axis=2)).clip(10.0)
    slant_m = np.sqrt(ground_m**2 + 23.5**2)
    break_m = 4.0 * 24.0 * 0.5 * 2e9 / 299_792_458.0
    near_db = 28.0 + 22.0 * np.log10(slant_m) + 20.0 * np.log10(2.0)
    far_db = 28.0 + 40.0 * np.log10(slant_m) + 20.0 * np.log10(2.0) - 9.0 * np.log10(break_m**2 + 23.5**2)
    seen_db = np.where(ground_m < break_m, near_db, far_db)
    hidden_db = np.maximum(seen_db, 13.54 + 39.08 * np.log10(slant_m) + 20.0 * np.log10(2.0))
    likely = np.where(ground_m <= 18.0, 1.0, 18.0 / ground_m + np.exp(-ground_m / 63.0) * (1.0 - 18.0 / ground_m))
    sight = rng.random(likely.shape) < likely
    loss_db = np.where(sight, rng.normal(seen_db, 4.0), rng.normal(hidden_db, 6.0))
    fading_db = 10.0 * np.log10(rng.exponential(1.0, loss_db.shape)) if fading else 0.0
    received_dbm = POWER_DBM - 10.0 * np.log10(BLOCKS) - loss_db + fading_db  # the power is spread over the blocks
    noise_mw = 10.0 ** ((-174.0 + 10.0 * np.log10(180e3) + NOISE_FIGURE_DB) / 10.0)
    received_mw = 10.0 ** (received_dbm / 10.0)
    others_mw = received_mw.sum(axis=1, keepdims=True) - received_mw if interference else 0.0
    return 10.0 * np.log10(received_mw / (noise_mw + others_mw))


@pytest.mark.parametrize(
    ("sites", "fading", "interference"),
    [(1, False, False), (1, True, False), (7, False, False), (7, False, True), (7, True, True)],
)
def test_cqi_by_an_independent_link_budget(sites: int, fading: bool, interference: bool) -> None:
    """How often each CQI is had from the strongest cell, and from the second one."""
    candidates = min(sites, 2)
    scenario = with_context(
        cells_scenario("personalized-quick"),
        {
            "users.count": "400",
            "episode.requests": "200",
            "cells.count": str(sites),
            "cells.candidates": str(candidates),
            "cells.blocks": str(BLOCKS),
            "cells.distance": f"{DISTANCE_M} m",
            "radio.tx_power": f"{10.0 ** (POWER_DBM / 10.0)} mW",
            "radio.noise_figure": f"{NOISE_FIGURE_DB} dB",
            "radio.fading": "rayleigh" if fading else "none",
            "radio.interference": str(interference).lower(),
        },
    )
    given = draw_cells(scenario, 0, 0, 192).cqi.reshape(-1, candidates)
    strongest_first = -np.sort(-sinr_db(sites, fading, interference), axis=1)
    for candidate in range(candidates):
        expected = (strongest_first[:, candidate, None] >= THRESHOLD_DB).mean(axis=0)
        at_least = (given[:, candidate, None] >= np.arange(1, 16)).mean(axis=0)
        assert ((expected > 0.1) & (expected < 0.9)).sum() > 1  # an error moves them
        np.testing.assert_allclose(at_least, expected, atol=0.012)
