"""The double deep Q-network."""

from typing import TYPE_CHECKING

from mecsim_agents.dqn.algorithm import ALGORITHM
from mecsim_agents.dqn.config import DoubleDQNConfig
from mecsim_agents.late import late

if TYPE_CHECKING:
    from mecsim_agents.dqn.agent import DoubleDQN

__all__ = ["ALGORITHM", "DoubleDQN", "DoubleDQNConfig"]

__getattr__ = late(__name__, {"DoubleDQN": "mecsim_agents.dqn.agent"})
