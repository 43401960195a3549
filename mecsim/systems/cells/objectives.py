"""What cells trade off."""

from mecsim.core.objective import Objective
from mecsim.core.rating import TOP_RATING

OBJECTIVES = (
    Objective("satisfaction", "0 to 5", "decision", TOP_RATING, higher_is_better=True, offset=TOP_RATING),
    Objective("saved_resources", "share", "episode", 1.0, higher_is_better=True, offset=1.0),
    Objective("satisfied_users", "share", "episode", 1.0, higher_is_better=True, offset=1.0),
    Objective("churn", "share", "episode"),
)
"""In the order of the engines' rewards: how far an episode's mean satisfaction and saved share get, and, where people
remember, of the users who ask for anything the shares who end it satisfied and who leave."""
