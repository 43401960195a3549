"""Observations and preferences as tensors, checked. Dimension suffixes as in `values.model`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from mecsim_agents.environment import EnvironmentShape

Observation = Mapping[str, Any]
"""`options` (N, A, F), `mask` (N, A) and `context` (N, G), arrays or tensors; or the same without N."""


class State(NamedTuple):
    """A batch of states as the networks want it."""

    options_NAF: Tensor
    mask_NA: Tensor
    context_NG: Tensor
    preference_Nd: Tensor
    immediate_NAd: Tensor | None  # minus the scaled cost of each option; None without the residual form

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.options_NAF, self.mask_NA, self.context_NG, self.preference_Nd


def read_observation(
    observation: Observation,
    preference: ArrayLike | Tensor,
    shape: EnvironmentShape,
    device: torch.device,
) -> tuple[bool, Tensor, Tensor, Tensor, Tensor]:
    """Return whether the observation is a single state, and options, mask, context and preference with N in front.

    Raises ValueError for shapes that do not fit and for a preference that is no point of the simplex.
    """
    options = torch.as_tensor(observation["options"], dtype=torch.float32, device=device)
    mask = torch.as_tensor(observation["mask"], device=device).bool()
    context = torch.as_tensor(observation["context"], dtype=torch.float32, device=device)
    single = options.ndim == 2
    if single:
        options, mask, context = options.unsqueeze(0), mask.unsqueeze(0), context.unsqueeze(0)
    states, option_features, context_features = len(options), shape.option_features, shape.context_features
    if mask.ndim != 2 or options.shape != (*mask.shape, option_features) or context.shape != (states, context_features):
        raise ValueError(
            f"observation: expected options (N, A, {option_features}), mask (N, A) and context "
            f"(N, {context_features}), got {tuple(options.shape)}, {tuple(mask.shape)}, {tuple(context.shape)}"
        )
    return single, options, mask, context, read_preference(preference, states, shape.num_objectives, device)


def read_preference(
    preference: ArrayLike | Tensor, states: int, num_objectives: int, device: torch.device | str
) -> Tensor:
    """Return a preference (d,) or (N, d) as (N, d). Raises ValueError for what is no point of the simplex."""
    # NumPy checks a few numbers in a fraction of the time that tensors take, which counts for a single decision.
    checked = preference.numpy(force=True) if isinstance(preference, Tensor) else np.asarray(preference, np.float32)
    given = preference if isinstance(preference, Tensor) else checked
    weights = torch.as_tensor(given, dtype=torch.float32, device=device)
    if weights.shape not in ((num_objectives,), (states, num_objectives)):
        raise ValueError(
            f"preference: expected shape ({num_objectives},) or one row a state, got {tuple(weights.shape)}"
        )
    if not ((checked >= 0).all() and (np.abs(checked.sum(-1) - 1.0) < 1e-3).all()):
        raise ValueError("preference: expected weights of at least 0 with sum 1")
    return weights.expand(states, -1)
