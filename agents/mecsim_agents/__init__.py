"""Preference-conditioned multi-objective agents over sets of options.

They see observation and reward arrays only, so any environment with such observations will do.
"""

from mecsim_agents.config import LearnerConfig
from mecsim_agents.dqn import DoubleDQN, DoubleDQNConfig
from mecsim_agents.environment import EnvironmentShape
from mecsim_agents.functional import sample_preferences
from mecsim_agents.learner import Algorithm, Learner
from mecsim_agents.networks import InputNormaliser, LayerSizes, NetworkShape, OptionNetwork, PaddedNetwork
from mecsim_agents.registry import LEARNERS, PluginError
from mecsim_agents.replay import Replay
from mecsim_agents.sac import METRICS, DiscreteSAC, DiscreteSACConfig
from mecsim_agents.timer import SectionTimer
from mecsim_agents.transitions import Transitions
from mecsim_agents.values import DeployedPolicy, ValueConfig, ValueLearner, ValueModel

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
