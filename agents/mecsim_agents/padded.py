"""The fixed-size network of the GMORL paper (arXiv 2509.10474): a place for every option, in a fixed order.

Dimension suffixes as in `ensemble`; P places, the most options of a state.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mecsim_agents.ensemble import EnsembleNetwork, random_weight, zero_bias
from mecsim_agents.functional import encode_preference


class PaddedNetwork(EnsembleNetwork):
    """An ensemble of networks over P places, of which absent options leave theirs empty.

    The paper's convolutions with 1×1 kernels over the padded options are layers that all rows share, as `encode` has
    them. An MLP then sees the embeddings of all places side by side, with preference and context, and ends in M outputs
    for each place. Which option stands where matters, unlike in `OptionNetwork`, and there can be no more than P.
    """

    max_options: int

    def __init__(
        self,
        option_features: int,
        context_features: int,
        num_objectives: int,
        max_options: int,
        outputs: int,
        encoder_sizes: Sequence[int],
        head_sizes: Sequence[int],
        members: int,
        generator: torch.Generator,
    ) -> None:
        """Draw the initial weights from `generator`, on the CPU whatever the device, so a seed means one network."""
        super().__init__(option_features, encoder_sizes, outputs, members, generator)
        self.max_options = max_options
        inputs = max_options * encoder_sizes[-1] + 2 * num_objectives + context_features
        self.first_weight = random_weight(members, inputs, head_sizes[0], inputs, generator)
        self.first_bias = zero_bias(members, head_sizes[0])
        self.head_weights, self.head_biases = self._layers(head_sizes, generator)
        self.last_weight = nn.Parameter(torch.zeros(members, head_sizes[-1], max_options * outputs))
        self.last_bias = zero_bias(members, max_options * outputs)

    def forward(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor) -> Tensor:
        """Map normalised inputs to (K, N, A, M), A being at most P; outputs of absent options mean nothing."""
        members, (states, choices, _) = self.members, options_NAF.shape
        # Biases make something even of an empty row, so absent options are zeroed after their embedding, like padding.
        present_KNAH = self.encode(options_NAF) * mask_NA.to(options_NAF.dtype).unsqueeze(-1)
        empty = present_KNAH.new_zeros(members, states, self.max_options - choices, present_KNAH.shape[-1])
        places_KNE = torch.cat([present_KNAH, empty], 2).flatten(2)

        known_KN = torch.cat([encode_preference(preference_Nd), context_NG], -1).expand(members, -1, -1)
        hidden_KNH = torch.baddbmm(self.first_bias, torch.cat([places_KNE, known_KN], -1), self.first_weight).relu_()
        hidden_KNH = self._through(hidden_KNH, self.head_weights, self.head_biases)
        outputs_KNE = torch.baddbmm(self.last_bias, hidden_KNH, self.last_weight)
        return outputs_KNE.view(members, states, self.max_options, self.outputs)[:, :, :choices]

    def taken(
        self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor, action_N: Tensor
    ) -> Tensor:
        """Return what the base class promises, from one pass: nothing before the last layer belongs to one option."""
        outputs_KNAM = self.forward(options_NAF, mask_NA, context_NG, preference_Nd)
        index_KN1M = action_N.view(1, -1, 1, 1).expand(self.members, -1, 1, self.outputs)
        return outputs_KNAM.gather(2, index_KN1M)
