"""People who remember: both engines agree, and what they do is what the equations say, by calculations of their own."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from mecsim.core.engine import Observation
from mecsim.people.memory import Memory
from mecsim.systems.cells.layout import CHURN, SATISFACTION, SATISFIED, SAVED
from mecsim.systems.cells.quantities import recorded_objectives
from tests.systems.cells.cells import ENGINES, Case, Played, assert_same_play, cases, fitting, hand_made, play


@settings(max_examples=100)
@given(case=cases(memory=True))
def test_any_tape_any_actions_any_memory(case: Case) -> None:
    truth = play("simpy", case)
    assert_same_play(truth, play("batched", case, truth.actions), atol=1e-12)


@settings(max_examples=50)
@given(case=cases(memory=True))
def test_rewards_sum_to_what_the_records_tell(case: Case) -> None:
    played = play("batched", case)
    told = recorded_objectives(played.records, case.tapes, case.scenario)
    total = played.reward.sum(axis=0)
    total[:, CHURN] *= -1.0
    np.testing.assert_allclose(total, told, rtol=1e-9, atol=1e-12)


@settings(max_examples=50)
@given(case=cases(memory=True))
def test_who_has_left_asks_for_nothing(case: Case) -> None:
    """Nobody is served, rated, blocked or saved at from the session on with which a user leaves, and only then."""
    played, memory = play("batched", case), case.scenario.memory
    assert memory is not None
    records = played.records
    for n in range(len(case.tapes)):
        below: dict[int, list[bool]] = defaultdict(list)
        for m, user in enumerate(case.tapes.user[n].tolist()):
            window = below[user][-memory.churn.window :] if memory.churn else []
            left = memory.churn is not None and sum(window) >= memory.churn.below
            assert records.left[n, m] == left
            if left:
                assert records.option[n, m] == 0
                assert not records.saved_block_s[n, m]
                assert not records.blocked[n, m]
                assert played.mask[m, n].tolist() == [1] + [0] * (played.mask.shape[2] - 1)
                assert not played.reward[m, n].any()
                assert not played.option_rewards[m, n, 0].any()
            else:
                below[user].append(records.satisfaction[n, m] < 2.0 - 1e-9)


ZONE = [0.25, 0.75, 0.35, 0.95]
MEMORY: dict[str, Any] = {"rise": 0.3, "fall": 0.1, "adequate": 1.0, "desired": 0.5, "churn": None}


def constant(memory: dict[str, Any], option: int, requests: int = 12, zone: list[float] | None = None) -> Played:
    """One user, who gets the same again and again: option 1, 2, 3 at the position 0, log(2.5)/log 4, 1."""
    tapes = hand_made(
        np.arange(1.0, requests + 1.0).tolist(), [0.5] * requests, [[1, 1, 1]] * requests,
        zone=[zone or ZONE] * requests,
    )  # fmt: skip
    case = Case(fitting(tapes, 3, memory=memory), tapes, np.zeros((requests, 1), np.int64))
    return play("batched", case, np.full((requests, 1), option))


@pytest.mark.parametrize(("option", "rate"), [(3, 0.3), (1, 0.1), (0, 0.1)])
def test_levels_come_to_what_people_are_used_to(option: int, rate: float) -> None:
    """Under constant quality the distance shrinks as (1 − rate)^n, by rise or fall."""
    records = constant(MEMORY, option).records
    surprise = (1.0 if option == 3 else 0.0) - 0.5
    used_to = surprise * (1.0 - (1.0 - rate) ** np.arange(12))
    np.testing.assert_allclose(records.adequate[0], 0.25 + used_to, rtol=1e-12)
    np.testing.assert_allclose(records.desired[0], 0.75 + 0.5 * used_to, rtol=1e-12)


def test_a_zone_never_closes() -> None:
    """Where the adequate level would pass the desired one, this stays 0.05 above it."""
    records = constant(MEMORY | {"rise": 1.0, "desired": 0.0}, 3, zone=[0.25, 0.3, 0.25, 0.3]).records
    np.testing.assert_allclose(records.adequate[0, 1:], 0.25 + 0.725, rtol=1e-12)
    np.testing.assert_allclose(records.desired[0, 1:], 1.025, rtol=1e-12)


def test_ratings_follow_the_levels() -> None:
    """With the whole shift at once: used to position 1, the middle 0.5, the zone is 0.75 to 1.0, and 1 is desired."""
    records = constant(MEMORY | {"rise": 1.0}, 3).records
    np.testing.assert_allclose(records.satisfaction[0], [5.0] + [4.0] * 11, rtol=1e-12)
    np.testing.assert_allclose(records.predicted[0, 0], 2.0 + 2.0 * 0.65 / 0.6, rtol=1e-12)
    low, high = 0.35 + 0.35, 0.95 + 0.5 * 0.35  # what is predicted lies 0.65 below what is got, too
    np.testing.assert_allclose(records.predicted[0, 1:], 2.0 + 2.0 * (1.0 - low) / (high - low), rtol=1e-12)


def test_personas_have_a_pace_of_their_own() -> None:
    memory = Memory.model_validate({"rise": 0.3, "fall": 0.1, "personas": {"b": {"rise": 0.7}}})
    np.testing.assert_array_equal(memory.paces(("a", "b")), [[0.3, 0.1], [0.7, 0.1]])


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [("mean", (1.0 + 4.5 + 0.5 + 3.0) / 4.0), ("peak_end", (0.5 + 3.0) / 2.0), ("last", (4.5 + 0.5 + 3.0) / 3.0)],
)
@pytest.mark.parametrize("name", ENGINES)
def test_ratings_combine(name: str, ratings: str, expected: float) -> None:
    """Ratings 1.0, 4.5, 0.5, 3.0 by their positions: 4.5 and 0.5 are as far from 2.5, and the worse one is the peak."""
    position = np.array([0.0, 0.875, -0.125, 0.5])
    zones = [[0.25 + 0.5 - p, 0.75 + 0.5 - p] * 2 for p in position.tolist()]  # so that position 0.5 is rated so
    tapes = hand_made([1.0, 2.0, 3.0, 4.0], [0.5] * 4, [[1, 1]] * 4, zone=zones)
    rates = tapes.rate_bit_per_s
    rates[..., 0] = 2e6  # the position 0.5 between 1 and 4 Mbit/s
    memory = {"rise": 0.0, "fall": 0.0, "ratings": ratings, "churn": None}
    case = Case(fitting(tapes, 3, memory=memory), tapes, np.zeros((4, 1), np.int64))
    played = play(name, case, np.ones((4, 1), np.int64))
    np.testing.assert_allclose(played.records.satisfaction[0], [1.0, 4.5, 0.5, 3.0], rtol=1e-12)
    np.testing.assert_allclose(played.reward[:, 0, SATISFACTION].sum(), expected, rtol=1e-12)
    satisfied = expected >= 2.0
    np.testing.assert_allclose(played.reward[:, 0, SATISFIED].sum(), float(satisfied))


def test_churn_of_a_policy_that_never_satisfies() -> None:
    """Who asks `below` times leaves: of M requests of U users alike a share of P(Binomial(M, 1/U) ≥ below)."""
    episodes, requests, users, below = 400, 60, 15, 3
    user = np.random.default_rng(0).integers(0, users, (episodes, requests))
    left, asking = 0.0, 0.0
    for row in user[:100].tolist():
        tapes = hand_made(
            np.arange(1.0, requests + 1.0).tolist(), [0.5] * requests, [[1, 1]] * requests, users=row,
            zone=[ZONE] * requests,
        )  # fmt: skip
        scenario = fitting(tapes, 3, memory={"churn": {"below": below, "window": 5}})
        played = play("batched", Case(scenario, tapes, np.zeros((requests, 1), np.int64)))
        counts = np.bincount(row, minlength=users)
        share = (counts >= below).sum() / (counts > 0).sum()
        np.testing.assert_allclose(-played.reward[:, 0, CHURN].sum(), share, rtol=1e-12)
        served = np.minimum(counts, below).sum()
        np.testing.assert_allclose(played.reward[:, 0, SAVED].sum(), served / requests, rtol=1e-12)
        left, asking = left + (counts >= below).sum(), asking + (counts > 0).sum()
    chance = stats.binom.sf(below - 1, requests, 1.0 / users) / stats.binom.sf(0, requests, 1.0 / users)
    assert abs(left / asking - chance) < 4.0 * np.sqrt(chance * (1.0 - chance) / asking)


@pytest.mark.parametrize("name", ENGINES)
def test_a_bad_session_is_forgotten_outside_the_window(name: str) -> None:
    """Two of three below: bad, good, good, bad, good, bad lets leave with the last one."""
    tapes = hand_made(np.arange(1.0, 9.0).tolist(), [0.5] * 8, [[1, 1]] * 8, zone=[ZONE] * 8)
    scenario = fitting(tapes, 3, memory={"rise": 0.0, "fall": 0.0, "churn": {"below": 2, "window": 3}})
    options = np.array([[0, 2, 2, 0, 2, 0, 0, 0]]).T
    played = play(name, Case(scenario, tapes, np.zeros((8, 1), np.int64)), options)
    assert played.records.left[0].tolist() == [False] * 6 + [True] * 2
    assert played.reward[:, 0, CHURN].tolist() == [0.0] * 5 + [-1.0, 0.0, 0.0]
    assert played.option_rewards[:6, 0, 0, CHURN].tolist() == [0.0, -1.0, -1.0, 0.0, -1.0, -1.0]  # of a rejection


def test_what_is_shown_of_a_person() -> None:
    """By hand: the context after a session at the demanded rate and a rejection."""
    tapes = hand_made([1.0, 2.0, 3.0], [0.5] * 3, [[1, 1]] * 3, zone=[ZONE] * 3)
    scenario = fitting(tapes, 3, memory=MEMORY | {"churn": {"below": 2, "window": 3}})
    case = Case(scenario, tapes, np.zeros((3, 1), np.int64))
    played = play("batched", case, np.array([[2], [0], [0]]))
    first = case.spec.first_memory
    used_to = 0.3 * 0.35  # above the middle of the predicted zone, 0.65
    np.testing.assert_allclose(played.context[1, 0, first:], [used_to, 0.0, 5.0, 0.0, 0.0, 0.0], rtol=1e-12)
    used_to += 0.1 * (-0.65 - used_to)
    np.testing.assert_allclose(played.context[2, 0, first:], [used_to, 0.0, 2.5, 0.5, 0.0, 0.0], rtol=1e-12)
    row = played.options[2, 0, 2]
    np.testing.assert_allclose(row[11:13], [1.0, 1.0 - 0.35 - used_to], rtol=1e-12)


def test_without_memory_nothing_is_shown_or_recorded_of_it() -> None:
    tapes = hand_made([1.0, 2.0], [0.5] * 2, [[1, 1]] * 2)
    scenario = fitting(tapes, 3)
    played = play("batched", Case(scenario, tapes, np.zeros((2, 1), np.int64)))
    assert played.reward.shape[2] == 2
    assert np.isnan(played.records.adequate).all()
    assert not played.records.left.any()
    assert isinstance(Observation(*(played.options[0], played.mask[0], played.context[0])), Observation)
