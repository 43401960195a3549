"""The discrete soft actor-critic as an algorithm by name."""

from mecsim_agents.learner import Algorithm
from mecsim_agents.sac.config import DiscreteSACConfig
from mecsim_agents.sac.metrics import METRICS

ALGORITHM = Algorithm.at(
    "mecsim_agents.sac.agent:DiscreteSAC",
    "sac",
    "discrete soft actor-critic: the less an option costs, the likelier it is",
    DiscreteSACConfig,
    METRICS,
)
"""The `Algorithm` of this package."""
