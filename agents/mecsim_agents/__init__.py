"""Preference-conditioned multi-objective agents over sets of options.

They see observation and reward arrays only, so any environment with such observations will do.
"""

from typing import TYPE_CHECKING

from mecsim_agents.config import LearnerConfig
from mecsim_agents.dqn import DoubleDQNConfig
from mecsim_agents.environment import EnvironmentShape
from mecsim_agents.late import late as _late
from mecsim_agents.learner import Algorithm, Learner
from mecsim_agents.registry import LEARNERS, PluginError
from mecsim_agents.sac import METRICS, DiscreteSACConfig
from mecsim_agents.timer import SectionTimer
from mecsim_agents.values import ValueConfig

if TYPE_CHECKING:
    from mecsim_agents.dqn import DoubleDQN
    from mecsim_agents.functional import sample_preferences
    from mecsim_agents.networks import InputNormaliser, LayerSizes, NetworkShape, OptionNetwork, PaddedNetwork
    from mecsim_agents.replay import Replay
    from mecsim_agents.sac import DiscreteSAC
    from mecsim_agents.transitions import Transitions
    from mecsim_agents.values import DeployedPolicy, ValueLearner, ValueModel

__all__ = [
    "LEARNERS",
    "METRICS",
    "Algorithm",
    "DeployedPolicy",
    "DiscreteSAC",
    "DiscreteSACConfig",
    "DoubleDQN",
    "DoubleDQNConfig",
    "EnvironmentShape",
    "InputNormaliser",
    "LayerSizes",
    "Learner",
    "LearnerConfig",
    "NetworkShape",
    "OptionNetwork",
    "PaddedNetwork",
    "PluginError",
    "Replay",
    "SectionTimer",
    "Transitions",
    "ValueConfig",
    "ValueLearner",
    "ValueModel",
    "sample_preferences",
]

__getattr__ = _late(
    __name__,
    {
        "DeployedPolicy": "mecsim_agents.values",
        "DiscreteSAC": "mecsim_agents.sac",
        "DoubleDQN": "mecsim_agents.dqn",
        "InputNormaliser": "mecsim_agents.networks",
        "LayerSizes": "mecsim_agents.networks",
        "NetworkShape": "mecsim_agents.networks",
        "OptionNetwork": "mecsim_agents.networks",
        "PaddedNetwork": "mecsim_agents.networks",
        "Replay": "mecsim_agents.replay",
        "Transitions": "mecsim_agents.transitions",
        "ValueLearner": "mecsim_agents.values",
        "ValueModel": "mecsim_agents.values",
        "sample_preferences": "mecsim_agents.functional",
    },
)
