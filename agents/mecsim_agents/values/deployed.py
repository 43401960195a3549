"""What an agent plays when it does not explore, as one function of tensors that other runtimes can be given.

Dimension suffixes as in `values.model`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mecsim_agents.functional import masked_log_softmax
from mecsim_agents.observation import read_preference
from mecsim_agents.values.model import ValueModel


class DeployedPolicy(nn.Module):
    """The averaged policy of a `ValueLearner`, from raw observations to actions and probabilities.

    It calls the model that the agent itself calls, with the same weights, so that there is no second definition of the
    policy. Unlike the agent it checks nothing: an exported graph could not refuse anything either.
    """

    def __init__(self, model: ValueModel, preference: Sequence[float] | None = None) -> None:
        """`preference`: weights (d,) to play by, whatever is asked for; None to play by what is asked for.

        Raises ValueError if that is no point of the simplex.
        """
        super().__init__()
        self.model = model
        objectives, device = model.shape.num_objectives, model.reward_factor.device
        fixed_1d = None if preference is None else read_preference(preference, 1, objectives, device)
        self.register_buffer("fixed_1d", fixed_1d)

    def forward(
        self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return actions (N,) int64 and probabilities (N, A), exactly 0 for absent options.

        Inputs are as in `Learner.act`, with N. The action of a state without any option means nothing.
        """
        exists_NA = mask_NA != 0
        if isinstance(self.fixed_1d, Tensor):
            preference_Nd = self.fixed_1d.expand_as(preference_Nd)
        state = self.model.state(options_NAF, exists_NA, context_NG, preference_Nd)
        logits_NA = self.model.logits(self.model.averaged, state, self.model.temperature)
        probability_NA, _ = masked_log_softmax(logits_NA, exists_NA)
        # Of the logits, as `act` does: two probabilities may be equal where the logits are not.
        return logits_NA.masked_fill(~exists_NA, -torch.inf).argmax(-1), probability_NA
