"""What an update reports."""

METRICS: dict[str, str] = {
    "critic_loss": "loss of the critics' errors, mean over batch, outputs and critics; scaled rewards",
    "policy_loss": "mean of Σ_a π(a)·(α·log π(a) − advantage of a over the best option); 0 without a policy network",
    "error_within_groups": "root mean square of value − target, counted from the group's mean; scaled rewards",
    "error_of_groups": "root mean square of the groups' mean of value − target, mostly chance; scaled rewards",
    "value": "mean of the taken action's value at the relabelled preference, first critic; scaled rewards",
    "target": "mean of the critics' target at the relabelled preference; scaled rewards",
    "entropy": "mean entropy in nats of the policy that the targets follow; ln(A) is uniform over A options",
    "temperature": "α, scaled rewards per nat",
    "critic_gradient_norm": "norm of the critics' gradient before it is shortened",
    "policy_gradient_norm": "norm of the policy network's gradient before it is shortened, 0 without one",
    "learning_rate": "Adam's rate in this update",
}
"""What each number that `DiscreteSAC.update` returns means, and its unit."""
