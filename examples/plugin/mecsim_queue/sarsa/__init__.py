"""A learner: expected SARSA for all preferences at once (van Seijen et al. 2009)."""

from mecsim_queue.sarsa.agent import ExpectedSarsa

ALGORITHM = ExpectedSarsa.algorithm("expected SARSA: values of a policy that now and then takes any option")
