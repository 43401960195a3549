"""The ring of transitions."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from mecsim_agents import Replay, Transitions

from .conftest import FEATURES, OBJECTIVES, OPTIONS, SHAPE, Arrays, filled_replay

COUNTS = (2, 4)


def empty(capacity: int, group: int = 1, counts: tuple[int, int] | None = None) -> Replay:
    return Replay(replace(SHAPE, count_columns=counts), capacity, group=group)


def counted(arrays: Arrays, count: int) -> Transitions:
    """Transitions whose columns `COUNTS` hold bytes in valid options, and anything in absent ones."""
    batch = arrays.transitions(count)
    for options, mask in ((batch.options, batch.mask), (batch.next_options, batch.next_mask)):
        drawn = torch.as_tensor(arrays.rng.integers(0, 256, (*mask.shape, 2)), dtype=torch.float32)
        options[..., slice(*COUNTS)] = torch.where(mask[..., None], drawn, torch.nan)
        options[~mask] = torch.tensor([torch.nan, torch.inf, -1.0, 1e9, -0.5])
    return batch


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


def test_without_the_check_shapes_are_all_that_is_looked_at(arrays: Arrays) -> None:
    replay, batch = empty(8), arrays.transitions(5)
    replay.add(replace(batch, reward=torch.full((5, OBJECTIVES), torch.nan)), check=False)
    assert replay.oldest_first().reward.isnan().all()
    with pytest.raises(ValueError, match="context"):
        replay.add(replace(batch, context=batch.context[:, :1]), check=False)


@pytest.mark.parametrize("size", [8, 24])
def test_groups_are_drawn_whole_and_all_of_them(arrays: Arrays, size: int) -> None:
    replay, group = empty(12, group=4), 4
    for batch in (arrays.transitions(4), arrays.transitions(size)):
        batch.reward[:, 0] = torch.arange(len(batch.action))
        replay.add(batch)
    held = replay.oldest_first().reward
    groups = {tuple(map(tuple, rows)) for rows in held.view(-1, group, OBJECTIVES).tolist()}
    drawn = replay.sample(800, torch.Generator().manual_seed(0)).reward.view(-1, group, OBJECTIVES)
    assert {tuple(map(tuple, rows)) for rows in drawn.tolist()} == groups
    assert len(groups) == 3


def test_groups_stay_whole_after_saving(arrays: Arrays) -> None:
    replay, other = (empty(12, group=4, counts=COUNTS) for _ in range(2))
    replay.add(counted(arrays, 16))
    other.load_state_tensors(replay.state_tensors())
    one, two = (each.sample(40, torch.Generator().manual_seed(1)) for each in (replay, other))
    assert torch.equal(one.reward, two.reward)
    assert torch.equal(one.options[one.mask], two.options[two.mask])


def test_groups_that_are_not_whole_are_refused(arrays: Arrays) -> None:
    with pytest.raises(ValueError, match="capacity: expected a multiple of the group of 4, got 10"):
        empty(10, group=4)
    replay = empty(12, group=4)
    with pytest.raises(ValueError, match="expected whole groups of 4 transitions, got 6"):
        replay.add(arrays.transitions(6))
    replay.add(arrays.transitions(8))
    with pytest.raises(ValueError, match="count: expected a multiple of the group of 4, got 5"):
        replay.sample(5, torch.Generator())


def test_counts_come_back_as_they_were_and_take_less_room(arrays: Arrays) -> None:
    replay, batch = empty(20, counts=COUNTS), counted(arrays, 20)
    replay.add(batch)
    held = replay.oldest_first()
    assert held.options.dtype == torch.float32
    for name in ("", "next_"):
        mask = getattr(batch, f"{name}mask")
        assert torch.equal(getattr(held, f"{name}options")[mask], getattr(batch, f"{name}options")[mask])
    extremes = torch.tensor([0.0, 255.0, 255.0, 0.0])
    batch.options[..., COUNTS[0]], batch.options[..., COUNTS[0] + 1] = extremes, extremes.flip(0)
    replay.add(batch)
    assert torch.equal(replay.oldest_first().options[batch.mask], batch.options[batch.mask])
    byte = {name: tensor.nbytes for name, tensor in replay.state_tensors().items()}
    assert byte["options"] + byte["options.counts"] == 20 * OPTIONS * (4 * (FEATURES - 2) + 2)


@pytest.mark.parametrize("value", [256.0, 0.5, -1.0, -0.5, 1e9, torch.nan])
@pytest.mark.parametrize("name", ["options", "next_options"])
def test_counts_that_are_none_are_refused(arrays: Arrays, name: str, value: float) -> None:
    replay, batch = empty(20, counts=COUNTS), counted(arrays, 20)
    mask = batch.mask if name == "options" else batch.next_mask
    place = mask.nonzero()[-1].tolist()
    getattr(batch, name)[*place, COUNTS[1] - 1] = value
    with pytest.raises(ValueError, match=f"^{name}: a "):
        replay.add(batch)
    assert len(replay) == 0
    if np.isfinite(value):  # a number may stand in any other column
        getattr(batch, name)[*place, COUNTS[1] - 1] = 3.0
        getattr(batch, name)[*place, COUNTS[1]] = value
        replay.add(batch)
        assert getattr(replay.oldest_first(), name)[*place, COUNTS[1]] == value
