"""The batched cell engine gives what the SimPy engine gives, to 1e-9, whatever the cells, tapes and actions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from mecsim.core.engine import Observation
from mecsim.errors import InputError
from mecsim.systems.cells.batched import BatchedCellsEngine
from mecsim.systems.cells.layout import cells_spec
from mecsim.systems.cells.records import CellsRecords
from tests.systems.cells.cells import (
    ENGINES,
    Case,
    assert_same,
    assert_same_play,
    assert_same_records,
    cases,
    fitting,
    hand_made,
    make_scenario,
    play,
    random_tapes,
)


def busy_case(seed: int = 3, episodes: int = 6) -> Case:
    """Three cells with more requests than they can serve."""
    rng = np.random.default_rng(seed)
    scenario = make_scenario(
        (7.0, 70.0), requests=80, cells=3, blocks=12, candidates=2, levels=3, users=5, residual_bins=6,
        width_block_s=20.0, rating_bins=4,
    )  # fmt: skip
    tapes = random_tapes(rng, cells_spec(scenario), episodes, tick_s=0.5, load=1.2, unreachable=0.1)
    return Case(scenario, tapes, rng.integers(0, 2**20, (80, episodes)))


@settings(max_examples=200)
@given(case=cases())
def test_any_tape_any_actions(case: Case) -> None:
    truth = play("simpy", case)
    assert_same_play(truth, play("batched", case, truth.actions))


def test_the_tapes_are_crowded() -> None:
    """Guards the test above: cells are full, levels do not fit, candidates are out of reach, and ends coincide."""
    case = busy_case()
    truth = play("simpy", case)
    assert_same_play(truth, play("batched", case, truth.actions))
    assert (truth.free_blocks == 0).any()
    assert truth.records.blocked.any()
    assert (truth.records.cell == 2).any()
    assert (case.tapes.cqi == 0).any()
    assert (truth.records.end_s[:, :, None] == case.tapes.arrival_s[:, None, :]).any()
    assert (np.diff(case.tapes.arrival_s) == 0.0).any()


def test_stepping_and_observing_at_once_changes_nothing() -> None:
    case = busy_case()
    apart = play("batched", case)
    engine = BatchedCellsEngine(case.scenario)
    engine.begin(case.tapes)
    for step, action in enumerate(apart.actions):
        out = Observation.empty(len(case.tapes), case.spec.shape, np.float64)
        np.testing.assert_array_equal(engine.step_and_observe(action, out), apart.reward[step])
        np.testing.assert_array_equal(out.options, apart.options[step + 1])
        np.testing.assert_array_equal(out.mask, apart.mask[step + 1])
        np.testing.assert_array_equal(out.context, apart.context[step + 1])


def test_many_episodes_on_all_threads() -> None:
    """Enough episodes that kernels run in parallel, where there are threads."""
    few = busy_case(episodes=4)
    copies = np.tile(np.arange(4), 200)
    many = replace(few, tapes=few.tapes.select(copies), wishes=few.wishes[:, copies])
    alone, together = play("batched", few), play("batched", many)
    for name in ("actions", "options", "mask", "context", "option_rewards", "free_blocks", "reward"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name)[:, copies], err_msg=name)


@pytest.mark.parametrize("name", ENGINES)
def test_episodes_do_not_touch_each_other(name: str) -> None:
    case = busy_case()
    together = play(name, case)
    alone = play(name, replace(case, tapes=case.tapes.select(slice(3, 4)), wishes=case.wishes[:, 3:4]))
    for array in ("actions", "options", "mask", "context", "option_rewards", "free_blocks", "reward"):
        np.testing.assert_array_equal(getattr(together, array)[:, 3:4], getattr(alone, array), err_msg=array)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_can_begin_again(name: str) -> None:
    case = busy_case(episodes=2)
    actions = play(name, case).actions
    engine = ENGINES[name](case.scenario)
    records: list[CellsRecords] = []
    for _ in range(2):
        engine.begin(case.tapes)
        for action in actions:
            engine.step(action)
        records.append(engine.records())
    assert_same_records(records[0], records[1], rtol=0.0)


@pytest.mark.parametrize("name", ENGINES)
def test_records_in_the_middle_end_the_episodes(name: str) -> None:
    """What is not decided is marked; asking again says the same."""
    case = busy_case(episodes=2)
    engine = ENGINES[name](case.scenario)
    whole = play(name, case)
    engine.begin(case.tapes)
    for action in whole.actions[:30]:
        engine.step(action)
    records = engine.records()
    assert_same_records(records, engine.records(), rtol=0.0)
    assert_same("option", records.option[:, :30], whole.records.option[:, :30], 0.0)
    assert (records.option[:, 30:] == -1).all()
    assert (records.cell[:, 30:] == -1).all()
    assert not records.saved_block_s[:, 30:].any()
    np.testing.assert_array_equal(engine.free_blocks(), case.spec.blocks)
    with pytest.raises(InputError, match="over"):
        engine.step(whole.actions[30])


# Tapes by hand: every time is exact.


@pytest.mark.parametrize("name", ENGINES)
def test_what_ends_when_a_request_arrives_is_over_before(name: str) -> None:
    """Two blocks. The first session ends at 4 s, when the second request finds both free; the third finds none."""
    tapes = hand_made([1.0, 4.0, 4.0, 9.0], [3.0, 5.0, 1.0, 1.0], [[2, 2]] * 4)
    case = Case(fitting(tapes, blocks=2), tapes, np.full((4, 1), -1))
    played = play(name, case)
    assert played.actions[:, 0].tolist() == [2, 2, 0, 2]
    assert played.free_blocks[:, 0, 0].tolist() == [2, 2, 0, 2, 0]
    assert played.records.blocked[0].tolist() == [False, False, True, False]
    assert played.records.start_s[0].tolist() == [1.0, 4.0, 4.0, 9.0]
    assert played.records.end_s[0].tolist() == [4.0, 9.0, 4.0, 10.0]
    assert played.records.busy_block_s.tolist() == [[2 * (3.0 + 5.0 + 1.0)]]
    assert played.records.peak_blocks.tolist() == [[2]]


@pytest.mark.parametrize("name", ENGINES)
def test_a_session_without_duration_is_over_at_once(name: str) -> None:
    tapes = hand_made([1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [[2, 2]] * 3)
    case = Case(fitting(tapes, blocks=2), tapes, np.full((3, 1), -1))
    played = play(name, case)
    assert played.actions[:, 0].tolist() == [2, 2, 2]
    assert played.records.busy_block_s.tolist() == [[0.0]]
    assert played.records.peak_blocks.tolist() == [[2]]
    assert not played.reward[:, :, 1].any()  # nothing is demanded, so nothing is saved


@pytest.mark.parametrize("name", ENGINES)
def test_rewards_are_satisfaction_and_the_saved_share(name: str) -> None:
    """Demanded are 4·10 + 6·5 = 70 block-seconds, and none by the third, who is out of reach."""
    tapes = hand_made([0.0, 1.0, 2.0], [10.0, 5.0, 8.0], [[1, 4], [2, 6], [0, 0]], satisfaction=[[2.5, 4.0]] * 3)
    case = Case(fitting(tapes, 20, (7.0,)), tapes, np.zeros((3, 1), np.int64))
    played = play(name, case, np.array([[1], [0], [0]]))
    expected = [[2.5 / 3.0, 30.0 / 70.0], [0.0, 30.0 / 70.0], [0.0, 0.0]]
    np.testing.assert_allclose(played.reward[:, 0], expected, rtol=1e-12)
    assert played.records.saved_block_s.tolist() == [[30.0, 30.0, 0.0]]
    expected = [[0.0, 4 * 7.0 / 70.0], [2.25 / 3.0, 3 * 7.0 / 70.0], [3.6 / 3.0, 0.0]]
    np.testing.assert_allclose(played.option_rewards[0, 0], expected, rtol=1e-12)
    out_of_reach = [[0.0, 0.0], [-np.inf, -np.inf], [-np.inf, -np.inf]]
    np.testing.assert_array_equal(played.option_rewards[2, 0], out_of_reach)
    np.testing.assert_array_equal(played.option_rewards[3, 0], out_of_reach)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("action", "complaint"),
    [
        ([3], "too few free blocks, or out of reach"),
        ([-1], "names no option: episode 0 has 4"),
        ([4], "names no option: episode 0 has 4"),
        ([0, 0], "one action per episode"),
        ([], "one action per episode"),
        ([1.0], "one action per episode"),
    ],
)
def test_actions_that_cannot_be_taken_are_errors(name: str, action: list[int], complaint: str) -> None:
    tapes = hand_made([0.0, 1.0], [10.0, 10.0], [[1, 2, 4], [1, 2, 4]])
    engine = ENGINES[name](fitting(tapes, blocks=3))
    engine.begin(tapes)
    with pytest.raises(InputError, match=complaint):
        engine.step(np.array(action))
    assert engine.free_blocks().tolist() == [[3]]
    engine.step(np.array([2]))  # the failed attempt left no trace
    assert engine.free_blocks().tolist() == [[1]]


@pytest.mark.parametrize("name", ENGINES)
def test_one_wrong_action_stops_all_episodes(name: str) -> None:
    case = busy_case(episodes=3)
    engine = ENGINES[name](case.scenario)
    engine.begin(case.tapes)
    with pytest.raises(InputError, match="episode 2"):
        engine.step(np.array([1, 1, 99]))
    np.testing.assert_array_equal(engine.free_blocks(), case.spec.blocks)


@pytest.mark.parametrize("name", ENGINES)
def test_an_episode_cannot_be_stepped_beyond_its_end(name: str) -> None:
    tapes = hand_made([0.0], [10.0], [[1, 2]])
    engine = ENGINES[name](fitting(tapes, blocks=3))
    engine.begin(tapes)
    engine.step(np.array([0]))
    with pytest.raises(InputError, match="over"):
        engine.step(np.array([0]))
