"""Acting by values: for whoever asks, and to try options out.

Dimension suffixes as in `values.model`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from mecsim_agents.captured import Captured
from mecsim_agents.environment import EnvironmentShape
from mecsim_agents.functional import masked_log_softmax, scalarise
from mecsim_agents.observation import Observation, State, read_observation
from mecsim_agents.values.deployed import DeployedPolicy
from mecsim_agents.values.model import ValueModel

_CHUNK = 256  # states evaluated at once when acting on a CPU: their activations stay in its cache


class ValueActor(ABC):
    """Acts by a model of values: by its averaged network, or exploring by the one that was released last."""

    model: ValueModel
    shape: EnvironmentShape
    device: torch.device
    _trying: Captured

    @property
    def fixed_options(self) -> int | None:
        """How many options a state of the deployed policy has, absent ones included; None if any number will do."""
        return self.model.critic.max_options

    def check_options(self, count: int) -> None:
        """Raise ValueError if states of so many options, absent ones included, are too large for the architecture."""
        self.model.critic.check_options(count)

    @torch.inference_mode()
    def act(
        self, observation: Observation, preference: ArrayLike | Tensor, *, explore: bool
    ) -> NDArray[np.int64] | int:
        """Choose an option for each state: (N,) int64, or an int for a single state.

        `explore` tries options out, with the policy that was released last and the agent's own generator; otherwise the
        best option of the averaged policy is taken. Raises ValueError for a state without any option.
        """
        single, options_NAF, mask_NA, context_NG, preference_Nd = self._inputs(observation, preference)
        if not mask_NA.any(-1).all():
            raise ValueError("mask: a state has no option to choose from")
        choices = []
        for part in self._parts(options_NAF, mask_NA, context_NG, preference_Nd):
            if explore:
                choices.append(self._tried(*part, *self._exploring_noise(*part[1].shape)))
                continue
            state = self.model.state(*part)
            logits_NA = self.model.logits(self.model.averaged, state, self.model.temperature)
            choices.append(logits_NA.masked_fill(~part[1], -torch.inf).argmax(-1))
        action_N = (choices[0] if len(choices) == 1 else torch.cat(choices)).cpu().numpy()
        return int(action_N[0]) if single else action_N

    def _parts(self, *tensors: Tensor) -> Iterator[list[Tensor]]:
        """As many states at once as are best evaluated together; none at all are one part."""
        chunk = _CHUNK if self.device.type == "cpu" else len(tensors[0])
        for start in range(0, max(1, len(tensors[0])), max(1, chunk)):
            yield [tensor[start : start + chunk] for tensor in tensors]

    @torch.inference_mode()
    def explore(self, observation: Mapping[str, Tensor], preference: Tensor) -> Tensor:
        """See `Learner`."""
        options_NAF, mask_NA, context_NG = (observation[name] for name in ("options", "mask", "context"))
        noise = self._exploring_noise(*mask_NA.shape)
        return self._trying(options_NAF, mask_NA.bool(), context_NG, preference, *noise)

    def _tried(
        self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor, *noise: Tensor
    ) -> Tensor:
        """The options (N,) to try out, given what chance has to say."""
        scores_NA = self._exploring_scores(self.model.state(options_NAF, mask_NA, context_NG, preference_Nd), *noise)
        return scores_NA.masked_fill(~mask_NA, -torch.inf).argmax(-1)

    @abstractmethod
    def _exploring_noise(self, states: int, options: int) -> tuple[Tensor, ...]:
        """Draw all that `_exploring_scores` needs, with the agent's own generator."""

    @abstractmethod
    def _exploring_scores(self, state: State, *noise: Tensor) -> Tensor:
        """Numbers (N, A) of which the largest is the option to try out."""

    def eval(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.int64] | int:
        """Choose without exploring, under the name that morl-baselines uses."""
        return self.act(observation, preference, explore=False)

    @torch.inference_mode()
    def action_probabilities(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.float32]:
        """Return the averaged policy (N, A), or (A,) for a single state; exactly 0 for absent options."""
        single, *inputs = self._inputs(observation, preference)
        state = self.model.state(*inputs)
        logits_NA = self.model.logits(self.model.averaged, state, self.model.temperature)
        probability_NA = masked_log_softmax(logits_NA, state.mask_NA)[0].cpu().numpy()
        return probability_NA[0] if single else probability_NA

    @torch.inference_mode()
    def q_values(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.float32]:
        """Return values (N, A, M), or (A, M), that the critics agree on (see `pessimism`); −inf for absent options.

        In scaled rewards: physical value × `reward_multiplier` / `objective_scale`. M is d, or 1 for a scalar critic.
        """
        single, *inputs = self._inputs(observation, preference)
        state = self.model.state(*inputs)
        values_NAM = self.model.judged(self.model.values(self.model.critic, state), state.preference_Nd)
        values = values_NAM.masked_fill(~state.mask_NA.unsqueeze(-1), -torch.inf).cpu().numpy()
        return values[0] if single else values

    @torch.inference_mode()
    def expected(self, observation: Observation, preference: ArrayLike | Tensor) -> NDArray[np.float32] | None:
        """Return the reward to come (N, d), or (d,), that the averaged critics expect of the option which they prefer.

        In physical units, discounted, and up to a number that is the same whatever was done before (see
        `group_mean_weight`). None where no average is kept of a value for each objective.
        """
        model = self.model
        if model.deciding is not model.critic or not model.per_objective:
            return None
        single, *inputs = self._inputs(observation, preference)
        best = []
        for part in self._parts(*inputs):
            state = model.state(*part)
            values_NAd = model.judged(model.values(model.averaged, state), state.preference_Nd)
            score_NA = scalarise(values_NAd, state.preference_Nd).masked_fill(~state.mask_NA, -torch.inf)
            index_N1d = score_NA.argmax(-1).view(-1, 1, 1).expand(-1, 1, values_NAd.shape[-1])
            best.append(values_NAd.gather(1, index_N1d).squeeze(1) / model.reward_factor)
        expected_Nd = torch.cat(best).cpu().numpy()
        return expected_Nd[0] if single else expected_Nd

    def deployed(self, preference: Sequence[float] | None = None) -> DeployedPolicy:
        """Return the averaged policy as one function of tensors, on the same weights."""
        return DeployedPolicy(self.model, preference)

    def _inputs(
        self, observation: Observation, preference: ArrayLike | Tensor
    ) -> tuple[bool, Tensor, Tensor, Tensor, Tensor]:
        inputs = read_observation(observation, preference, self.shape, self.device)
        self.check_options(inputs[2].shape[1])
        return inputs
