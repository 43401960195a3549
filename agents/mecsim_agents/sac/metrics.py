"""What an update of the soft actor-critic reports."""

from mecsim_agents.values.metrics import VALUE_METRICS

_MEANINGS = VALUE_METRICS | {
    "policy_loss": "mean of Σ_a π(a)·(α·log π(a) − advantage of a over the best option); 0 without a policy network",
    "entropy": "mean entropy in nats of the policy that the targets follow; ln(A) is uniform over A options",
    "temperature": "α, scaled rewards per nat",
    "policy_gradient_norm": "norm of the policy network's gradient before it is shortened, 0 without one",
}
_ORDER = (
    "critic_loss", "policy_loss", "error_within_groups", "error_of_groups", "value", "target",
    "entropy", "temperature", "critic_gradient_norm", "policy_gradient_norm", "learning_rate",
)  # fmt: skip

METRICS: dict[str, str] = {name: _MEANINGS[name] for name in _ORDER}
"""What each number that `DiscreteSAC.update` returns means, and its unit."""
