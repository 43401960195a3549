"""Pareto Q-learning on a problem whose Pareto sets are known, and on offloading."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mecsim.core.episodes import Arrays
from mecsim.policies import calibrate
from mecsim.scenario import with_context
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.episodes import batched_episodes
from mecsim.systems.offload.layout import EXECUTING, RATE_MBIT_PER_S, SIZE_MBIT
from mecsim.systems.offload.policies.pareto_q import (
    LEAST_LOADED,
    STATES,
    Discretiser,
    ParetoQConfig,
    ParetoQPolicy,
    ParetoTable,
    fitted_table,
)
from mecsim.systems.offload.policies.simple import RandomPolicy
from mecsim.systems.offload.scenario import OffloadScenario
from tests.one_system import OffloadPolicy, offload_scenario
from tests.one_system import play_offload as play
from tests.systems.offload.fitted import DEVICE, NO_CLOUD, RANGE, SMALL

DIRECTIONS = np.array([[w, 1.0 - w] for w in np.linspace(0.0, 1.0, 11)])


def toy() -> ParetoTable:
    """Two steps. The first choice looks cheap (action 0) or dear (1) now, and decides what the second one costs.

    From state 0 action 0 leads to state 1, where both actions cost (8, 8) on average, and action 1 to state 2, where
    one may choose between (0, 4) and (4, 0).
    """
    rng = np.random.default_rng(0)
    table = ParetoTable(states=3, actions=2, directions=DIRECTIONS, discount=1.0, step_exponent=0.7)
    for _ in range(400):
        first, second = rng.integers(0, 2, 16), rng.integers(0, 2, 16)
        here = np.zeros(16, np.int64)
        there = np.where(first == 0, 1, 2)
        table.update(here, first, np.where(first[:, None] == 0, 0.0, 1.0) * np.ones((1, 2)), there, False)
        noise = rng.choice([-2.0, 2.0], (16, 2))  # around the mean
        late = np.where(there[:, None] == 1, 8.0 + noise, np.where(second[:, None] == 0, [[0.0, 4.0]], [[4.0, 0.0]]))
        table.update(there, second, late, here, True)
    return table


def test_the_sets_are_the_known_ones() -> None:
    table = toy()
    vectors, ruled_out = table.sets(np.array([0, 2]))
    assert_array_equal(ruled_out, 0.0)
    assert_allclose(vectors[0, 0], 8.0, atol=0.5)  # an expectation
    for found in vectors[0, 1]:
        assert np.abs(found - [[1.0, 5.0], [5.0, 1.0]]).sum(axis=1).min() < 0.3
    assert len(np.unique(vectors[0, 1].round(), axis=0)) == 2  # both, as neither dominates
    assert_allclose(vectors[1, 0], np.tile([0.0, 4.0], (11, 1)))


def test_the_choice_looks_ahead_and_follows_the_weight() -> None:
    table = toy()
    for weight in (0.1, 0.9):
        w = np.array([[weight, 1.0 - weight]])
        assert table.values(np.array([0]), w).argmin() == 1
        assert table.values(np.array([2]), w).argmin() == (0 if weight > 0.5 else 1)
    assert_allclose(table.values(np.array([0]), np.array([[1.0, 0.0]]))[0, 1], 1.0, atol=0.2)


def test_an_action_never_tried_is_not_taken_for_free() -> None:
    table = ParetoTable(2, 2, DIRECTIONS, 1.0, 0.7)
    table.update(np.array([0]), np.array([1]), np.array([[3.0, 3.0]]), np.array([0]), True)
    assert table.values(np.array([0]), np.array([[1.0, 0.0]])).argmin() == 1
    table.update(np.array([1]), np.array([0]), np.array([[1.0, 1.0]]), np.array([0]), False)
    assert_allclose(table.values(np.array([1]), np.array([[0.5, 0.5]]))[0, 0], 4.0)


def test_states_and_choices() -> None:
    """Four rows by hand: what each choice stands for, and that other sizes and backlogs are other states."""
    discretise = Discretiser((1.0, 2.0, 3.0, 4.0), clouds=1)
    rows = np.zeros((1, 4, 10), np.float32)
    rows[0, :, SIZE_MBIT] = 2.5
    rows[0, :, EXECUTING] = [4, 2, 1, 1]
    rows[0, :, RATE_MBIT_PER_S] = [9, 30, 10, 20]
    observation: Arrays = {"options": rows, "mask": np.ones((1, 4), np.int8), "context": np.array([[1.0, 2.5, 1.0]])}
    state, servers = discretise(observation)
    assert_array_equal(servers, [[0, 3, 1]])
    seen = {int(state[0])}
    changes: list[tuple[int, int | slice, float]] = [
        (SIZE_MBIT, slice(None), 9.0),
        (EXECUTING, 0, 0),
        (EXECUTING, 1, 9),
        (EXECUTING, 2, 0),
    ]
    for column, server, value in changes:
        other = {**observation, "options": rows.copy()}
        other["options"][0, server, column] = value
        seen.add(int(discretise(other)[0][0]))
    idle = {**observation, "context": np.array([[0.0, 0.0, 1.0]])}
    seen.add(int(discretise(idle)[0][0]))
    assert len(seen) == 6
    absent = {**observation, "mask": np.array([[1, 1, 1, 0]], np.int8)}
    assert_array_equal(discretise(absent)[1], [[0, 2, 1]])
    device = Discretiser((1.0, 2.0, 3.0, 4.0), clouds=1, device=True)  # the last row that exists
    assert_array_equal(device(observation)[1], [[0, 2, 1, 3]])
    assert_array_equal(device(absent)[1], [[0, 1, 1, 2]])


@pytest.mark.parametrize("scenario", [SMALL, RANGE, NO_CLOUD, DEVICE])
def test_states_stay_within_the_table_and_choices_exist(scenario: OffloadScenario) -> None:
    discretise = fitted_table(scenario, ParetoQConfig(rounds=1, episodes=8))[1]
    episodes = batched_episodes(scenario)
    observation = episodes.begin(draw_tapes(scenario, 0, 0, 32))
    rng = np.random.default_rng(0)
    while not episodes.over:
        state, servers = discretise(observation)
        assert ((state >= 0) & (state < STATES)).all()
        assert np.take_along_axis(observation["mask"], servers, axis=1).all()
        observation, _, _ = episodes.step(servers[:, rng.integers(0, discretise.choices)])


@pytest.mark.parametrize("weight", [0.3, 0.5, 0.8])
def test_it_learns_to_offload(weight: float) -> None:
    scenario = with_context(offload_scenario("gmorl-e6"), {"episode.steps": "40"})
    tapes, scale = draw_tapes(scenario, 0, 0, 64), calibrate(scenario).scale
    preference = np.array([weight, 1.0 - weight])

    def cost(policy: OffloadPolicy) -> float:
        return play(policy, scenario, tapes, preference).totals.mean(axis=0) / scale @ preference

    learned = cost(ParetoQPolicy(scenario, ParetoQConfig(rounds=10, episodes=64)))
    assert learned < 0.9 * min(cost(RandomPolicy(0, p)) for p in (0.0, 0.1, 0.2, 0.3))


def test_a_state_never_met_is_answered_with_the_least_loaded_edge() -> None:
    policy = ParetoQPolicy(SMALL, ParetoQConfig(rounds=1, episodes=1))
    table, discretise = fitted_table(SMALL, ParetoQConfig(rounds=1, episodes=1))
    episodes = batched_episodes(SMALL)
    observation = episodes.begin(draw_tapes(SMALL, 0, 0, 64))
    observation["options"][:, :, EXECUTING] = 9.0
    state, servers = discretise(observation)
    assert not table.visits[state].any()
    assert_array_equal(policy.act(episodes, observation, np.full((64, 2), 0.5)), servers[:, LEAST_LOADED])
