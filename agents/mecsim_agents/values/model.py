"""Networks that value options, and what their outputs mean.

Dimension suffixes: N states, A options, F option features, G context features, d objectives, K critics, M critic
outputs per option (d, or 1 where only the weighted sum is learned).
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mecsim_agents.environment import EnvironmentShape
from mecsim_agents.functional import scalarise
from mecsim_agents.networks import ARCHITECTURES, EnsembleNetwork, InputNormaliser, LayerSizes, NetworkShape
from mecsim_agents.observation import State
from mecsim_agents.values.config import ValueConfig


class ValueModel(nn.Module, ABC):
    """Critics, their targets, and the network that decides, in three states: learning, averaged and exploring.

    The network that decides is the critics' ensemble, unless a learner has one of its own.

    The residual form: what an option costs at once is known from its columns `reward_columns`, so
    Q_i(s,a,ω) = −cost_i(s,a) + f_i(s,a,ω). f starts at zero: the agent starts at the greedy policy and learns only
    where the future speaks against it.

    An objective is separable if what a decision costs in it depends on that decision alone. Of such an objective the
    future depends on an option only through later decisions, and at its corner of the simplex these are greedy whatever
    came before: f_i = (1 − ω_i)·h_i.
    """

    reward_factor: Tensor
    separable_d: Tensor
    cost_column: Tensor  # (d,) of options, in the residual form

    def __init__(self, shape: EnvironmentShape, config: ValueConfig, generator: torch.Generator) -> None:
        """Draw the initial weights from `generator`, on the CPU."""
        super().__init__()
        self.shape, self.config = shape, config
        factor_d = config.reward_multiplier / torch.tensor(shape.objective_scale)  # makes physical rewards scaled ones
        self.register_buffer("reward_factor", factor_d, persistent=False)
        separable_d = torch.zeros(shape.num_objectives)
        separable_d[list(shape.separable)] = 1.0
        self.register_buffer("separable_d", separable_d, persistent=False)
        columns = shape.reward_columns or ()
        self.register_buffer("cost_column", torch.tensor(columns, dtype=torch.int64), persistent=False)
        units = (config.temperature / factor_d).tolist()[: len(columns)]
        features = shape.option_features, shape.context_features
        bins = shape.count_columns if config.cumulate else None
        self.normaliser = InputNormaliser(*features, columns, units, config.compress, bins, config.ramp_levels)
        outputs = shape.num_objectives if self.per_objective else 1
        seen = shape.option_features, shape.context_features + self.normaliser.ramps.width
        sees = NetworkShape(*seen, shape.num_objectives, outputs, config.ensemble_size, shape.num_options)
        self.critic = self.new_network(sees, generator)
        self.target = _frozen(self.critic)
        self._add_parts(sees, generator)
        self.averaged, self.exploring = _frozen(self.deciding), _frozen(self.deciding)

    def new_network(self, shape: NetworkShape, generator: torch.Generator) -> EnsembleNetwork:
        """Make a network of the config's architecture and sizes.

        Raises ValueError if the architecture needs a number of options and there is none.
        """
        sizes = LayerSizes(self.config.encoder_sizes, self.config.head_sizes)
        return ARCHITECTURES[self.config.architecture](shape, sizes, generator)

    def _add_parts(self, critics: NetworkShape, generator: torch.Generator) -> None:
        """Add what a learner has beside critics of that shape."""

    @property
    def per_objective(self) -> bool:
        """Whether critics have an output for each objective, and not only for their weighted sum."""
        return True

    @property
    def deciding(self) -> EnsembleNetwork:
        """The network that learns to decide."""
        return self.critic

    @property
    @abstractmethod
    def temperature(self) -> Tensor:
        """That of the policy, in scaled rewards, without gradient."""

    @property
    def entropy_bonus(self) -> Tensor:
        """What a nat of entropy is worth in the critics' targets, in scaled rewards."""
        return torch.zeros_like(self.temperature)

    @abstractmethod
    def next_policy(self, following: State, target_values_NAM: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and their logarithms, (N, A), of the policy that the targets of the critics follow.

        `target_values_NAM` are the values of the target critics in the same states.
        """

    def learned(self) -> dict[str, Sequence[nn.Parameter]]:
        """The parameters that have an optimiser, by its name."""
        return {"critic": list(self.critic.parameters())}

    # Values

    def rewards(self, reward_Nd: Tensor, preference_Nd: Tensor) -> Tensor:
        """Physical rewards as the critics have them, (N, M)."""
        return reward_Nd * self.reward_factor

    def state(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor) -> State:
        """Normalise an observation and take the immediate costs out of it."""
        immediate_NAd = None
        if self.config.residual and self.shape.reward_columns is not None:
            cost_NAd = options_NAF.index_select(-1, self.cost_column) * self.reward_factor
            immediate_NAd = (-cost_NAd).masked_fill(~mask_NA.unsqueeze(-1), 0.0)
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
        return values_KNAM.mean(0)

    def _complete(self, future_KNAM: Tensor, state: State) -> Tensor:
        """Add to the critics' outputs what is known of the options at once."""
        if state.immediate_NAd is None:
            return future_KNAM
        if self.config.separable:
            future_KNAM = future_KNAM * (1.0 - self.separable_d * state.preference_Nd).unsqueeze(-2)
        return future_KNAM + state.immediate_NAd

    def logits(self, deciding: EnsembleNetwork, state: State, temperature: Tensor) -> Tensor:
        """Logits (N, A) of a deciding network; those of absent options mean nothing."""
        values_NAM = self.judged(self.values(deciding, state), state.preference_Nd)
        return scalarise(values_NAM, state.preference_Nd) / temperature

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
