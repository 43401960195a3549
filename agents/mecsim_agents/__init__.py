"""Preference-conditioned multi-objective agents over sets of options.

They see observation and reward arrays only, so any environment with such observations will do.
"""

from mecsim_agents.config import DiscreteSACConfig
from mecsim_agents.deployed import DeployedPolicy
from mecsim_agents.discrete_sac import DiscreteSAC
from mecsim_agents.functional import sample_preferences
from mecsim_agents.metrics import METRICS
from mecsim_agents.networks import InputNormaliser, OptionNetwork
from mecsim_agents.padded import PaddedNetwork
from mecsim_agents.replay import Replay, Transitions

__all__ = [
    "METRICS",
    "DeployedPolicy",
    "DiscreteSAC",
    "DiscreteSACConfig",
    "InputNormaliser",
    "OptionNetwork",
    "PaddedNetwork",
    "Replay",
    "Transitions",
    "sample_preferences",
]
