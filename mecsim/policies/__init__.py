"""How policies are named and played, the scales of objectives, and policies that play every system."""

from mecsim.policies.calibration import Calibration, calibrate, tradable
from mecsim.policies.immediate import GreedyPolicy
from mecsim.policies.planning import Expecting, Planning, PlanningPolicy, planner
from mecsim.policies.policy import Policy, PolicyFactory, PolicyOf, play
from mecsim.policies.registry import NamedPolicy, named_policy, policies_of, policies_of_system, policy, policy_at
from mecsim.policies.warm_up import warm_up

__all__ = [
    "Calibration",
    "Expecting",
    "GreedyPolicy",
    "NamedPolicy",
    "Planning",
    "PlanningPolicy",
    "Policy",
    "PolicyFactory",
    "PolicyOf",
    "calibrate",
    "named_policy",
    "planner",
    "play",
    "policies_of",
    "policies_of_system",
    "policy",
    "policy_at",
    "tradable",
    "warm_up",
]
