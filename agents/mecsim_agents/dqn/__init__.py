"""The double deep Q-network."""

from mecsim_agents.dqn.agent import DoubleDQN
from mecsim_agents.dqn.config import DoubleDQNConfig
from mecsim_agents.learner import Algorithm

ALGORITHM = Algorithm(
    name=DoubleDQN.NAME,
    summary="double deep Q-network: the best option, and while exploring now and then a random one",
    config=DoubleDQNConfig,
    new=DoubleDQN,
    load=DoubleDQN.load,
)

__all__ = ["ALGORITHM", "DoubleDQN", "DoubleDQNConfig"]
