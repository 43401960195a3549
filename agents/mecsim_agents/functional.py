"""Equations that learners share, as pure functions of tensors.

Dimension suffixes: N states, A options, d objectives, K critics, M critic outputs per option (d, or 1 if scalar).
"""

import math

import torch
from torch import Tensor

_LEAST_WEIGHT = 1e-3  # that a preference's logarithm tells from 0


def masked_log_softmax(logits_NA: Tensor, mask_NA: Tensor) -> tuple[Tensor, Tensor]:
    """Return probabilities and log-probabilities (N, A) over the valid options.

    Absent options have probability exactly 0 and log-probability 0, so that p·log p and its gradient are 0 and never
    NaN. A state without valid options (padding after the end of an episode) has only zeros.
    """
    absent_NA = ~mask_NA
    empty_N1 = absent_NA.all(-1, keepdim=True)
    log_NA = logits_NA.masked_fill(absent_NA & ~empty_N1, -torch.inf).log_softmax(-1)
    log_NA = log_NA.masked_fill(absent_NA, 0.0)
    return log_NA.exp().masked_fill(absent_NA, 0.0), log_NA


def entropy(probability_NA: Tensor, log_probability_NA: Tensor) -> Tensor:
    """Entropy in nats of each row, shape (N,)."""
    return -(probability_NA * log_probability_NA).sum(-1)


def sample_preferences(
    count: int, num_objectives: int, corner_fraction: float, generator: torch.Generator, device: torch.device
) -> Tensor:
    """Draw (N, d) weights, uniform on the simplex (Dirichlet(1)), a share of them drawn towards its corners.

    How far these stay from their corner is log-uniform: a thousandth to a tenth of the way to where they were.
    """
    # Normalised exponentials are Dirichlet(1). A zero draw has a logarithm of −inf, hence the floor.
    uniform_Nd = torch.rand(count, num_objectives, generator=generator, device=device)
    weights_Nd = (-uniform_Nd.clamp_min(1e-12).log()).clamp_min(1e-12)
    weights_Nd = weights_Nd / weights_Nd.sum(-1, keepdim=True)
    objective_N = torch.randint(num_objectives, (count,), generator=generator, device=device)
    corner_N1 = torch.rand(count, 1, generator=generator, device=device) < corner_fraction
    corners_Nd = torch.nn.functional.one_hot(objective_N, num_objectives).to(weights_Nd.dtype)
    near_N1 = 10.0 ** (-1.0 - 2.0 * torch.rand(count, 1, generator=generator, device=device))
    return torch.where(corner_N1, corners_Nd + near_N1 * (weights_Nd - corners_Nd), weights_Nd)


def encode_preference(preference_Nd: Tensor) -> Tensor:
    """Weights and their logarithms, (N, 2·d), from 0 to 1.

    An objective of weight 0.01 decides between options that are equal in the others. To a network that sees the weights
    alone, 0.01 is much like 0.05 or 0.
    """
    logarithm_Nd = preference_Nd.clamp_min(_LEAST_WEIGHT).log() / -math.log(_LEAST_WEIGHT)
    return torch.cat([preference_Nd, 1.0 + logarithm_Nd], -1)


def scalarise(values: Tensor, preference_Nd: Tensor) -> Tensor:
    """Weigh critic outputs (K, N, A, M) or (N, A, M) to (K, N, A) or (N, A); one output is already the weighted sum."""
    if values.shape[-1] == 1:
        return values.squeeze(-1)
    return (values * preference_Nd.unsqueeze(-2)).sum(-1)


def weighted_mean(values_NM: Tensor, preference_Nd: Tensor) -> Tensor:
    """Mean over states of their weighted values."""
    return scalarise(values_NM.unsqueeze(1), preference_Nd).mean()


def critic_target(
    reward_NM: Tensor,
    terminated_N: Tensor,
    next_values_NAM: Tensor,
    next_probability_NA: Tensor,
    next_log_probability_NA: Tensor,
    preference_Nd: Tensor,
    discount_N: Tensor | float,
    temperature: Tensor,
) -> Tensor:
    """Soft Bellman target, one value for each critic output, shape (N, M); a plain one at a temperature α of 0.

    y_i = r_i + γ·(1 − terminated)·(Σ_a' π(a'|s',ω)·Q_i(s',a',ω) + α·H(π(·|s',ω))): Christodoulou 2019, equations 3 and
    10, one for each objective. The preference sums to one, so an entropy term in every component enters ω·y once.
    """
    # No product for absent options: their immediate cost may be anything.
    values_NAM = next_values_NAM.masked_fill((next_probability_NA == 0).unsqueeze(-1), 0.0)
    expected_NM = (next_probability_NA.unsqueeze(-1) * values_NAM).sum(1)
    bonus_N = temperature * entropy(next_probability_NA, next_log_probability_NA)
    counts_N1 = ((~terminated_N).to(reward_NM.dtype) * discount_N).unsqueeze(-1)
    return reward_NM + counts_N1 * (expected_NM + bonus_N.unsqueeze(-1))


def group_errors(error_KNM: Tensor, group: int) -> tuple[Tensor, Tensor]:
    """Split the errors of N transitions, in groups of neighbours, into what differs within a group and its mean.

    Transitions of a group meet the same chance (see `Replay`), so the noise of their targets is mostly common to all of
    them. Shapes (K, N/group, group, M) and (K, N/group, 1, M). An input-driven baseline (Mao et al. 2019, arXiv
    1807.02264), but of a critic, and taken from the other members of the group: the minimum over the critic's values is
    where E[target − value] is the same for all states of a group, and a value common to them decides nothing.
    """
    members, transitions, outputs = error_KNM.shape
    grouped_KGCM = error_KNM.view(members, transitions // group, group, outputs)
    mean_KG1M = grouped_KGCM.mean(2, keepdim=True)
    return grouped_KGCM - mean_KG1M, mean_KG1M


def huber(error: Tensor, beta: float) -> Tensor:
    """Mean of error²/(2·beta), linear beyond `beta`."""
    return torch.nn.functional.smooth_l1_loss(error, torch.zeros_like(error), beta=beta)
