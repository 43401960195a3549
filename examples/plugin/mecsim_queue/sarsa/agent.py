"""The learner: it explores by the policy whose values it learns. Dimension suffixes as in `mecsim_agents.values`."""

from typing import ClassVar

import torch
from mecsim_agents import ValueConfig, ValueLearner, ValueModel
from mecsim_agents.config import SETTINGS, Positive, Share
from mecsim_agents.functional import masked_log_softmax
from mecsim_agents.networks import NetworkShape
from mecsim_agents.observation import State
from mecsim_agents.values import VALUE_METRICS
from pydantic.dataclasses import dataclass
from torch import Tensor


@dataclass(frozen=True, config=SETTINGS)
class ExpectedSarsaConfig(ValueConfig):
    """Hyper-parameters beside those of `ValueConfig`.

    random_share: how often any option is taken instead of the best.
    temperature: the unit in which inputs with costs are compressed.
    """

    random_share: Share = 0.1
    temperature: Positive = 0.003


class Model(ValueModel):
    """Critics, and the policy that is best but for a share of random options."""

    config: ExpectedSarsaConfig
    unit: Tensor

    def _add_parts(self, critics: NetworkShape, generator: torch.Generator) -> None:
        self.register_buffer("unit", torch.tensor(self.config.temperature))

    @property
    def temperature(self) -> Tensor:
        """That of the probabilities that are told."""
        return self.unit

    def next_policy(self, following: State, target_values_NAM: Tensor) -> tuple[Tensor, Tensor]:
        """The policy that is explored with, and no entropy."""
        scores_NA = self.logits(self.critic, following, self.temperature)
        best_NA = torch.nn.functional.one_hot(
            scores_NA.masked_fill(~following.mask_NA, -torch.inf).argmax(-1), scores_NA.shape[-1]
        )
        anything_NA, _ = masked_log_softmax(torch.zeros_like(scores_NA), following.mask_NA)
        share = self.config.random_share
        return (1.0 - share) * best_NA * following.mask_NA + share * anything_NA, torch.zeros_like(scores_NA)


class ExpectedSarsa(ValueLearner):
    """See `Learner` of mecsim_agents for what each method promises."""

    NAME: ClassVar = "expected-sarsa"
    CONFIG: ClassVar = ExpectedSarsaConfig
    MODEL: ClassVar = Model
    METRICS: ClassVar = VALUE_METRICS

    config: ExpectedSarsaConfig
    model: Model

    def _exploring_noise(self, states: int, options: int) -> tuple[Tensor, ...]:
        draw = self._generators["act"]
        random_NA = torch.rand(states, options, generator=draw, device=self.device)
        return random_NA, torch.rand(states, 1, generator=draw, device=self.device) < self.config.random_share

    def _exploring_scores(self, state: State, *noise: Tensor) -> Tensor:
        scores_NA = self.model.logits(self.model.exploring, state, self.model.temperature)
        random_NA, tried_N1 = noise
        return torch.where(tried_N1, random_NA, scores_NA)
