"""Replay of preference-free transitions, preallocated on one device.

Dimension suffixes: B transitions given, C capacity, A options, F option features, G context features, d objectives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from mecsim_agents.environment import EnvironmentShape


@dataclass(frozen=True)
class Transitions:
    """A batch of decisions. Rewards are vectors in physical units, so any preference can be applied afterwards."""

    options: Tensor  # (B, A, F) float32
    mask: Tensor  # (B, A) bool; false for an absent option, whose row means nothing
    context: Tensor  # (B, G) float32
    action: Tensor  # (B,) int64, index of the chosen option
    reward: Tensor  # (B, d) float32, larger is better
    terminated: Tensor  # (B,) bool; a time limit is no termination
    next_options: Tensor  # (B, A, F)
    next_mask: Tensor  # (B, A)
    next_context: Tensor  # (B, G)
    preference: Tensor  # (B, d) float32, under which the option was chosen; another one can be learned from it

    @classmethod
    def from_arrays(
        cls,
        observation: Mapping[str, object],
        action: object,
        reward: object,
        terminated: object,
        next_observation: Mapping[str, object],
        preference: object,
    ) -> "Transitions":
        """Convert what a vector environment gives, arrays or tensors, to the types above (copies only if needed)."""
        return cls(
            options=torch.as_tensor(observation["options"], dtype=torch.float32),
            mask=torch.as_tensor(observation["mask"]).bool(),
            context=torch.as_tensor(observation["context"], dtype=torch.float32),
            action=torch.as_tensor(action, dtype=torch.int64),
            reward=torch.as_tensor(reward, dtype=torch.float32),
            terminated=torch.as_tensor(terminated).bool(),
            next_options=torch.as_tensor(next_observation["options"], dtype=torch.float32),
            next_mask=torch.as_tensor(next_observation["mask"]).bool(),
            next_context=torch.as_tensor(next_observation["context"], dtype=torch.float32),
            preference=torch.as_tensor(preference, dtype=torch.float32),
        )


_PER_OPTION = ("options", "mask", "next_options", "next_mask")
_ROWS = ("options", "next_options")


class Replay:
    """A ring of the latest `capacity` transitions with at most as many options each as the shape has.

    Transitions come, stay and are drawn in groups of `group` neighbours. Those of a group have to differ by what was
    done alone: the same moment of episodes with the same tasks and channels, each under the same preference. What
    chance brings is then common to them, and learning can tell it from what the actions did. With 1 there are no
    groups.
    """

    def __init__(
        self, shape: EnvironmentShape, capacity: int, device: torch.device | str = "cpu", group: int = 1
    ) -> None:
        """Reserve the memory, about 8·A·F bytes a transition. The system hands it over only as it is filled.

        The `count_columns` of the shape are kept in a byte each. Raises ValueError if the capacity is no multiple of
        the group, or the shape does not tell the number of options.
        """
        if group < 1 or capacity % group:
            raise ValueError(f"capacity: expected a multiple of the group of {group}, got {capacity}")
        if shape.num_options is None:
            raise ValueError("num_options: a replay needs the most options of a state")
        self.capacity, self.num_options, self.device, self.group = (
            capacity,
            shape.num_options,
            torch.device(device),
            group,
        )
        self.size = 0  # transitions held
        self.cursor = 0  # where the next one goes
        self._first, self._end = shape.count_columns or (shape.option_features, shape.option_features)
        # One transition of zeros tells the shape and type of each tensor.
        options = torch.zeros(1, self.num_options, shape.option_features)
        mask = torch.zeros(1, self.num_options, dtype=torch.bool)
        observation = {"options": options, "mask": mask, "context": torch.zeros(1, shape.context_features)}
        vector = torch.zeros(1, shape.num_objectives)
        self._empty = Transitions.from_arrays(observation, [0], vector, [False], observation, vector)
        self._store = {
            name: torch.empty(capacity, *tensor.shape[1:], dtype=tensor.dtype, device=self.device)
            for name, tensor in self._packed(self._empty).items()
        }

    def __len__(self) -> int:
        return self.size

    def add(self, batch: Transitions, check: bool = True) -> None:
        """Append a batch, the oldest making room; fewer options than `num_options` are padded with absent ones.

        Raises ValueError for shapes that do not fit and groups that are not whole; and, with `check`, for numbers that
        are not finite, counts that are none, and actions that were no option. To look at every number takes as long as
        to store it, and on a device somebody has to wait for the answer: once an environment is known, leave it out.
        """
        count = self._checked_shapes(batch)
        if check and count:
            self._check_values(batch)
        skip = max(0, count - self.capacity)  # these would be overwritten by the same batch
        slots = (self.cursor + torch.arange(skip, count, device=self.device)) % self.capacity
        for name, given in self._packed(batch).items():
            stored = self._store[name]
            given = given[skip:].to(self.device, stored.dtype, non_blocking=True)
            missing = stored.shape[1] - given.shape[1] if name.partition(".")[0] in _PER_OPTION else 0
            if missing:
                given = torch.cat([given, given.new_zeros(len(given), missing, *given.shape[2:])], 1)
            stored[slots] = given
        self.cursor = (self.cursor + count) % self.capacity
        self.size = min(self.size + count, self.capacity)

    def sample(self, count: int, generator: torch.Generator) -> Transitions:
        """Draw whole groups uniformly with replacement; `generator` must live on the replay's device."""
        if not self.size:
            raise ValueError("the replay is empty: add transitions before sampling")
        if count % self.group:
            raise ValueError(f"count: expected a multiple of the group of {self.group}, got {count}")
        groups = self.size // self.group
        first_G = torch.randint(groups, (count // self.group,), generator=generator, device=self.device) * self.group
        return self._rows((first_G.unsqueeze(1) + torch.arange(self.group, device=self.device)).flatten())

    def oldest_first(self, limit: int | None = None) -> Transitions:
        """Return the held transitions in the order of their arrival, at most the first `limit` of them."""
        start = self.cursor if self.size == self.capacity else 0
        count = self.size if limit is None else min(limit, self.size)
        return self._rows((start + torch.arange(count, device=self.device)) % self.capacity)

    def state_tensors(self) -> dict[str, Tensor]:
        """Return the rows in use and the ring's position, on the CPU; independent copies."""
        state = {name: stored[: self.size].cpu().clone() for name, stored in self._store.items()}
        return state | {"cursor": torch.tensor(self.cursor)}

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state_tensors` of a replay of the same shape, so that sampling continues exactly."""
        size = len(state["action"])
        for name, stored in self._store.items():
            given = state[name]
            if size > self.capacity or given.shape[1:] != stored.shape[1:]:
                raise ValueError(f"{name}: shape {tuple(given.shape)} does not fit replay {tuple(stored.shape)}")
        cursor = int(state["cursor"])
        if cursor != size and size != self.capacity:
            raise ValueError(f"the saved ring held {size} transitions when full, this one {self.capacity}")
        for name, stored in self._store.items():
            stored[:size] = state[name].to(self.device)
        self.size, self.cursor = size, cursor % self.capacity

    def _packed(self, batch: Transitions) -> dict[str, Tensor]:
        """The tensors that are stored: those of a batch, with the counts of options in bytes."""
        packed = {field.name: getattr(batch, field.name) for field in fields(Transitions)}
        if self._first < self._end:
            for name in _ROWS:
                rows = packed[name]
                packed[name] = torch.cat([rows[..., : self._first], rows[..., self._end :]], -1)
                # Absent rows may hold anything; what a byte makes of it does not matter.
                packed[f"{name}.counts"] = rows[..., self._first : self._end].to(torch.uint8)
        return packed

    def _rows(self, rows: Tensor) -> Transitions:
        drawn = {name: stored.index_select(0, rows) for name, stored in self._store.items()}
        if self._first < self._end:
            for name in _ROWS:
                numbers, counts = drawn[name], drawn.pop(f"{name}.counts")
                parts = numbers[..., : self._first], counts.to(numbers.dtype), numbers[..., self._first :]
                drawn[name] = torch.cat(parts, -1)
        return Transitions(**drawn)

    def _checked_shapes(self, batch: Transitions) -> int:
        count = len(batch.action)
        if count % self.group:
            raise ValueError(f"expected whole groups of {self.group} transitions, got {count}")
        for field in fields(Transitions):
            given, expected = getattr(batch, field.name), list(getattr(self._empty, field.name).shape)
            expected[0] = count
            if field.name in _PER_OPTION and given.ndim > 1:
                expected[1] = min(given.shape[1], self.num_options)
            if list(given.shape) != expected:
                raise ValueError(f"{field.name}: expected shape {tuple(expected)}, got {tuple(given.shape)}")
        return count

    def _check_values(self, batch: Transitions) -> None:
        for name in ("reward", "context", "next_context", "preference"):
            if not torch.isfinite(getattr(batch, name)).all():
                raise ValueError(f"{name}: not finite")
        for name in ("", "next_"):
            rows_BAF, absent_BA = getattr(batch, f"{name}options"), ~getattr(batch, f"{name}mask").bool()
            if not (torch.isfinite(rows_BAF).all(-1) | absent_BA).all():
                raise ValueError(f"{name}options: a valid option is not finite")
            counts_BAC = rows_BAF[..., self._first : self._end]
            if not ((counts_BAC == counts_BAC.clamp(0.0, 255.0).round()).all(-1) | absent_BA).all():
                raise ValueError(f"{name}options: a count is no whole number from 0 to 255")
        action_B1 = batch.action.long().unsqueeze(1)
        if ((action_B1 < 0) | (action_B1 >= batch.mask.shape[1])).any() or not batch.mask.gather(1, action_B1).all():
            raise ValueError("action: an absent option was chosen")
        if not (batch.next_mask.bool().any(1) | batch.terminated.bool()).all():
            raise ValueError("next_mask: a state that did not terminate has no valid option")
