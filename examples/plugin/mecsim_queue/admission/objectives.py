"""What is traded off."""

from mecsim.core.objective import Objective

OBJECTIVES = (
    Objective("time_in_system", "s", "episode"),
    Objective("revenue", "share", "episode", best=1.0, higher_is_better=True, offset=1.0),
)
