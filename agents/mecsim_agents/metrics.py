"""What an update reports."""

METRICS: dict[str, str] = {
    "critic_loss": "Huber loss, mean over batch and outputs, sum over critics; scaled rewards",
    "policy_loss": "mean of Σ_a π(a)·(α·log π(a) − advantage of a over the best option); 0 is the best without entropy",
    "value": "mean of the taken action's value at the relabelled preference, first critic; scaled rewards",
    "target": "mean of the critics' target at the relabelled preference; scaled rewards",
    "entropy": "mean entropy of the policy in nats; ln(A) is uniform over A options, 0 is deterministic",
    "temperature": "α, scaled rewards per nat",
    "critic_gradient_norm": "norm of the critics' gradient before it is shortened",
    "policy_gradient_norm": "norm of the policy's gradient before it is shortened",
    "learning_rate": "Adam's rate in this update",
}
"""What each number that `DiscreteSAC.update` returns means, and its unit."""
