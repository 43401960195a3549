"""The batched engine gives the times, rewards and observations of the SimPy engine, to 1e-9, whatever the scenario."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.core.engine import Observation
from mecsim.errors import InputError
from mecsim.scenario import with_context
from mecsim.systems.offload.batched import BatchedOffloadEngine
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import EXECUTING, HISTOGRAM, UPLOADING, offload_spec
from mecsim.systems.offload.scenario import OffloadScenario
from mecsim.systems.offload.tape import OffloadTapes
from tests.one_system import offload_scenario
from tests.systems.offload.offloading import (
    ENGINES,
    Played,
    assert_same_play,
    hand_made,
    optional_scenarios,
    play,
    random_actions,
    scenarios,
)


def both(scenario: OffloadScenario, tapes: OffloadTapes, actions: np.ndarray) -> Played:
    truth = play("simpy", scenario, tapes, actions)
    assert_same_play(truth, play("batched", scenario, tapes, actions))
    return truth


@settings(max_examples=150)
@given(
    scenario=scenarios(),
    seed=st.integers(0, 2**32),
    episodes=st.integers(1, 3),
    crowding=st.sampled_from([0.7, 0.0, 1.0]),
)
def test_any_scenario_any_actions(scenario: OffloadScenario, seed: int, episodes: int, crowding: float) -> None:
    tapes = draw_tapes(scenario, seed, 0, episodes)
    both(scenario, tapes, random_actions(tapes, seed, crowding))


@settings(max_examples=60)
@given(
    scenario=optional_scenarios(),
    seed=st.integers(0, 2**32),
    crowding=st.sampled_from([0.7, 0.0, 1.0]),
)
def test_any_option_any_actions(scenario: OffloadScenario, seed: int, crowding: float) -> None:
    tapes = draw_tapes(scenario, seed, 0, 2)
    both(scenario, tapes, random_actions(tapes, seed, crowding))


@pytest.mark.parametrize(("name", "episodes"), [("gmorl", 120), ("gmorl-test", 80)])
def test_two_hundred_tapes(name: str, episodes: int) -> None:
    scenario = offload_scenario(name)
    tapes = draw_tapes(scenario, 2024, 0, episodes)
    played = both(scenario, tapes, random_actions(tapes, 5))
    assert played.records.dispatched.sum() > 60 * episodes  # the tapes are busy
    assert (played.options[..., EXECUTING] > 1).any()


def test_uploads_that_outlast_many_steps_overlap() -> None:
    """Guards the test above: the extreme scenarios do contain several pending uploads to one server."""
    scenario = with_context(offload_scenario("gmorl-e6"), {"channel.model": "rayleigh", "channel.tx_power": "5 W"})
    tapes = draw_tapes(scenario, 3, 0, 4)
    played = both(scenario, tapes, random_actions(tapes, 3, crowding=0.5))
    assert played.options[..., UPLOADING].max() >= 5
    upload_s = played.records.upload_end_s - played.records.dispatch_s
    assert upload_s.max() > 20.0
    assert (played.options[..., EXECUTING] > 0).any()


def test_stepping_and_observing_at_once_changes_nothing() -> None:
    scenario = offload_scenario("gmorl")
    spec = offload_spec(scenario)
    tapes = draw_tapes(scenario, 8, 0, 70)
    actions = random_actions(tapes, 8)
    apart = play("batched", scenario, tapes, actions)
    engine = BatchedOffloadEngine(scenario)
    engine.begin(tapes)
    for step, action in enumerate(actions):
        out = Observation.empty(len(tapes), spec.shape, np.float64)
        np.testing.assert_array_equal(-engine.step_and_observe(action, out), apart.cost[step])
        np.testing.assert_array_equal(out.options, apart.options[step + 1])
        np.testing.assert_array_equal(out.mask, apart.mask[step + 1])
        np.testing.assert_array_equal(out.context, apart.context[step + 1])


@pytest.mark.parametrize("name", ENGINES)
def test_episodes_do_not_touch_each_other(name: str) -> None:
    scenario = offload_scenario("gmorl")
    tapes = draw_tapes(scenario, 4, 0, 5)
    actions = random_actions(tapes, 4)
    together = play(name, scenario, tapes, actions)
    alone = play(name, scenario, tapes.select(slice(3, 4)), actions[:, 3:4])
    np.testing.assert_array_equal(together.cost[:, 3:4], alone.cost)
    np.testing.assert_array_equal(together.options[:, 3:4], alone.options)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_can_begin_again(name: str) -> None:
    scenario = offload_scenario("quickstart")
    engine = ENGINES[name](scenario)
    tapes = draw_tapes(scenario, 4, 0, 3)
    actions = random_actions(tapes, 4)
    costs = []
    for _ in range(2):
        engine.begin(tapes)
        costs.append(np.stack([-engine.step(action) for action in actions]))
    np.testing.assert_array_equal(costs[0], costs[1])


# Tapes by hand. Sizes, rates and speeds are powers of two, so that every time is exact and events do coincide.
MBIT = 2.0**20
GHZ = 1000.0 * MBIT  # the CPU that executes one such Mbit per second


@pytest.mark.parametrize("name", ENGINES)
def test_equal_tasks_arrive_and_leave_together(name: str) -> None:
    """The second is sent a step later, but is smaller: both uploads end at 2 s. They share from then on."""
    scenario, tapes = hand_made([1, 1, 0, 0], [2 * MBIT, MBIT], [MBIT, MBIT], [GHZ, GHZ])
    played = play(name, scenario, tapes, np.zeros((4, 1), np.int64))
    np.testing.assert_array_equal(played.records.upload_end_s[0, :2], [2.0, 2.0])
    np.testing.assert_array_equal(played.records.finish_s[0, :2], [5.0, 4.0])
    # Alone the first is in the system for 4 s. The second uploads 1 s, executes 2 s and holds the first up by 1 s.
    np.testing.assert_array_equal(played.cost[:2, 0, 0], [4.0, 4.0])
    np.testing.assert_array_equal(played.options[2, 0, 0, [EXECUTING, UPLOADING]], [2.0, 0.0])


@pytest.mark.parametrize("name", ENGINES)
def test_equal_residuals_leave_together(name: str) -> None:
    """Sent at 0, 1 and 2 s, their residuals meet at 2.5 Mbit when the last joins: 7.5 s of work, shared to the end."""
    scenario, tapes = hand_made([3, 0, 0, 0], [4 * MBIT, 3 * MBIT, 2.5 * MBIT], [2.0**80] * 2, [GHZ, GHZ])
    played = play(name, scenario, tapes, np.zeros((4, 1), np.int64))
    np.testing.assert_allclose(played.records.finish_s[0, :3], 9.5, rtol=1e-15)
    np.testing.assert_allclose(played.cost[:3, 0, 0].sum(), 9.5 + 8.5 + 7.5, rtol=1e-15)
    np.testing.assert_array_equal(played.options[1:, 0, 0, EXECUTING], [1.0, 2.0, 3.0, 3.0])


@pytest.mark.parametrize("name", ENGINES)
def test_an_upload_that_ends_with_a_step_executes_at_the_next_decision(name: str) -> None:
    scenario, tapes = hand_made([1, 0, 0, 0], [2 * MBIT], [2 * MBIT, MBIT], [GHZ, GHZ])
    played = play(name, scenario, tapes, np.zeros((4, 1), np.int64))
    row = played.options[1, 0, 0]
    np.testing.assert_array_equal(row[[EXECUTING, UPLOADING]], [1.0, 0.0])
    assert row[HISTOGRAM + 2] == 1.0  # 2.1 Mbit are left
    assert played.records.finish_s[0, 0] == 3.0


@pytest.mark.parametrize("name", ENGINES)
def test_a_task_that_ends_with_a_step_has_left_at_the_next_decision(name: str) -> None:
    scenario, tapes = hand_made([1, 1, 0, 0], [MBIT, MBIT], [2 * MBIT, MBIT], [2 * GHZ, GHZ])
    played = play(name, scenario, tapes, np.zeros((4, 1), np.int64))
    np.testing.assert_array_equal(played.records.finish_s[0, :2], [1.0, 2.0])
    np.testing.assert_array_equal(played.options[1:3, 0, 0, [EXECUTING, UPLOADING]], np.zeros((2, 2)))
    assert played.options[1:3, 0, 0, HISTOGRAM : HISTOGRAM + 60].sum() == 0.0
    np.testing.assert_array_equal(played.cost[:2, 0, 0], [1.0, 1.0])


@pytest.mark.parametrize("name", ENGINES)
def test_a_departure_and_an_arrival_at_the_same_instant_do_not_meet(name: str) -> None:
    """The first executes from 1 to 2 s; the second uploads from 1 to 2 s and finds the server empty."""
    scenario, tapes = hand_made([1, 1, 0, 0], [MBIT, MBIT], [MBIT, MBIT], [GHZ, GHZ])
    played = play(name, scenario, tapes, np.zeros((4, 1), np.int64))
    np.testing.assert_array_equal(played.records.finish_s[0, :2], [2.0, 3.0])
    np.testing.assert_array_equal(played.cost[:2, 0, 0], [2.0, 2.0])
    np.testing.assert_array_equal(played.option_costs[1, 0, :, 0], [2.0, 2.0])


def test_engines_agree_on_coinciding_events() -> None:
    """Many small whole numbers: at most instants uploads, completions and decisions coincide."""
    rng = np.random.default_rng(11)
    for _ in range(40):
        steps = 16
        arrivals = rng.integers(0, 3, steps)
        sizes = MBIT * 2.0 ** rng.integers(0, 3, arrivals.sum() + 1)
        rates = MBIT * 2.0 ** rng.integers(-1, 2, 3)
        cpu = GHZ * 2.0 ** rng.integers(0, 2, 3)
        scenario, tapes = hand_made(arrivals.tolist(), sizes.tolist(), rates.tolist(), cpu.tolist())
        both(scenario, tapes, rng.choice([0, 0, 1, 2], (steps, 1)))


@pytest.mark.parametrize("name", ENGINES)
def test_an_empty_tape_costs_nothing(name: str) -> None:
    scenario, tapes = hand_made([0, 0, 0], [1.0], [MBIT, MBIT], [GHZ, GHZ])
    played = play(name, scenario, tapes, np.zeros((3, 1), np.int64))
    assert not played.records.dispatched.any()
    assert not played.cost.any()
    assert not played.option_costs.any()
    assert not played.options[..., [0, 1, EXECUTING, UPLOADING]].any()


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("action", [[-1], [2], [0, 0], []])
def test_actions_that_name_no_server_are_errors(name: str, action: list[int]) -> None:
    scenario, tapes = hand_made([1, 0], [MBIT], [MBIT, MBIT], [GHZ, GHZ])
    engine = ENGINES[name](scenario)
    engine.begin(tapes)
    with pytest.raises(InputError):
        engine.step(np.array(action, np.int64))
    assert engine.step(np.array([0]))[0, 0] == -2.0  # the failed attempt left no trace


@pytest.mark.parametrize("name", ENGINES)
def test_an_episode_cannot_be_stepped_beyond_its_end(name: str) -> None:
    scenario, tapes = hand_made([1, 0], [MBIT], [MBIT, MBIT], [GHZ, GHZ])
    engine = ENGINES[name](scenario)
    engine.begin(tapes)
    engine.step(np.array([0]))
    engine.step(np.array([0]))
    with pytest.raises(InputError, match="over"):
        engine.step(np.array([0]))
