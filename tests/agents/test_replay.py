"""The ring of transitions."""

from dataclasses import fields, replace
from itertools import pairwise

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


def steps_of(arrays: Arrays, width: int, steps: int) -> list[Transitions]:
    """Transitions of environments side by side, of which some terminate now and then."""
    batches = [arrays.transitions(width) for _ in range(steps)]
    for before, after in pairwise(batches):
        goes_on = ~before.terminated
        for name in ("options", "mask", "context"):
            getattr(before, f"next_{name}")[goes_on] = getattr(after, name)[goes_on]
    return batches


def followed(batch: Transitions) -> Transitions:
    """With nothing after what terminated, which is all that a replay of some width tells of it."""
    ended = batch.terminated[:, None]
    absent = ~(batch.next_mask & ~ended)
    return replace(
        batch,
        next_mask=~absent,
        next_options=batch.next_options.masked_fill(absent[..., None], 0.0),
        next_context=batch.next_context.masked_fill(ended, 0.0),
    )


@pytest.mark.parametrize("capacity", [8, 10, 12, 60])
@pytest.mark.parametrize("counts", [None, COUNTS])
def test_with_a_width_it_is_the_same_with_half_the_memory(
    arrays: Arrays, capacity: int, counts: tuple[int, int] | None
) -> None:
    """Whatever is drawn, at whatever time, before and after saving."""
    width, group = 4, 2
    shape = replace(SHAPE, count_columns=counts)
    replays = [Replay(shape, capacity, group=group, width=None if each else width) for each in (True, False)]
    for batch in steps_of(arrays, width, 9):
        if counts:
            for name in ("options", "next_options"):
                getattr(batch, name)[..., slice(*counts)] = (
                    getattr(batch, name)[..., slice(*counts)].mul(9.0).round().abs()
                )
        for replay in replays:
            replay.add(batch)
        restored = Replay(shape, capacity, group=group, width=width)
        restored.load_state_tensors(replays[1].state_tensors())
        assert len(replays[0]) == len(replays[1]) == len(restored)
        for read in (Replay.oldest_first, lambda replay: replay.sample(40, torch.Generator().manual_seed(0))):
            expected = followed(read(replays[0]))
            for replay in (replays[1], restored):
                assert_equal(followed(read(replay)), expected)
    byte = [sum(tensor.nbytes for tensor in replay._store.values()) for replay in replays]
    assert byte[1] / (capacity + width) < 0.6 * byte[0] / capacity


def test_with_a_width_an_end_has_no_next_options(arrays: Arrays) -> None:
    """Although what is kept in their place are the options of the next episode."""
    replay = Replay(SHAPE, 60, width=4)
    for batch in steps_of(arrays, 4, 9):
        replay.add(batch)
    held = replay.oldest_first()
    assert 0 < held.terminated.sum() < len(held.terminated)
    assert not held.next_mask[held.terminated].any()
    assert held.next_mask[~held.terminated].any(1).all()


def test_with_a_width_steps_come_whole_and_in_order(arrays: Arrays) -> None:
    replay = Replay(SHAPE, 12, width=4)
    first, second, third = steps_of(arrays, 4, 3)
    first.terminated[:] = second.terminated[:] = False
    replay.add(first)
    with pytest.raises(ValueError, match="expected a transition of each of 4 environments, got 3"):
        replay.add(arrays.transitions(3))
    with pytest.raises(ValueError, match="options: not what followed"):
        replay.add(third)
    replay.add(third, check=False)
    for width in (3, 0, 14):
        with pytest.raises(ValueError, match="width: expected a multiple of 2 up to the capacity of 12"):
            Replay(SHAPE, 12, group=2, width=width)


def test_everything_is_where_the_observation_is(arrays: Arrays) -> None:
    """What an environment on a device tells of the end of episodes is not."""
    observation = {name: torch.as_tensor(array).to("meta") for name, array in arrays.observation(3).items()}
    made = Transitions.from_arrays(
        observation,
        torch.zeros(3, device="meta"),
        np.zeros((3, 2)),
        np.ones(3, np.bool_),
        observation,
        np.zeros((3, 2)),
    )
    assert {getattr(made, field.name).device.type for field in fields(Transitions)} == {"meta"}


def test_a_replay_of_the_other_kind_is_refused(arrays: Arrays) -> None:
    with_width, without = Replay(SHAPE, 12, width=4), empty(12)
    for replay in (with_width, without):
        replay.add(arrays.transitions(4))
    with pytest.raises(ValueError, match="a replay without a width"):
        with_width.load_state_tensors(without.state_tensors())
    with pytest.raises(KeyError):
        without.load_state_tensors(with_width.state_tensors())
