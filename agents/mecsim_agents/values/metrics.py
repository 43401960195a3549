"""What updates report."""

VALUE_METRICS: dict[str, str] = {
    "critic_loss": "loss of the critics' errors, mean over batch, outputs and critics; scaled rewards",
    "error_within_groups": "root mean square of value − target, counted from the group's mean; scaled rewards",
    "error_of_groups": "root mean square of the groups' mean of value − target, mostly chance; scaled rewards",
    "value": "mean of the taken action's value at the relabelled preference, first critic; scaled rewards",
    "target": "mean of the critics' target at the relabelled preference; scaled rewards",
    "critic_gradient_norm": "norm of the critics' gradient before it is shortened",
    "learning_rate": "Adam's rate in this update",
}
"""What each number that all learners of values report means, and its unit."""
