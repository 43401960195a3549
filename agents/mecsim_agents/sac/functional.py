"""Equations of the soft actor-critic alone, as pure functions of tensors. Dimension suffixes as in the shared ones."""

import torch
from torch import Tensor

from mecsim_agents.functional import scalarise


def pessimistic(values_KNAM: Tensor, preference_Nd: Tensor) -> Tensor:
    """For each option take the outputs (N, A, M) of the critic whose weighted value is lowest.

    The minimum of each objective alone would mix critics into a vector that none of them holds.
    """
    weighted_KNA = scalarise(values_KNAM, preference_Nd)
    if len(values_KNAM) == 2:  # a choice of two is much faster than a gather
        return torch.where((weighted_KNA[0] <= weighted_KNA[1]).unsqueeze(-1), values_KNAM[0], values_KNAM[1])
    index_1NAM = weighted_KNA.argmin(0).unsqueeze(-1).expand(values_KNAM.shape[1:]).unsqueeze(0)
    return values_KNAM.gather(0, index_1NAM).squeeze(0)


def policy_loss(
    probability_NA: Tensor, log_probability_NA: Tensor, value_NA: Tensor, mask_NA: Tensor, temperature: Tensor
) -> Tensor:
    """Mean of Σ_a π(a)·(α·log π(a) − Q(a)) over states, in closed form (Christodoulou 2019, equation 12).

    Q counts from the best valid option of the state. That is a constant for the gradient, and without it one enormous
    cost common to all options would drown the differences that matter in float32.
    """
    best_N1 = value_NA.masked_fill(~mask_NA, -torch.inf).amax(-1, keepdim=True)
    advantage_NA = (value_NA - best_N1).masked_fill(~mask_NA, 0.0)
    return (probability_NA * (temperature * log_probability_NA - advantage_NA)).sum(-1).mean()
