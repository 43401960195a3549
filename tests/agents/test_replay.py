"""The ring of transitions."""

from dataclasses import fields, replace

import pytest
import torch
from mecsim_agents import Replay, Transitions

from .conftest import CONTEXT, FEATURES, OBJECTIVES, OPTIONS, Arrays, filled_replay


def empty(capacity: int) -> Replay:
    return Replay(capacity, OPTIONS, FEATURES, CONTEXT, OBJECTIVES)


def joined(batches: list[Transitions]) -> Transitions:
    return Transitions(
        **{f.name: torch.cat([getattr(batch, f.name) for batch in batches]) for f in fields(Transitions)}
    )


def assert_equal(left: Transitions, right: Transitions) -> None:
    for field in fields(Transitions):
        assert torch.equal(getattr(left, field.name), getattr(right, field.name)), field.name


@pytest.mark.parametrize("sizes", [[3, 4], [7, 7, 7], [10, 1], [25], [4, 23, 2]])
def test_keeps_the_latest_in_order(arrays: Arrays, sizes: list[int]) -> None:
    replay, batches = empty(10), [arrays.transitions(size) for size in sizes]
    for batch in batches:
        replay.add(batch)
    everything = joined(batches)
    latest = Transitions(**{f.name: getattr(everything, f.name)[-10:] for f in fields(Transitions)})
    assert len(replay) == min(10, sum(sizes))
    assert_equal(replay.oldest_first(), latest)


def test_samples_only_and_all_that_is_held(arrays: Arrays) -> None:
    replay = filled_replay(arrays, count=20, capacity=100)
    rewards = {tuple(row) for row in replay.oldest_first().reward.tolist()}
    drawn = replay.sample(2000, torch.Generator().manual_seed(0)).reward
    assert {tuple(row) for row in drawn.tolist()} == rewards


def test_fewer_options_are_padded_with_absent_ones(arrays: Arrays) -> None:
    replay, batch = empty(10), arrays.transitions(5, options=2)
    replay.add(batch)
    held = replay.oldest_first()
    assert torch.equal(held.options[:, :2], batch.options)
    assert not held.mask[:, 2:].any()
    assert not held.next_mask[:, 2:].any()


@pytest.mark.parametrize("size", [4, 13])
def test_saved_and_loaded_continues_alike(arrays: Arrays, size: int) -> None:
    replay, other = empty(10), empty(10)
    replay.add(arrays.transitions(size))
    other.load_state_tensors(replay.state_tensors())
    more = arrays.transitions(5)
    replay.add(more)
    other.add(more)
    assert_equal(replay.oldest_first(), other.oldest_first())
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    assert_equal(replay.sample(50, generators[0]), other.sample(50, generators[1]))


def test_refuses_what_cannot_be(arrays: Arrays) -> None:
    replay, batch = empty(10), arrays.transitions(5)
    absent = replace(batch, mask=batch.mask.scatter(1, batch.action[:, None], False))
    bad = [
        (absent, "absent"),
        (replace(batch, reward=torch.full((5, OBJECTIVES), torch.nan)), "reward"),
        (replace(batch, action=batch.action - 10), "absent"),
        (replace(batch, context=batch.context[:, :1]), "context"),
        (replace(batch, options=batch.options.masked_fill(batch.mask[..., None], torch.inf)), "options"),
        (replace(batch, next_mask=batch.next_mask & False, terminated=batch.terminated & False), "next_mask"),
    ]
    for transitions, message in bad:
        with pytest.raises(ValueError, match=message):
            replay.add(transitions)
    with pytest.raises(ValueError, match="empty"):
        replay.sample(1, torch.Generator())
    smaller = empty(3)
    replay.add(batch)
    with pytest.raises(ValueError, match="shape"):
        smaller.load_state_tensors(replay.state_tensors())
