"""The double deep Q-network as an algorithm by name."""

from collections.abc import Mapping

from mecsim_agents.dqn.config import DoubleDQNConfig
from mecsim_agents.learner import Algorithm
from mecsim_agents.values.metrics import VALUE_METRICS

METRICS: Mapping[str, str] = VALUE_METRICS | {"exploration_rate": "chance that exploring takes a random option"}
"""What each number that `DoubleDQN.update` returns means, and its unit."""

ALGORITHM = Algorithm.at(
    "mecsim_agents.dqn.agent:DoubleDQN",
    "double-dqn",
    "double deep Q-network: the best option, and while exploring now and then a random one",
    DoubleDQNConfig,
    METRICS,
)
"""The `Algorithm` of this package."""
