"""What mecsim can be given from outside: a system, a channel, a policy, a learner."""
