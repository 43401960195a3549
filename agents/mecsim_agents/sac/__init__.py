"""The discrete soft actor-critic."""

from typing import TYPE_CHECKING

from mecsim_agents.late import late
from mecsim_agents.sac.algorithm import ALGORITHM
from mecsim_agents.sac.config import DiscreteSACConfig
from mecsim_agents.sac.metrics import METRICS

if TYPE_CHECKING:
    from mecsim_agents.sac.agent import DiscreteSAC

__all__ = ["ALGORITHM", "METRICS", "DiscreteSAC", "DiscreteSACConfig"]

__getattr__ = late(__name__, {"DiscreteSAC": "mecsim_agents.sac.agent"})
