"""The fixed-size network of the GMORL paper (arXiv 2509.10474): a place for every option, in a fixed order.

Dimension suffixes as in `ensemble`; P places, the most options of a state.
"""

import torch
from torch import Tensor, nn

from mecsim_agents.functional import encode_preference
from mecsim_agents.networks.ensemble import EnsembleNetwork, LayerSizes, NetworkShape, random_weight, zero_bias


class PaddedNetwork(EnsembleNetwork):
    """An ensemble of networks over P places, of which absent options leave theirs empty.

    The paper's convolutions with 1×1 kernels over the padded options are layers that all rows share, as `encode` has
    them. An MLP then sees the embeddings of all places side by side, with preference and context, and ends in M outputs
    for each place. Which option stands where matters, unlike in `OptionNetwork`, and there can be no more than P.
    """

    max_options: int

    def __init__(self, shape: NetworkShape, sizes: LayerSizes, generator: torch.Generator) -> None:
        """Draw the initial weights as the base class does.

        Raises ValueError if the shape does not tell the number of options.
        """
        if shape.num_options is None or shape.num_options < 1:
            raise ValueError(
                f"num_options: the padded architecture needs the most options of a state, got {shape.num_options}"
            )
        super().__init__(shape, sizes, generator)
        members, self.max_options = shape.members, shape.num_options
        inputs = self.max_options * sizes.encoder[-1] + 2 * shape.num_objectives + shape.context_features
        self.first_weight = random_weight(members, inputs, sizes.head[0], inputs, generator)
        self.first_bias = zero_bias(members, sizes.head[0])
        self.head_weights, self.head_biases = self._layers(sizes.head, generator)
        self.last_weight = nn.Parameter(torch.zeros(members, sizes.head[-1], self.max_options * self.outputs))
        self.last_bias = zero_bias(members, self.max_options * self.outputs)

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
