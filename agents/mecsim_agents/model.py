"""The networks of the agent, and what their outputs mean: values of options, and a policy made of them.

Dimension suffixes as in `discrete_sac`.
"""

import copy
from typing import cast

import torch
from torch import Tensor, nn

from mecsim_agents.architectures import Shape, new_network
from mecsim_agents.config import DiscreteSACConfig
from mecsim_agents.ensemble import EnsembleNetwork
from mecsim_agents.functional import masked_log_softmax, pessimistic, scalarise
from mecsim_agents.networks import InputNormaliser
from mecsim_agents.observation import State


class Model(nn.Module):
    """Critics, their targets, and the network that decides, in three states: learning, averaged and exploring.

    The network that decides is the critics' ensemble or, with `policy="network"`, one of its own.

    The residual form: what an option costs at once is known from its columns `reward_columns`, so
    Q_i(s,a,ω) = −cost_i(s,a) + f_i(s,a,ω), and a policy network's logits are −ω·cost(s,a)/α + g(s,a,ω). f and g start
    at zero: the agent starts near the greedy policy and learns only where the future speaks against it.

    An objective is separable if what a decision costs in it depends on that decision alone. Of such an objective the
    future depends on an option only through later decisions, and at its corner of the simplex these are greedy whatever
    came before: f_i = (1 − ω_i)·h_i.
    """

    reward_factor: Tensor
    separable_d: Tensor

    def __init__(
        self,
        shape: Shape,
        config: DiscreteSACConfig,
        reward_factor_d: Tensor,
        reward_columns: tuple[int, ...] | None,
        separable: tuple[int, ...],
        generator: torch.Generator,
    ) -> None:
        """`shape`: that of the critics. `reward_factor_d`: what makes physical rewards scaled ones.

        `separable`: positions of the objectives that are.
        """
        super().__init__()
        self.config, self.reward_columns = config, reward_columns
        self.register_buffer("reward_factor", reward_factor_d, persistent=False)
        separable_d = torch.zeros(shape.num_objectives)
        separable_d[list(separable)] = 1.0
        self.register_buffer("separable_d", separable_d, persistent=False)
        columns = reward_columns or ()
        units = (config.temperature / reward_factor_d).tolist()[: len(columns)]
        self.normaliser = InputNormaliser(
            shape.option_features, shape.context_features, columns, units, config.compress
        )
        self.critic = new_network(shape, config, generator)
        self.target = _frozen(self.critic)
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature).log())
        if config.policy == "network":
            self.policy = new_network(shape.of_policy(), config, generator)
        self.averaged, self.exploring = _frozen(self.deciding), _frozen(self.deciding)

    @property
    def deciding(self) -> EnsembleNetwork:
        """The network that learns to decide."""
        return self.policy if self.config.policy == "network" else self.critic

    # Values

    def state(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor) -> State:
        """Normalise an observation and take the immediate costs out of it."""
        immediate_NAd = None
        if self.config.residual and self.reward_columns is not None:
            cost_NAd = options_NAF[..., self.reward_columns] * self.reward_factor
            immediate_NAd = torch.where(mask_NA.unsqueeze(-1), -cost_NAd, 0.0)
        normal_NAF, normal_NG = self.normaliser(options_NAF, mask_NA, context_NG)
        return State(normal_NAF, mask_NA, normal_NG, preference_Nd, immediate_NAd)

    def values(self, critic: EnsembleNetwork, state: State) -> Tensor:
        """Values (K, N, A, M) of all options, in scaled rewards."""
        return self._complete(critic(*state.inputs), state)

    def taken_values(self, critic: EnsembleNetwork, state: State, action_N: Tensor) -> Tensor:
        """Values (K, N, M) of the option of each state that was taken."""
        future_KN1M = critic.taken(*state.inputs, action_N)
        if state.immediate_NAd is not None:
            index_N1d = action_N.view(-1, 1, 1).expand(-1, 1, state.immediate_NAd.shape[-1])
            state = state._replace(immediate_NAd=state.immediate_NAd.gather(1, index_N1d))
        return self._complete(future_KN1M, state).squeeze(2)

    def judged(self, values_KNAM: Tensor, preference_Nd: Tensor) -> Tensor:
        """What the critics together say, (N, A, M)."""
        if self.config.pessimism == "min":
            return pessimistic(values_KNAM, preference_Nd)
        return values_KNAM.mean(0)

    def _complete(self, future_KNAM: Tensor, state: State) -> Tensor:
        """Add to the critics' outputs what is known of the options at once."""
        if state.immediate_NAd is None:
            return future_KNAM
        if self.config.critic == "scalar":
            return future_KNAM + scalarise(state.immediate_NAd, state.preference_Nd).unsqueeze(-1)
        if self.config.separable:
            future_KNAM = future_KNAM * (1.0 - self.separable_d * state.preference_Nd).unsqueeze(-2)
        return future_KNAM + state.immediate_NAd

    # Policy

    @property
    def temperature(self) -> Tensor:
        """α in scaled rewards, without gradient."""
        return self.log_temperature.detach().exp()

    def logits(self, deciding: EnsembleNetwork, state: State, temperature: Tensor) -> Tensor:
        """Logits (N, A) of a deciding network; those of absent options mean nothing."""
        if self.config.policy == "softmax":
            values_NAM = self.judged(self.values(deciding, state), state.preference_Nd)
            return scalarise(values_NAM, state.preference_Nd) / temperature
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
        at = torch.tensor(self.config.exploration_temperature, device=state.context_NG.device)
        logits_NA = self.logits(self.exploring, state, at)
        if self.config.policy == "network":  # fitted to the other temperature
            logits_NA = logits_NA * (self.config.temperature / at)
        return logits_NA

    def next_policy(self, following: State, target_values_NAM: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and their logarithms, (N, A), of the policy that the targets of the critics follow."""
        if self.config.policy == "softmax":  # of the target critics, which are at hand
            logits_NA = scalarise(target_values_NAM, following.preference_Nd) / self.temperature
        else:
            logits_NA = self.logits(self.policy, following, self.temperature)
        return masked_log_softmax(logits_NA, following.mask_NA)

    # Moving weights

    @torch.no_grad()
    def follow(self, target_rate: float, averaging_rate: float) -> None:
        """Move the target critics towards the critics, and the averaged network towards the deciding one."""
        torch._foreach_lerp_(list(self.target.parameters()), list(self.critic.parameters()), target_rate)
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.deciding.parameters()), averaging_rate)

    @torch.no_grad()
    def release(self) -> None:
        """Explore from now on with the deciding network as it is now."""
        torch._foreach_copy_(list(self.exploring.parameters()), list(self.deciding.parameters()))


def _frozen(network: EnsembleNetwork) -> EnsembleNetwork:
    return copy.deepcopy(network).requires_grad_(False)
