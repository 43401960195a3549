"""Transitions: what is learned from, whatever the preference.

Dimension suffixes: B transitions, A options, F option features, G context features, d objectives.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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
        """Convert what a vector environment gives, arrays or tensors, to the types above (copies only if needed).

        All are then where the observation is.
        """
        device = torch.as_tensor(observation["options"]).device

        def of(values: object, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.as_tensor(values, device=device).to(dtype)

        return cls(
            options=of(observation["options"]),
            mask=of(observation["mask"], torch.bool),
            context=of(observation["context"]),
            action=of(action, torch.int64),
            reward=of(reward),
            terminated=of(terminated, torch.bool),
            next_options=of(next_observation["options"]),
            next_mask=of(next_observation["mask"], torch.bool),
            next_context=of(next_observation["context"]),
            preference=of(preference),
        )

    def check_values(self, counts: slice) -> None:
        """Look at every number; `counts` are the columns of options that hold whole numbers of a byte.

        Raises ValueError for what is not finite, counts that are none, actions that were no option, and states that did
        not terminate but have no option.
        """
        for name in ("reward", "context", "next_context", "preference"):
            if not torch.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name}: not finite")
        for name in ("", "next_"):
            rows_BAF, absent_BA = getattr(self, f"{name}options"), ~getattr(self, f"{name}mask").bool()
            if not (torch.isfinite(rows_BAF).all(-1) | absent_BA).all():
                raise ValueError(f"{name}options: a valid option is not finite")
            counts_BAC = rows_BAF[..., counts]
            if not ((counts_BAC == counts_BAC.clamp(0.0, 255.0).round()).all(-1) | absent_BA).all():
                raise ValueError(f"{name}options: a count is no whole number from 0 to 255")
        action_B1 = self.action.long().unsqueeze(1)
        if ((action_B1 < 0) | (action_B1 >= self.mask.shape[1])).any() or not self.mask.gather(1, action_B1).all():
            raise ValueError("action: an absent option was chosen")
        if not (self.next_mask.bool().any(1) | self.terminated.bool()).all():
            raise ValueError("next_mask: a state that did not terminate has no valid option")
