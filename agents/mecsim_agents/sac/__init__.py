"""The discrete soft actor-critic."""

from mecsim_agents.sac.agent import DiscreteSAC
from mecsim_agents.sac.config import DiscreteSACConfig
from mecsim_agents.sac.metrics import METRICS

ALGORITHM = DiscreteSAC.algorithm("discrete soft actor-critic: the less an option costs, the likelier it is")
"""The `Algorithm` of this package."""

__all__ = ["ALGORITHM", "METRICS", "DiscreteSAC", "DiscreteSACConfig"]
