"""The networks of the double deep Q-network: critics, and how often options are tried out at random.

Dimension suffixes as in `values.model`.
"""

import torch
from torch import Tensor

from mecsim_agents.dqn.config import DoubleDQNConfig
from mecsim_agents.networks import NetworkShape
from mecsim_agents.observation import State
from mecsim_agents.values import ValueModel


class Model(ValueModel):
    """A `ValueModel` whose policy is the best option."""

    config: DoubleDQNConfig
    exploration_rate: Tensor  # of the moment
    released_rate: Tensor  # that is explored with

    def _add_parts(self, critics: NetworkShape, generator: torch.Generator) -> None:
        start = torch.tensor(self.config.exploration_start)
        self.register_buffer("exploration_rate", start)
        self.register_buffer("released_rate", start.clone())

    @property
    def temperature(self) -> Tensor:
        """That of the probabilities that are told; the policy itself has none."""
        return torch.full_like(self.exploration_rate, self.config.temperature)

    @torch.no_grad()
    def release(self) -> None:
        """Explore from now on with the deciding network and the chance of a random option as they are now."""
        super().release()
        self.released_rate.copy_(self.exploration_rate)

    def next_policy(self, following: State, target_values_NAM: Tensor) -> tuple[Tensor, Tensor]:
        """Return certainty for the option that the critics, and not their targets, hold best (van Hasselt et al. 2016).

        An option that only the targets overrate is so not taken for what it seems.
        """
        scores_NA = self.logits(self.critic, following, self.temperature)
        best_N1 = scores_NA.masked_fill(~following.mask_NA, -torch.inf).argmax(-1, keepdim=True)
        certain_NA = torch.zeros_like(scores_NA).scatter(1, best_N1, 1.0)
        return certain_NA * following.mask_NA, torch.zeros_like(scores_NA)
