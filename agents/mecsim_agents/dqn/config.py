"""Hyper-parameters of the double deep Q-network."""

from pydantic.dataclasses import dataclass

from mecsim_agents.config import SETTINGS, PositiveShare, Share
from mecsim_agents.values import ValueConfig


@dataclass(frozen=True, config=SETTINGS)
class DoubleDQNConfig(ValueConfig):
    """Hyper-parameters of `DoubleDQN`, beside those of `ValueConfig`.

    Exploring
        exploration_start, exploration_end: chance that an option is tried out at random, at the beginning of the
            training and after the schedule.
        exploration_fraction: share of the training over which the chance falls, in a straight line.
        temperature: acting needs none. It is the unit in which inputs with costs are compressed, and how much the agent
            is for each option is told as exp(ω·Q/temperature), normalised.
    """

    exploration_start: Share = 1.0
    exploration_end: Share = 0.05
    exploration_fraction: PositiveShare = 0.3
