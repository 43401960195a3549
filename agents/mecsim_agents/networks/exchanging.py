"""A set network in whose encoder options already know of each other.

Dimension suffixes as in `ensemble`.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from mecsim_agents.networks.ensemble import LayerSizes, NetworkShape, random_weight
from mecsim_agents.networks.option_set import OptionNetwork, shared_width


class ExchangingNetwork(OptionNetwork):
    """An `OptionNetwork` that pools between all layers of the encoder, not after the last one alone.

    The first layer embeds each option from its own features. Each later one maps [own embedding, pooled mean, pooled
    maximum, preference, context] to the next embedding, as the head does in the end: stacked equivariant layers of Deep
    Sets (Zaheer et al. 2017). What an option is worth if another one is crowded need not pass through one pooling then.
    With an encoder of a single layer there is no difference.
    """

    def __init__(self, shape: NetworkShape, sizes: LayerSizes, generator: torch.Generator) -> None:
        """Draw the initial weights as the base class does."""
        super().__init__(shape, sizes, generator)
        # What is shared starts half as strong as what an option has of its own.
        self.exchange_weights = nn.ParameterList(
            random_weight(shape.members, shared, columns, 2 * shared, generator)
            for shared, columns in ((shared_width(rows, shape), columns) for rows, columns in pairwise(sizes.encoder))
        )

    def embed(
        self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what the base class does."""
        embedding_KNAH = self.encode(options_NAF, 1)
        members, states, choices, _ = embedding_KNAH.shape
        later = list(self.encoder_weights)[1:], list(self.encoder_biases)[1:], self.exchange_weights
        for own_weight, bias, exchange_weight in zip(*later, strict=True):
            shared_KNS = self._shared(embedding_KNAH, mask_NA, context_NG, preference_Nd)
            shared_KNH = torch.baddbmm(bias, shared_KNS, exchange_weight)
            own_KBH = torch.bmm(embedding_KNAH.view(members, states * choices, -1), own_weight)
            embedding_KNAH = (own_KBH.view(members, states, choices, -1) + shared_KNH.unsqueeze(2)).relu_()
        shared_KNS = self._shared(embedding_KNAH, mask_NA, context_NG, preference_Nd)
        return embedding_KNAH, torch.baddbmm(self.shared_bias, shared_KNS, self.shared_weight)
