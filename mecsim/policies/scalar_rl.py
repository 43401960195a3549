"""Algorithms with a scalar reward as policies: a model for each preference, trained when it is first asked for."""

from mecsim.core.scenario import Scenario
from mecsim.policies.policy import Policy
from mecsim.policies.registry import policy


@policy("dqn", "a DQN of stable-baselines3 per preference, trained first", costly=True)
def dqn(scenario: Scenario, seed: int) -> Policy:
    """With the budget of its defaults; what it draws in training does not depend on the seed."""
    from mecsim.policies.stable_baselines import DqnPolicy

    return DqnPolicy(scenario)


@policy("ppo", "a PPO of stable-baselines3 per preference, trained first", costly=True)
def ppo(scenario: Scenario, seed: int) -> Policy:
    """With the budget of its defaults; what it draws in training does not depend on the seed."""
    from mecsim.policies.stable_baselines import PpoPolicy

    return PpoPolicy(scenario)


@policy("maskable-ppo", "a MaskablePPO of sb3-contrib per preference, trained first; it knows masks", costly=True)
def maskable_ppo(scenario: Scenario, seed: int) -> Policy:
    """With the budget of its defaults; what it draws in training does not depend on the seed."""
    from mecsim.policies.stable_baselines import MaskablePpoPolicy

    return MaskablePpoPolicy(scenario)
