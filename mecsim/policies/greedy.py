"""Greedy on the immediate reward, for every system."""

from mecsim.core.scenario import Scenario
from mecsim.policies.calibration import calibrate
from mecsim.policies.immediate import GreedyPolicy
from mecsim.policies.registry import policy


@policy("greedy", "the best that an option brings at once, as the system expects it")
def greedy(scenario: Scenario, seed: int) -> GreedyPolicy:
    """In the scales of the scenario."""
    return GreedyPolicy(calibrate(scenario).scale)
