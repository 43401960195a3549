"""The networks of the soft actor-critic: critics, a temperature, and a policy made of values or with an own network.

Dimension suffixes as in `values.model`.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from mecsim_agents.functional import masked_log_softmax, scalarise
from mecsim_agents.networks import EnsembleNetwork, NetworkShape
from mecsim_agents.observation import State
from mecsim_agents.sac.config import DiscreteSACConfig
from mecsim_agents.sac.functional import pessimistic
from mecsim_agents.values import ValueModel


class Model(ValueModel):
    """A `ValueModel` whose policy is exp(ω·Q/α), normalised, or a network fitted to it with `policy="network"`.

    The logits of such a network have a residual form as well: −ω·cost(s,a)/α + g(s,a,ω), with g starting at zero.
    """

    config: DiscreteSACConfig

    def _add_parts(self, critics: NetworkShape, generator: torch.Generator) -> None:
        self.log_temperature = nn.Parameter(torch.tensor(self.config.temperature).log())
        if self.config.policy == "network":
            self.policy = self.new_network(critics.of_policy(), generator)

    @property
    def per_objective(self) -> bool:
        """Whether the critic is the vector one."""
        return self.config.critic == "vector"

    @property
    def deciding(self) -> EnsembleNetwork:
        """The policy network, if there is one."""
        return self.policy if self.config.policy == "network" else self.critic

    @property
    def temperature(self) -> Tensor:
        """α in scaled rewards, without gradient."""
        return self.log_temperature.detach().exp()

    @property
    def entropy_bonus(self) -> Tensor:
        """α, if values include the entropy of later decisions."""
        return self.temperature if self.config.value_entropy else super().entropy_bonus

    def learned(self) -> dict[str, Sequence[nn.Parameter]]:
        """The parameters of critics, temperature and policy network."""
        parameters = super().learned() | {"temperature": [self.log_temperature]}
        if self.config.policy == "network":
            parameters["policy"] = list(self.policy.parameters())
        return parameters

    def rewards(self, reward_Nd: Tensor, preference_Nd: Tensor) -> Tensor:
        """Physical rewards as the critics have them, (N, M)."""
        reward_NM = super().rewards(reward_Nd, preference_Nd)
        return reward_NM if self.per_objective else (reward_NM * preference_Nd).sum(-1, keepdim=True)

    def judged(self, values_KNAM: Tensor, preference_Nd: Tensor) -> Tensor:
        """What the critics together say, (N, A, M)."""
        if self.config.pessimism == "min":
            return pessimistic(values_KNAM, preference_Nd)
        return super().judged(values_KNAM, preference_Nd)

    def _complete(self, future_KNAM: Tensor, state: State) -> Tensor:
        if state.immediate_NAd is None or self.per_objective:
            return super()._complete(future_KNAM, state)
        return future_KNAM + scalarise(state.immediate_NAd, state.preference_Nd).unsqueeze(-1)

    # Policy

    def logits(self, deciding: EnsembleNetwork, state: State, temperature: Tensor) -> Tensor:
        """Logits (N, A) of a deciding network; those of absent options mean nothing."""
        if self.config.policy == "softmax":
            return super().logits(deciding, state, temperature)
        learned_NA = cast(Tensor, deciding(*state.inputs))[0, :, :, 0]
        if state.immediate_NAd is None:
            return learned_NA
        gain_NA = scalarise(state.immediate_NAd, state.preference_Nd)
        best_N1 = gain_NA.masked_fill(~state.mask_NA, -torch.inf).amax(-1, keepdim=True)
        # Costs have outliers: without the floor an option once hopeless could never be learned again. Padding after an
        # episode's end has no best option; its logits are not used and only have to be numbers.
        greedy_NA = ((gain_NA - best_N1) / self.config.temperature).clamp(-self.config.logit_floor, 0.0)
        return learned_NA + greedy_NA

    def exploring_logits(self, state: State) -> Tensor:
        """Logits (N, A) of the policy that was released last, at the temperature of exploring."""
        at = torch.full_like(self.log_temperature, self.config.exploration_temperature).detach()
        logits_NA = self.logits(self.exploring, state, at)
        if self.config.policy == "network":  # fitted to the other temperature
            logits_NA = logits_NA * (self.config.temperature / at)
        return logits_NA

    def next_policy(self, following: State, target_values_NAM: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the base class promises: of the policy that learns."""
        if self.config.policy == "softmax":  # of the target critics, which are at hand
            logits_NA = scalarise(target_values_NAM, following.preference_Nd) / self.temperature
        else:
            logits_NA = self.logits(self.policy, following, self.temperature)
        return masked_log_softmax(logits_NA, following.mask_NA)
