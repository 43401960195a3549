"""Discrete soft actor-critic for all preferences at once, over sets of options.

Dimension suffixes as in `values.model`.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from mecsim_agents.functional import entropy, masked_log_softmax, scalarise
from mecsim_agents.observation import State
from mecsim_agents.sac.algorithm import ALGORITHM
from mecsim_agents.sac.config import DiscreteSACConfig
from mecsim_agents.sac.functional import policy_loss
from mecsim_agents.sac.metrics import METRICS
from mecsim_agents.sac.model import Model
from mecsim_agents.values import ValueLearner


class DiscreteSAC(ValueLearner):
    """Preference-conditioned, multi-objective Discrete-SAC (Christodoulou 2019, arXiv 1910.07207).

    Critics, policy network and temperature learn, as far as the config has them.
    """

    NAME: ClassVar = ALGORITHM.name
    CONFIG: ClassVar = DiscreteSACConfig
    MODEL: ClassVar = Model
    METRICS: ClassVar[Mapping[str, str]] = METRICS

    config: DiscreteSACConfig
    model: Model

    def _exploring_noise(self, states: int, options: int) -> tuple[Tensor, ...]:
        """Draw exponentials (N, A)."""
        room_NA = torch.empty(states, options, device=self.device)
        return (room_NA.exponential_(generator=self._generators["act"]),)

    def _exploring_scores(self, state: State, *noise: Tensor) -> Tensor:
        """Perturb logits such that the largest is a draw from the exploring policy."""
        # Gumbel's trick: adding such noise and taking the largest draws from the softmax.
        return self.model.exploring_logits(state) - noise[0].log()

    def _learn_more(self, state: State, following: State, policy: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Make a gradient step of policy network and temperature, as far as they learn."""
        config, model, temperature = self.config, self.model, self.model.temperature
        entropy_N = entropy(*policy)
        policy_value = policy_norm = torch.zeros((), device=self.device)
        if config.policy == "network":
            policy_value, policy_norm = self._update_policy(state)
        if config.learn_temperature:
            target_entropy_N = config.target_entropy_fraction * following.mask_NA.sum(-1).clamp_min(1).log()
            self._step("temperature", (model.log_temperature * (entropy_N - target_entropy_N)).mean())
        return {
            "policy_loss": policy_value,
            "entropy": entropy_N.mean(),
            "temperature": temperature,
            "policy_gradient_norm": policy_norm,
        }

    def _update_policy(self, state: State) -> tuple[Tensor, Tensor]:
        """Make a gradient step of the policy network; its loss and the norm of its gradient."""
        model = self.model
        with torch.no_grad():
            values_NAM = model.judged(model.values(model.critic, state), state.preference_Nd)
            value_NA = scalarise(values_NAM, state.preference_Nd)
        policy = masked_log_softmax(model.logits(model.policy, state, model.temperature), state.mask_NA)
        loss = policy_loss(*policy, value_NA, state.mask_NA, model.temperature)
        return loss.detach(), self._step("policy", loss)
