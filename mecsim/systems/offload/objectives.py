"""What offloading trades off."""

from mecsim.core.objective import Objective
from mecsim.core.rating import TOP_RATING

OBJECTIVES = (
    Objective("delay", "s", "episode"),
    Objective("energy", "J", "episode"),
    Objective("satisfaction", "0 to 5", "decision", TOP_RATING, higher_is_better=True),
    Objective("misses", "", "task"),
    Objective("price", "", "episode"),
)
"""In the order of the engines' rewards.

That of satisfaction is minus what a rating falls short of the best. Misses are the share of the tasks that are late;
prices are in whatever the scenario's are.
"""
