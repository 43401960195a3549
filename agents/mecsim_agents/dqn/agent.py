"""Double deep Q-learning for all preferences at once, over sets of options.

Dimension suffixes as in `values.model`.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from mecsim_agents.dqn.algorithm import ALGORITHM, METRICS
from mecsim_agents.dqn.config import DoubleDQNConfig
from mecsim_agents.dqn.model import Model
from mecsim_agents.observation import State
from mecsim_agents.values import ValueLearner


class DoubleDQN(ValueLearner):
    """Preference-conditioned, multi-objective Double-DQN (van Hasselt et al. 2016, arXiv 1509.06461).

    The best option of the weighted values is played. Exploring, some are random, the fewer the longer the training.
    """

    NAME: ClassVar = ALGORITHM.name
    CONFIG: ClassVar = DoubleDQNConfig
    MODEL: ClassVar = Model
    METRICS: ClassVar[Mapping[str, str]] = METRICS

    config: DoubleDQNConfig
    model: Model

    def _exploring_noise(self, states: int, options: int) -> tuple[Tensor, ...]:
        """Draw a random number for each option (N, A), and another one for each state (N, 1)."""
        draw = self._generators["act"]
        random_NA = torch.rand(states, options, generator=draw, device=self.device)
        return random_NA, torch.rand(states, 1, generator=draw, device=self.device)

    def _exploring_scores(self, state: State, *noise: Tensor) -> Tensor:
        """Return values, and in some states random numbers instead."""
        scores_NA = self.model.logits(self.model.exploring, state, self.model.temperature)
        random_NA, chance_N1 = noise
        return torch.where(chance_N1 < self.model.released_rate, random_NA, scores_NA)

    def _schedule(self, progress: float) -> dict[str, Tensor]:
        """Set learning rate and exploration rate."""
        config = self.config
        left = max(0.0, 1.0 - progress / config.exploration_fraction)
        self.model.exploration_rate.fill_(
            config.exploration_end + left * (config.exploration_start - config.exploration_end)
        )
        return super()._schedule(progress) | {"exploration_rate": self.model.exploration_rate.clone()}
