"""The discrete soft actor-critic."""

from mecsim_agents.learner import Algorithm
from mecsim_agents.sac.agent import DiscreteSAC
from mecsim_agents.sac.config import DiscreteSACConfig
from mecsim_agents.sac.metrics import METRICS

ALGORITHM = Algorithm(
    name=DiscreteSAC.NAME,
    summary="discrete soft actor-critic: chances of options fall with what they cost less than the best",
    config=DiscreteSACConfig,
    new=DiscreteSAC,
    load=DiscreteSAC.load,
)

__all__ = ["ALGORITHM", "METRICS", "DiscreteSAC", "DiscreteSACConfig"]
