"""The double deep Q-network."""

from mecsim_agents.dqn.agent import DoubleDQN
from mecsim_agents.dqn.config import DoubleDQNConfig

ALGORITHM = DoubleDQN.algorithm("double deep Q-network: the best option, and while exploring now and then a random one")
"""The `Algorithm` of this package."""

__all__ = ["ALGORITHM", "DoubleDQN", "DoubleDQNConfig"]
