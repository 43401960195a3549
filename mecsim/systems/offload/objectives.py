"""What offloading trades off."""

from mecsim.core.objective import Objective
from mecsim.core.rating import TOP_RATING

OBJECTIVES = (
    Objective("delay", "s", "episode"),
    Objective("energy", "J", "episode"),
    Objective("satisfaction", "0 to 5", "decision", TOP_RATING, higher_is_better=True),
)
"""In the order of the engines' rewards; that of satisfaction is minus what a rating falls short of the best."""
