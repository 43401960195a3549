"""Replay of preference-free transitions, preallocated on one device.

Dimension suffixes: B transitions given or drawn, C capacity, A options, F option features, G context features, d
objectives.
"""

from collections.abc import Mapping
from dataclasses import fields

import torch
from torch import Tensor

from mecsim_agents.environment import EnvironmentShape
from mecsim_agents.transitions import Transitions

_PER_OPTION = ("options", "mask", "next_options", "next_mask")
_SEEN = ("options", "mask", "context")  # of an observation
_CHECKED_AT_ONCE = 2**14  # transitions, as checking takes memory


class Replay:
    """A ring of the latest `capacity` transitions with at most as many options each as the shape has.

    Transitions come, stay and are drawn in groups of `group` neighbours. Those of a group have to differ by what was
    done alone: the same moment of episodes with the same tasks and channels, each under the same preference. What
    chance brings is then common to them, and learning can tell it from what the actions did. With 1 there are no
    groups.

    With a `width`, the transitions of so many environments side by side come step by step: the next observations of a
    batch are the observations of the batch that follows, except where an episode terminated. They are so kept once, and
    a transition that terminated comes back without any next option. Without, transitions may come in any order, and
    each brings its own next observation.
    """

    def __init__(
        self,
        shape: EnvironmentShape,
        capacity: int,
        device: torch.device | str = "cpu",
        group: int = 1,
        width: int | None = None,
    ) -> None:
        """Reserve the memory: 4·A·F bytes a transition with a width, else 8·A·F. The system hands it over when filled.

        The `count_columns` of the shape are kept in a byte each. Raises ValueError if capacity or width are no
        multiples of the group, if the capacity is below the width, or if the shape does not tell the number of options.
        """
        if group < 1 or capacity % group:
            raise ValueError(f"capacity: expected a multiple of the group of {group}, got {capacity}")
        if width is not None and (width % group or not 1 <= width <= capacity):
            raise ValueError(f"width: expected a multiple of {group} up to the capacity of {capacity}, got {width}")
        if shape.num_options is None:
            raise ValueError("num_options: a replay needs the most options of a state")
        self.capacity, self.num_options, self.device = capacity, shape.num_options, torch.device(device)
        self.group, self.width = group, width
        self.size = 0  # transitions held
        self._total = 0  # transitions that ever came
        self._counts = slice(*(shape.count_columns or (shape.option_features, shape.option_features)))
        # One transition of zeros tells the shape and type of each tensor.
        options = torch.zeros(1, self.num_options, shape.option_features)
        mask = torch.zeros(1, self.num_options, dtype=torch.bool)
        observation = {"options": options, "mask": mask, "context": torch.zeros(1, shape.context_features)}
        vector = torch.zeros(1, shape.num_objectives)
        self._empty = Transitions.from_arrays(observation, [0], vector, [False], observation, vector)
        self._rows = capacity + (width or 0)  # with a width there is room for what follows the newest transitions
        self._store = {
            name: torch.empty(self._rows, *tensor.shape[1:], dtype=tensor.dtype, device=self.device)
            for name, tensor in self._packed(self._empty).items()
            if width is None or not name.startswith("next_")
        }

    def __len__(self) -> int:
        return self.size

    def add(self, batch: Transitions, check: bool = True) -> None:
        """Append a batch, the oldest making room; fewer options than `num_options` are padded with absent ones.

        Raises ValueError for shapes that do not fit and groups that are not whole; and, with `check`, for numbers that
        are not finite, counts that are none, actions that were no option, and with a width for a batch that does not
        follow the one before. To look at every number takes as long as to store it, and on a device somebody has to
        wait for the answer: once an environment is known, leave it out.
        """
        count = self._checked_shapes(batch)
        if check and count:
            batch.check_values(self._counts)
            self._check_follows(batch)
        skip = max(0, count - self.capacity)  # these would be overwritten by the same batch
        for name, given in self._packed(batch).items():
            if name in self._store:
                self._write(name, self._total + skip, given[skip:])
            elif self.width is not None:
                self._write(name.removeprefix("next_"), self._total + count, given)
        self._total += count
        self.size = min(self.size + count, self.capacity)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw whole groups uniformly with replacement: where they are, (B,), for `at`.

        `generator` must live on the replay's device. Raises ValueError for groups that are not whole, and if there are
        none.
        """
        if not self.size:
            raise ValueError("the replay is empty: add transitions before sampling")
        if count % self.group:
            raise ValueError(f"count: expected a multiple of the group of {self.group}, got {count}")
        groups = self.size // self.group
        first_G = torch.randint(groups, (count // self.group,), generator=generator, device=self.device) * self.group
        place_B = (first_G.unsqueeze(1) + torch.arange(self.group, device=self.device)).flatten()
        # The transition that came k-th has the place k mod C among those held, and the row k mod `_rows`.
        newest = self._total - 1
        return (newest - (newest - place_B) % self.capacity) % self._rows

    def at(self, row_B: Tensor) -> Transitions:
        """Return the transitions of those rows. A function of tensors alone, which can be recorded for a GPU."""
        drawn = self._unpacked(row_B, self._store)
        if self.width is not None:
            following_B = (row_B + self.width) % self._rows
            seen = {name: stored for name, stored in self._store.items() if name.partition(".")[0] in _SEEN}
            drawn |= {f"next_{name}": tensor for name, tensor in self._unpacked(following_B, seen).items()}
            drawn["next_mask"] = drawn["next_mask"] & ~drawn["terminated"].unsqueeze(1)
        return Transitions(**drawn)

    def sample(self, count: int, generator: torch.Generator) -> Transitions:
        """Draw whole groups uniformly with replacement; see `draw`."""
        return self.at(self.draw(count, generator))

    def oldest_first(self, limit: int | None = None) -> Transitions:
        """Return the held transitions in the order of their arrival, at most the first `limit` of them."""
        return self.at(self._by_age(self.size if limit is None else min(limit, self.size)))

    def state_tensors(self) -> dict[str, Tensor]:
        """Return what is held, the oldest first, and the ring's position, on the CPU; independent copies."""
        last = self.width or 0
        state = {
            name: stored[self._by_age(self.size + (last if name.partition(".")[0] in _SEEN else 0))].cpu()
            for name, stored in self._store.items()
        }
        return state | {"cursor": torch.tensor(self._total % self.capacity)}

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state_tensors` of a replay of the same shape, so that sampling continues exactly.

        Raises ValueError if they are of another shape, or no transitions that `add` would take.
        """
        if "next_mask" in state and self.width is not None:
            raise ValueError("a replay without a width, as earlier versions had it: train anew")
        size, cursor = len(state["action"]), int(state["cursor"])
        for name, stored, given in [(name, stored, state[name]) for name, stored in self._store.items()]:
            length = size + ((self.width or 0) if name.partition(".")[0] in _SEEN else 0)
            if len(given) != length or given.dtype != stored.dtype:
                raise ValueError(f"{name}: expected {length} of {stored.dtype}, got {len(given)} of {given.dtype}")
            if size > self.capacity or given.shape[1:] != stored.shape[1:]:
                raise ValueError(f"{name}: shape {tuple(given.shape)} does not fit replay {tuple(stored.shape)}")
        if not 0 <= cursor <= size or (cursor != size and size != self.capacity):
            raise ValueError(f"the saved ring held {size} transitions when full, this one {self.capacity}")
        self.size, self._total = size, size + (cursor - size) % self.capacity
        for name in self._store:
            self._write(name, self._total - size, state[name])
        for row_B in torch.split(self._by_age(size), _CHECKED_AT_ONCE):
            self.at(row_B).check_values(self._counts)

    # Parts

    def _packed(self, batch: Transitions) -> dict[str, Tensor]:
        """The tensors of a batch, with the counts of options apart and in bytes."""
        packed = {field.name: getattr(batch, field.name) for field in fields(Transitions)}
        first, end = self._counts.start, self._counts.stop
        if first < end:
            for name in ("options", "next_options"):
                rows = packed[name]
                packed[name] = torch.cat([rows[..., :first], rows[..., end:]], -1)
                # Absent rows may hold anything; what a byte makes of it does not matter.
                packed[f"{name}.counts"] = rows[..., self._counts].to(torch.uint8)
        return packed

    def _unpacked(self, row_B: Tensor, stores: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rows of what is stored, with the counts of options back in their columns."""
        drawn = {name: stored.index_select(0, row_B) for name, stored in stores.items()}
        first = self._counts.start
        for name in [name for name in drawn if name.endswith(".counts")]:
            numbers, counts = drawn[name.removesuffix(".counts")], drawn.pop(name)
            parts = numbers[..., :first], counts.to(numbers.dtype), numbers[..., first:]
            drawn[name.removesuffix(".counts")] = torch.cat(parts, -1)
        return drawn

    def _write(self, name: str, first: int, given: Tensor) -> None:
        """Store rows as those of the transitions that come `first` and after it."""
        start, stored = first % self._rows, self._store[name]
        within = min(len(given), self._rows - start)
        for place, part in ((stored[start : start + within], given[:within]), (stored, given[within:])):
            place = place[: len(part)]
            if name.partition(".")[0] in _PER_OPTION:
                place[:, part.shape[1] :] = 0
                place = place[:, : part.shape[1]]
            place.copy_(part, non_blocking=True)

    def _by_age(self, count: int) -> Tensor:
        """The rows of the oldest that are held, and perhaps of what follows the newest."""
        return (self._total - self.size + torch.arange(count, device=self.device)) % self._rows

    def _checked_shapes(self, batch: Transitions) -> int:
        count = len(batch.action)
        if count % self.group:
            raise ValueError(f"expected whole groups of {self.group} transitions, got {count}")
        if self.width not in (None, count):
            raise ValueError(f"expected a transition of each of {self.width} environments, got {count}")
        for field in fields(Transitions):
            given, expected = getattr(batch, field.name), list(getattr(self._empty, field.name).shape)
            expected[0] = count
            if field.name in _PER_OPTION and given.ndim > 1:
                expected[1] = min(given.shape[1], self.num_options)
            if list(given.shape) != expected:
                raise ValueError(f"{field.name}: expected shape {tuple(expected)}, got {tuple(given.shape)}")
        return count

    def _check_follows(self, batch: Transitions) -> None:
        """With a width: compare the observations with those that are kept as the next ones of the batch before."""
        if self.width is None or not self.size:
            return
        row_B = (self._total - self.width + torch.arange(self.width, device=self.device)) % self._rows
        before, absent_BA = self.at(row_B), ~batch.mask.to(self.device)
        same_BA = (before.next_options == batch.options.to(self.device)).all(-1) | absent_BA
        same_B = same_BA.all(1) & (before.next_mask == batch.mask.to(self.device)).all(1)
        same_B &= (before.next_context == batch.context.to(self.device)).all(1)
        if not (same_B | before.terminated).all():
            raise ValueError("options: not what followed the transitions before: with a width, steps come in order")
