"""The choice among measured preferences: against brute force, with intervals that hold."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mecsim.errors import InputError
from mecsim.policies import Calibration
from mecsim.scenario import load_scenario
from mecsim.sweep import (
    Choice,
    Front,
    Goal,
    Limit,
    Nothing,
    choose_preference,
    default_goal,
    preference_grid,
    yardsticks,
)
from mecsim.sweep.details import Details
from mecsim.sweep.yardsticks import named_yardstick
from tests.training.small import small_scenario

SCENARIO = small_scenario()
CALIBRATION = Calibration(np.array([10.0, 1.0]), np.array([100.0, 10.0]), "made up")


def made_up(target: str, seed: int, preferences: int = 7, episodes: int = 30) -> Front:
    """Totals of delay that fall with its weight and energies that rise, with noise that preferences share."""
    rng = np.random.default_rng(seed)
    grid = preference_grid(2, preferences)
    means = np.stack([60.0 - 40.0 * grid[:, 0], 2.0 + 5.0 * grid[:, 0] ** 2], axis=1)
    noise = rng.normal(size=(1, episodes, 2)) + 0.3 * rng.normal(size=(preferences, episodes, 2))
    totals = means[:, None] + noise * [5.0, 0.4]
    quantities = {"delay_per_task_s": totals[:, :, 0] / 8.0, "cloud_share": rng.uniform(size=totals.shape[:2])}
    tails = {"task_delay_s": np.sort(rng.uniform(1.0, 9.0, (preferences, 4, 3)), axis=2)[:, :, [1, 0, 2]]}
    return Front(target, grid, totals, details=Details(quantities, tails))


FRONTS = [made_up("one", 1), made_up("other", 2)]
KNOWN = yardsticks(SCENARIO, FRONTS)


@settings(max_examples=60, deadline=None)
@given(
    limits=st.lists(
        st.tuples(
            st.sampled_from(["delay", "energy", "delay_per_task", "task_delay_p95", "energy_p50"]),
            st.booleans(),
            st.floats(0.0, 1.0),
        ),
        max_size=3,
    ),
    goal=st.sampled_from(["energy", "delay", "cloud_share"]),
    smallest=st.booleans(),
)
def test_the_choice_is_that_of_brute_force(limits: list[tuple[str, bool, float]], goal: str, smallest: bool) -> None:
    def value(name: str, front: Front, k: int) -> float:
        """Told anew from the episodes."""
        if name == "task_delay_p95":
            return float(front.details.tails["task_delay_s"][k, 2, 0])
        if name in ("delay_per_task", "cloud_share"):
            return float(front.quantities["delay_per_task_s" if name == "delay_per_task" else name][k].mean())
        column = front.totals[k, :, ["delay", "energy", "energy_p50"].index(name) and 1]
        return float(np.quantile(column, 0.5, method="inverted_cdf") if name == "energy_p50" else column.mean())

    places = [(front, k) for front in FRONTS for k in range(len(front.preferences))]
    asked = []
    for name, at_most, share in limits:
        each = [value(name, *place) for place in places]
        asked.append((name, at_most, float(np.quantile(each, share))))
    fitting = [
        place
        for place in places
        if all(
            value(name, *place) <= level if at_most else value(name, *place) >= level for name, at_most, level in asked
        )
    ]
    wanted = [Limit(named_yardstick(name, KNOWN), at_most, level) for name, at_most, level in asked]
    found = choose_preference(FRONTS, wanted, Goal(KNOWN[goal], smallest))
    if not fitting:
        assert isinstance(found, Nothing)
        return
    assert isinstance(found, Choice)
    best = min(fitting, key=lambda place: value(goal, *place) * (1.0 if smallest else -1.0))
    assert (found.front.target, found.index) == (best[0].target, best[1])
    assert (found.meeting, found.considered) == (len(fitting), 14)


def test_what_is_reached_and_what_targets_cost() -> None:
    limit = Limit(KNOWN["delay"], True, 45.0)
    found = choose_preference(FRONTS[:1], [limit], Goal(KNOWN["energy"], True))
    assert isinstance(found, Choice)
    chosen = FRONTS[0].totals[found.index]
    reached = found.reached(KNOWN["energy"])
    assert_allclose(reached.value, chosen[:, 1].mean())
    assert_allclose(reached.high - reached.value, FRONTS[0].ci95[found.index, 1])
    apart = chosen[:, 1] - FRONTS[0].totals[FRONTS[0].mean[:, 1].argmin(), :, 1]
    assert found.price == pytest.approx(apart.mean())
    assert found.price_ci95 is not None
    assert found.price_ci95 < reached.high - reached.value  # pairs have less noise


def test_sure_asks_for_the_whole_interval() -> None:
    limit = Limit(KNOWN["delay"], True, float(FRONTS[0].mean[3, 0]) + 0.1)
    near = choose_preference(FRONTS[:1], [limit], Goal(KNOWN["energy"], True))
    sure = choose_preference(FRONTS[:1], [limit], Goal(KNOWN["energy"], True), sure=True)
    assert isinstance(near, Choice)
    assert isinstance(sure, Choice)
    assert (near.index, sure.index) == (3, 4)
    single = [Front("x", FRONTS[0].preferences, FRONTS[0].totals[:, :1])]
    with pytest.raises(InputError, match="so few episodes leave no interval"):
        choose_preference(single, [limit], Goal(KNOWN["energy"], True), sure=True)


def test_nothing_says_what_each_limit_could_be() -> None:
    low, high = Limit(KNOWN["delay"], True, 1.0), Limit(KNOWN["energy"], False, 3.0)
    found = choose_preference(FRONTS, [low, high], Goal(KNOWN["energy"], True))
    assert isinstance(found, Nothing)
    (first, reached, choice), (second, able, _) = found.best
    assert (first, second) == (low, high)
    assert_allclose(reached.value, min(front.mean[:, 0].min() for front in FRONTS))
    assert choice.front.mean[choice.index, 0] == reached.value
    assert able.value >= 3.0


def test_the_interval_holds_on_fresh_episodes() -> None:
    """The true mean of what was chosen by one lot of episodes lies in its interval as often as it says."""
    held, runs = 0, 300
    for seed in range(runs):
        front = made_up("one", 1000 + seed, preferences=21, episodes=60)
        known = yardsticks(SCENARIO, [front])
        found = choose_preference([front], [Limit(known["delay"], True, 40.0)], Goal(known["energy"], True))
        assert isinstance(found, Choice)
        weight = front.preferences[found.index, 0]
        reached = found.reached(known["delay"])
        held += reached.low <= 60.0 - 40.0 * weight <= reached.high
    assert 0.91 <= held / runs <= 0.99


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("delay", "900", 900.0),
        ("delay_per_task", "5s", 5.0),
        ("delay_per_task_s", "5 s", 5.0),
        ("task_delay_p95", "1 min", 60.0),
        ("task_delay_s_p95", "250ms", 0.25),
        ("energy", "3 J", 3.0),
        ("cloud_share", "2 %", 0.02),
        ("cloud_share", "0.5", 0.5),
    ],
)
def test_names_and_values_as_people_write_them(name: str, text: str, value: float) -> None:
    assert named_yardstick(name, KNOWN).parsed(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("delay", "5 J", "expected a duration"),
        ("delay", "much", "expected a duration"),
        ("delay", "5 %", "expected a duration"),
        ("cloud_share", "5 s", "expected a number"),
        ("cloud_share", "%", "expected a number"),
        ("energy", "", "expected an energy"),
    ],
)
def test_wrong_values_are_refused(name: str, text: str, told: str) -> None:
    with pytest.raises(InputError, match=f"{name}={text}: {told}"):
        named_yardstick(name, KNOWN).parsed(text)


def test_a_misspelt_name_is_met_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"delay_per_tsk: is no number of this sweep, .*delay_per_task_s.*--list"):
        named_yardstick("delay_per_tsk", KNOWN)


def limits_of(*names: str) -> list[Limit]:
    return [Limit(named_yardstick(name, KNOWN), True, 1.0) for name in names]


@pytest.mark.parametrize(
    ("named", "goal"),
    [
        (("delay",), "energy"),
        (("delay_per_task",), "energy"),
        (("energy",), "delay"),
        ((), "cost"),
        (("delay", "energy"), "cost"),
    ],
)
def test_what_no_target_names_shall_be_least(named: tuple[str, ...], goal: str) -> None:
    found = default_goal(SCENARIO, CALIBRATION, limits_of(*named), list(KNOWN.values()))
    assert (found.yardstick.name, found.smallest) == (goal, True)


def test_the_even_weighted_cost_is_in_scales() -> None:
    cost = default_goal(SCENARIO, CALIBRATION, [], list(KNOWN.values())).yardstick.estimates(FRONTS[0])
    assert_allclose(cost.value, (FRONTS[0].mean / [10.0, 1.0]).mean(axis=1))


def test_satisfaction_is_better_when_larger() -> None:
    scenario = load_scenario("personalized-quick")
    rng = np.random.default_rng(0)
    front = Front("x", preference_grid(2, 3), rng.uniform(0.0, 1.0, (3, 9, 2)))
    known = yardsticks(scenario, [front])
    goal = default_goal(scenario, CALIBRATION, [Limit(known["saved_resources"], False, 0.0)], list(known.values()))
    assert (goal.yardstick.name, goal.smallest) == ("satisfaction", False)
    found = choose_preference([front], [], goal)
    assert isinstance(found, Choice)
    assert found.index == front.mean[:, 0].argmin()  # costs are what is missing to the best
    assert_allclose(found.reached(known["satisfaction"]).value, 5.0 - front.mean[:, 0].min())


def test_trainings_widen_intervals() -> None:
    runs = [made_up("seed", seed) for seed in (1, 2, 3)]
    shifted: list[Any] = [Front("run", one.preferences, one.totals + 20.0 * i) for i, one in enumerate(runs)]
    front = Front.over("runs", shifted)
    reached = yardsticks(SCENARIO, [front])["delay"].estimates(front)
    assert_allclose(reached.high - reached.value, front.trainings_ci95[:, 0])
    assert (reached.high - reached.value > front.ci95[:, 0]).all()
