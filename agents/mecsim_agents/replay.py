"""Replay of preference-free transitions, preallocated on one device.

Dimension suffixes: B transitions given, C capacity, A options, F option features, G context features, d objectives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor


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

    @classmethod
    def from_arrays(
        cls,
        observation: Mapping[str, object],
        action: object,
        reward: object,
        terminated: object,
        next_observation: Mapping[str, object],
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
        )


_PER_OPTION = ("options", "mask", "next_options", "next_mask")


class Replay:
    """A ring of the latest `capacity` transitions with at most `num_options` options each."""

    def __init__(
        self,
        capacity: int,
        num_options: int,
        option_features: int,
        context_features: int,
        num_objectives: int,
        device: torch.device | str = "cpu",
    ) -> None:
        """Reserve the memory: about 8·A·F bytes a transition. The system hands it over only as it is filled."""
        self.capacity, self.num_options, self.device = capacity, num_options, torch.device(device)
        self.size = 0  # transitions held
        self.cursor = 0  # where the next one goes

        def empty(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.empty(capacity, *shape, dtype=dtype, device=self.device)

        self._store = Transitions(
            options=empty(num_options, option_features),
            mask=empty(num_options, dtype=torch.bool),
            context=empty(context_features),
            action=empty(dtype=torch.int64),
            reward=empty(num_objectives),
            terminated=empty(dtype=torch.bool),
            next_options=empty(num_options, option_features),
            next_mask=empty(num_options, dtype=torch.bool),
            next_context=empty(context_features),
        )

    def __len__(self) -> int:
        return self.size

    def add(self, batch: Transitions) -> None:
        """Append a batch, the oldest making room; fewer options than `num_options` are padded with absent ones.

        Raises ValueError for shapes that do not fit, numbers that are not finite, and actions that were no option.
        """
        count = self._check(batch)
        skip = max(0, count - self.capacity)  # these would be overwritten by the same batch
        slots = (self.cursor + torch.arange(skip, count, device=self.device)) % self.capacity
        for field in fields(Transitions):
            stored, given = getattr(self._store, field.name), getattr(batch, field.name)[skip:]
            given = given.to(self.device, stored.dtype, non_blocking=True)
            missing = self.num_options - given.shape[1] if field.name in _PER_OPTION else 0
            if missing:
                given = torch.cat([given, given.new_zeros(len(given), missing, *given.shape[2:])], 1)
            stored[slots] = given
        self.cursor = (self.cursor + count) % self.capacity
        self.size = min(self.size + count, self.capacity)

    def sample(self, count: int, generator: torch.Generator) -> Transitions:
        """Draw transitions uniformly with replacement; `generator` must live on the replay's device."""
        if not self.size:
            raise ValueError("the replay is empty: add transitions before sampling")
        rows = torch.randint(self.size, (count,), generator=generator, device=self.device)
        return self._rows(rows)

    def oldest_first(self, limit: int | None = None) -> Transitions:
        """Return the held transitions in the order of their arrival, at most the first `limit` of them."""
        start = self.cursor if self.size == self.capacity else 0
        count = self.size if limit is None else min(limit, self.size)
        return self._rows((start + torch.arange(count, device=self.device)) % self.capacity)

    def state_tensors(self) -> dict[str, Tensor]:
        """Return the rows in use and the ring's position, on the CPU; independent copies."""
        state = {
            field.name: getattr(self._store, field.name)[: self.size].cpu().clone() for field in fields(Transitions)
        }
        return state | {"cursor": torch.tensor(self.cursor)}

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state_tensors` of a replay of the same shape, so that sampling continues exactly."""
        size = len(state["action"])
        for field in fields(Transitions):
            stored, given = getattr(self._store, field.name), state[field.name]
            if size > self.capacity or given.shape[1:] != stored.shape[1:]:
                raise ValueError(f"{field.name}: shape {tuple(given.shape)} does not fit replay {tuple(stored.shape)}")
        cursor = int(state["cursor"])
        if cursor != size and size != self.capacity:
            raise ValueError(f"the saved ring held {size} transitions when full, this one {self.capacity}")
        for field in fields(Transitions):
            getattr(self._store, field.name)[:size] = state[field.name].to(self.device)
        self.size, self.cursor = size, cursor % self.capacity

    def _rows(self, rows: Tensor) -> Transitions:
        return Transitions(
            **{field.name: getattr(self._store, field.name).index_select(0, rows) for field in fields(Transitions)}
        )

    def _check(self, batch: Transitions) -> int:
        count = len(batch.action)
        for field in fields(Transitions):
            given, expected = getattr(batch, field.name), list(getattr(self._store, field.name).shape)
            expected[0] = count
            if field.name in _PER_OPTION and given.ndim > 1:
                expected[1] = min(given.shape[1], self.num_options)
            if list(given.shape) != expected:
                raise ValueError(f"{field.name}: expected shape {tuple(expected)}, got {tuple(given.shape)}")
        if not count:
            return 0
        for name in ("reward", "context", "next_context"):
            if not torch.isfinite(getattr(batch, name)).all():
                raise ValueError(f"{name}: not finite")
        for name in ("", "next_"):
            finite_BA = torch.isfinite(getattr(batch, f"{name}options")).all(-1)
            if not (finite_BA | ~getattr(batch, f"{name}mask").bool()).all():
                raise ValueError(f"{name}options: a valid option is not finite")
        action_B1 = batch.action.long().unsqueeze(1)
        if ((action_B1 < 0) | (action_B1 >= batch.mask.shape[1])).any() or not batch.mask.gather(1, action_B1).all():
            raise ValueError("action: an absent option was chosen")
        if not (batch.next_mask.bool().any(1) | batch.terminated.bool()).all():
            raise ValueError("next_mask: a state that did not terminate has no valid option")
        return count
