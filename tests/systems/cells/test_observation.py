"""The observation of the cells, every number counted anew in plain Python from the tape and the records."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings

from mecsim.core.engine import Observation
from mecsim.systems.cells.layout import (
    ACTIVE,
    CQI,
    FITS,
    MEAN_UTILISATION,
    RESIDUALS,
    USER_RATING,
    UTILISATION,
    cells_spec,
    layout_of,
    mean_durations_s,
    rating_bin,
)
from mecsim.systems.cells.scenario import CellsScenario
from tests.systems.cells.cells import ENGINES, Case, Played, cases, fitting, hand_made, make_scenario, play


@dataclass(frozen=True)
class Moment:
    """What is true when a request of episode `n` arrives."""

    n: int
    step: int
    used: list[int]  # blocks of each cell
    residuals_block_s: list[float]
    ratings: dict[int, list[float]]


def moments(case: Case, played: Played) -> Iterator[Moment]:
    """All requests of all episodes."""
    records, tapes = played.records, case.tapes
    for n in range(len(tapes)):
        for step in range(case.spec.requests):
            now_s = float(tapes.arrival_s[n, step])
            used, residuals, ratings = [0] * case.spec.cells, list[float](), dict[int, list[float]]()
            for m in range(step):
                ratings.setdefault(int(tapes.user[n, m]), []).append(float(records.satisfaction[n, m]))
                if records.end_s[n, m] > now_s:
                    used[records.cell[n, m]] += int(records.blocks[n, m])
                    residuals.append(float(records.blocks[n, m] * (records.end_s[n, m] - now_s)))
            yield Moment(n, step, used, residuals, ratings)


def option_row(case: Case, now: Moment, candidate: int | None, level: int) -> list[float]:
    """The row of serving at `level` (from 0) in a candidate, or of rejection."""
    spec, tapes, at = case.spec, case.tapes, (now.n, now.step)
    application = int(tapes.application[at])
    mean_s = float(case.mean_duration_s[application])
    demanded = int(tapes.blocks[at][0, -1])
    total_block_s = sum(float(tapes.blocks[now.n, m, 0, -1] * tapes.duration_s[now.n, m]) for m in range(spec.requests))
    if candidate is None:
        cells = tapes.cell[at].tolist()
        own = [0.0, 0.0, 0.0, 1.0, 0.0, sum(now.used[c] for c in cells) / len(cells) / spec.blocks, 0.0]
        blocks = 0
    else:
        blocks = int(tapes.blocks[at][candidate, level])
        if tapes.cqi[at][candidate] == 0:
            return [-1.0] * spec.option_width
        used = now.used[tapes.cell[at][candidate]]
        rate = float(tapes.rate_bit_per_s[at][level])
        own = [
            rate / 1e6,
            rate / float(tapes.demand_rate_bit_per_s[at]),
            blocks / spec.blocks,
            1.0 if used + blocks <= spec.blocks else 0.0,
            float(tapes.predicted[at][level]),
            min(1.0, (used + blocks) / spec.blocks),
            float(tapes.cqi[at][candidate]) / 15.0,
        ]
    rates = [float(tapes.min_rate_bit_per_s[at]) / 1e6, float(tapes.demand_rate_bit_per_s[at]) / 1e6]
    one_hot = [1.0 if other == application else 0.0 for other in range(spec.applications)]
    saved = (demanded - blocks) * mean_s / total_block_s if total_block_s else 0.0
    costs = [-own[4] / spec.requests, -saved] if spec.cost_features else []
    return [*own, *rates, math.log10(1.0 + mean_s), *one_hot, *costs]


def counted(values: list[float], width: float, bins: int) -> list[int]:
    """How many values lie in each bin of a width, the last one open; edges a billionth of a width lower."""
    found = [0] * bins
    for value in values:
        found[min(math.floor(value / width + 1e-9), bins - 1)] += 1
    return found


def context_of(case: Case, now: Moment) -> list[float]:
    spec, tapes, at = case.spec, case.tapes, (now.n, now.step)
    own = now.ratings.get(int(tapes.user[at]), [])
    means = [sum(ratings) / len(ratings) for ratings in now.ratings.values()]
    return [
        (spec.requests - now.step) / spec.requests,
        sum(now.used) / (spec.cells * spec.blocks),
        len(now.residuals_block_s) / (spec.cells * spec.blocks),
        sum(own) / len(own) if own else 2.5,
        *(1.0 if period == tapes.period[at] else 0.0 for period in range(6)),
        *(
            count / spec.cells
            for count in counted(now.residuals_block_s, 1.0 / spec.residual_bins_per_block_s, spec.residual_bins)
        ),
        *(count / spec.users for count in counted(means, 5.0 / spec.rating_bins, spec.rating_bins)),
    ]


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=40)
@given(case=cases())
def test_observations_say_what_the_records_say(case: Case, name: str) -> None:
    spec, played = case.spec, play(name, case)
    choices = [(c, k) for c in range(spec.candidates) for k in range(spec.levels)]
    for now in moments(case, played):
        seen, mask = played.options[now.step, now.n], played.mask[now.step, now.n]
        expected = np.array([option_row(case, now, None, 0), *(option_row(case, now, c, k) for c, k in choices)])
        np.testing.assert_allclose(seen, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(mask, expected[:, FITS] == 1.0)
        np.testing.assert_allclose(played.context[now.step, now.n], context_of(case, now), rtol=1e-9, atol=1e-12)
    columns = layout_of(case.scenario).cost_columns
    if columns is not None:
        possible = played.mask[:-1] == 1
        shown, promised = played.options[:-1][..., list(columns)], played.option_rewards[:-1]
        np.testing.assert_array_equal(-shown[possible], promised[possible])


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=20)
@given(case=cases())
def test_after_the_last_request_nothing_is_left(case: Case, name: str) -> None:
    played = play(name, case)
    assert not played.options[-1].any()
    assert not played.context[-1].any()
    assert played.mask[-1, :, 0].all()
    assert not played.mask[-1, :, 1:].any()


@pytest.mark.parametrize("name", ENGINES)
def test_options_that_do_not_fit_are_described_all_the_same(name: str) -> None:
    """Four of five blocks are taken when the second request comes: level 1 fits, level 2 does not."""
    tapes = hand_made([0.0, 1.0], [10.0, 10.0], [[4, 5], [1, 3]])
    case = Case(fitting(tapes, 5, (9.0,)), tapes, np.zeros((2, 1), np.int64))
    played = play(name, case, np.array([[1], [0]]))
    rows = played.options[1, 0]
    assert played.mask[1, 0].tolist() == [1, 1, 0]
    np.testing.assert_allclose(rows[:, FITS], [1.0, 1.0, 0.0])
    np.testing.assert_allclose(rows[:, UTILISATION], [0.8, 1.0, 1.0])
    np.testing.assert_allclose(rows[:, CQI], [0.0, 0.6, 0.6])
    np.testing.assert_allclose(rows[2, :3], [4.0, 1.0, 0.6])
    assert played.context[1, 0, [MEAN_UTILISATION, ACTIVE]].tolist() == [0.8, 0.2]


@pytest.mark.parametrize("name", ENGINES)
def test_ratings_and_residuals_fall_into_the_right_bins(name: str) -> None:
    """Bins of 10 block-s and of one point. User 0 is rated 2 and then rejected; user 1 is rated 5, the highest."""
    tapes = hand_made([0.0, 1.0, 2.0, 3.0], [11.0, 21.0, 9.0, 9.0], [[1, 2]] * 4, users=[0, 1, 0, 0],
                      satisfaction=[[2.0, 2.0], [1.0, 5.0], [3.0, 3.0], [3.0, 3.0]])  # fmt: skip
    case = Case(fitting(tapes, 5, (9.0,), users=4), tapes, np.zeros((4, 1), np.int64))
    played = play(name, case, np.array([[1], [2], [0], [0]]))
    histograms = played.context[:, 0, RESIDUALS:]
    # At 1 s the first has 10 block-s left, on the edge; at 2 s 9, and the second has 2 blocks for 20 s: the last bin.
    assert histograms[1, :4].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert histograms[2, :4].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert histograms[0, 4:].tolist() == [0.0] * 5
    assert histograms[1, 4:].tolist() == [0.0, 0.0, 0.25, 0.0, 0.0]
    assert histograms[2, 4:].tolist() == [0.0, 0.0, 0.25, 0.0, 0.25]
    assert histograms[3, 4:].tolist() == [0.0, 0.25, 0.0, 0.0, 0.25]  # the mean of 2 and 0 lies on an edge
    assert played.context[:4, 0, USER_RATING].tolist() == [2.5, 2.5, 2.0, 1.0]


@pytest.mark.parametrize(
    ("rating", "expected"), [(0.0, 0), (0.499, 0), (0.5, 1), (4.5, 9), (5.0, 9), (0.1 + 0.2 + 0.2, 1)]
)
def test_bins_of_ratings(rating: float, expected: int) -> None:
    assert rating_bin(rating, 10) == expected


def test_shapes_follow_the_system() -> None:
    given = {"levels": 3, "residual_bins": 7, "rating_bins": 3}
    shown, hidden = (make_scenario((1.0,) * 4, **given, cost_features=whether) for whether in (True, False))
    out = Observation.empty(6, layout_of(shown).shape)
    assert out.options.shape == (6, 4, 10 + 4 + 2)
    assert out.mask.shape == (6, 4)
    assert out.context.shape == (6, 4 + 6 + 7 + 3)
    assert (out.options.dtype, out.mask.dtype, out.context.dtype) == (np.float32, np.int8, np.float32)
    assert Observation.empty(6, layout_of(hidden).shape).options.shape == (6, 4, 10 + 4)
    assert layout_of(shown).cost_columns == (14, 15)
    assert layout_of(hidden).cost_columns is None


def test_the_system_of_a_scenario() -> None:
    """Scenario and numbers of the engines say the same."""
    scenario = CellsScenario(
        mecsim=1,
        kind="cells",
        episode={"requests": 33},
        users={"count": 12},
        service={"levels": 3},
        cells={"count": 7, "blocks": 25, "candidates": 2},
        observation={"residual": {"bins": 8, "width_block_s": 250.0}, "rating_bins": 6, "cost_features": False},
    )
    spec, mean_duration_s = cells_spec(scenario), mean_durations_s(scenario)
    applications = scenario.population.applications
    assert spec[:7] == (33, 7, 25, 2, 3, len(applications), 12)
    assert spec[7:11] == (8, 1.0 / 250.0, 6, False)
    assert not spec.memory.on
    assert spec.max_options == 1 + 2 * 3
    assert mean_duration_s.tolist() == [application.duration_s for application in applications.values()]
    for engine in ENGINES.values():
        assert engine(scenario).spec == spec
