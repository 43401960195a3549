"""What must hold in every episode of cells, whatever the tape and the actions: recomputed from records and tape."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.systems.cells.layout import REJECT, SATISFACTION, SAVED
from tests.systems.cells.cells import ENGINES, Case, cases, play

engines = st.sampled_from(sorted(ENGINES))


@settings(max_examples=60)
@given(case=cases(), name=engines)
def test_busy_blocks_are_those_that_sessions_hold(case: Case, name: str) -> None:
    """The integral of the occupied blocks, event by event, is Σ blocks × duration over the sessions of a cell."""
    records = play(name, case).records
    held_block_s = records.blocks * case.tapes.duration_s
    for cell in range(case.spec.cells):
        expected = np.where(records.cell == cell, held_block_s, 0.0).sum(axis=1)
        np.testing.assert_allclose(records.busy_block_s[:, cell], expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=60)
@given(case=cases(), name=engines)
def test_blocks_are_neither_lost_nor_invented(case: Case, name: str) -> None:
    """Free blocks at each decision are those that no session holds; never negative, and all come back in the end."""
    spec, tapes = case.spec, case.tapes
    engine = ENGINES[name](case.scenario)
    played = play(name, case)
    records = played.records
    assert (played.free_blocks >= 0).all()
    assert (records.peak_blocks <= spec.blocks).all()
    for n in range(len(tapes)):
        for cell in range(spec.cells):
            occupied = [0]
            for step in range(spec.requests):
                now_s = tapes.arrival_s[n, step]
                held = (records.cell[n, :step] == cell) & (records.end_s[n, :step] > now_s)
                used = int(records.blocks[n, :step][held].sum())
                assert played.free_blocks[step, n, cell] == spec.blocks - used
                if records.cell[n, step] == cell:
                    occupied.append(used + int(records.blocks[n, step]))
            assert records.peak_blocks[n, cell] == max(occupied)
    engine.begin(tapes)
    for action in played.actions:
        engine.step(action)
    engine.records()
    np.testing.assert_array_equal(engine.free_blocks(), spec.blocks)


@settings(max_examples=60)
@given(case=cases(), name=engines)
def test_saved_shares_sum_to_one_minus_used_over_demanded(case: Case, name: str) -> None:
    played = play(name, case)
    demanded_block_s = case.tapes.demanded_block_s.sum(axis=1)
    used_block_s = played.records.busy_block_s.sum(axis=1)
    demands = demanded_block_s > 0.0
    share = np.divide(used_block_s, demanded_block_s, out=np.ones_like(used_block_s), where=demands)
    np.testing.assert_allclose(played.reward[:, :, SAVED].sum(axis=0), 1.0 - share, rtol=1e-9, atol=1e-9)
    assert not played.reward[:, ~demands, SAVED].any()
    realised = np.divide(played.records.saved_block_s.sum(axis=1), demanded_block_s, where=demands, out=1.0 - share)
    np.testing.assert_allclose(realised, 1.0 - share, rtol=1e-9, atol=1e-9)


@settings(max_examples=60)
@given(case=cases(), name=engines)
def test_records_say_what_the_actions_chose(case: Case, name: str) -> None:
    spec, tapes = case.spec, case.tapes
    played = play(name, case)
    records = played.records
    np.testing.assert_array_equal(records.option, played.actions.T)
    np.testing.assert_array_equal(records.start_s, tapes.arrival_s)
    np.testing.assert_allclose(records.satisfaction / spec.requests, played.reward[:, :, SATISFACTION].T, rtol=1e-15)
    np.testing.assert_array_equal(records.blocked, (played.mask[:-1].sum(axis=2) == 1).T)
    for n, m in np.ndindex(*records.option.shape):
        if records.option[n, m] == REJECT:
            assert (records.level[n, m], records.cell[n, m], records.blocks[n, m]) == (0, -1, 0)
            assert records.end_s[n, m] == records.start_s[n, m]
            assert records.satisfaction[n, m] == records.predicted[n, m] == 0.0
            continue
        candidate, level = divmod(int(records.option[n, m]) - 1, spec.levels)
        assert records.level[n, m] == level + 1
        assert records.cell[n, m] == tapes.cell[n, m, candidate]
        assert records.blocks[n, m] == tapes.blocks[n, m, candidate, level] > 0
        assert records.end_s[n, m] == tapes.arrival_s[n, m] + tapes.duration_s[n, m]
        assert records.satisfaction[n, m] == tapes.satisfaction[n, m, level]
        assert records.predicted[n, m] == tapes.predicted[n, m, level]


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=30)
@given(case=cases())
def test_promised_rewards_are_those_of_a_mean_session(case: Case, name: str) -> None:
    """If truth is as predicted and each session lasts as long as the mean, a step brings what its option promised."""
    mean_s = case.mean_duration_s[case.tapes.application]
    as_expected = replace(case.tapes, satisfaction=case.tapes.predicted, duration_s=mean_s)
    played = play(name, replace(case, tapes=as_expected))
    chosen = np.take_along_axis(played.option_rewards[:-1], played.actions[:, :, None, None], axis=2)[:, :, 0]
    np.testing.assert_allclose(chosen, played.reward, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(np.isneginf(played.option_rewards), played.mask[..., None] * [1, 1] == 0)
