"""Networks over a set of options: the order of the options and their number do not matter.

Dimension suffixes as in `ensemble`.
"""

import torch
from torch import Tensor, nn

from mecsim_agents.functional import encode_preference
from mecsim_agents.networks.ensemble import EnsembleNetwork, LayerSizes, NetworkShape, random_weight, zero_bias


def shared_width(embedding: int, shape: NetworkShape) -> int:
    """How many numbers all options of a state share, if an embedding has so many."""
    return 2 * embedding + 2 * shape.num_objectives + shape.context_features


class OptionNetwork(EnsembleNetwork):
    """An ensemble of set networks, all members evaluated in one batched product.

    Each option is embedded alone; the embeddings of the valid options are pooled by mean and by maximum; a head maps
    [own embedding, pooled mean, pooled maximum, preference, context] to M outputs per option (Deep Sets, Zaheer et al.
    2017, their equivariant form). The last layer starts at zero, so every output does.
    """

    def __init__(self, shape: NetworkShape, sizes: LayerSizes, generator: torch.Generator) -> None:
        """Draw the initial weights as the base class does."""
        super().__init__(shape, sizes, generator)

        # The head's first layer is linear in its concatenated inputs, so its two blocks of rows are kept apart: one for
        # the option itself, one for what all options of a state share, multiplied once a state instead of A times.
        members, embedding = shape.members, sizes.encoder[-1]
        shared = shared_width(embedding, shape)
        self.own_weight = random_weight(members, embedding, sizes.head[0], embedding + shared, generator)
        self.shared_weight = random_weight(members, shared, sizes.head[0], embedding + shared, generator)
        self.shared_bias = zero_bias(members, sizes.head[0])

        self.head_weights, self.head_biases = self._layers(sizes.head, generator)
        self.last_weight = nn.Parameter(torch.zeros(members, sizes.head[-1], shape.outputs))
        self.last_bias = zero_bias(members, shape.outputs)

    def forward(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor) -> Tensor:
        """Map normalised inputs (see `InputNormaliser`) to (K, N, A, M); outputs of absent options mean nothing."""
        return self.head(*self.embed(options_NAF, mask_NA, context_NG, preference_Nd))

    def taken(
        self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor, action_N: Tensor
    ) -> Tensor:
        """Return what the base class promises, from the embeddings of all options and the head of one."""
        embedding_KNAH, shared_KNH = self.embed(options_NAF, mask_NA, context_NG, preference_Nd)
        index_KN1H = action_N.view(-1, 1, 1).expand(self.members, -1, 1, embedding_KNAH.shape[-1])
        return self.head(embedding_KNAH.gather(2, index_KN1H), shared_KNH)

    def embed(
        self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the embedding of each option (K, N, A, H), and what the head adds to it for all of a state (K, N, ·).

        Apart from `head` so that a loss on one option of each state does not pay for the gradient of all heads.
        """
        embedding_KNAH = self.encode(options_NAF)
        shared_KNS = self._shared(embedding_KNAH, mask_NA, context_NG, preference_Nd)
        return embedding_KNAH, torch.baddbmm(self.shared_bias, shared_KNS, self.shared_weight)

    def _shared(self, embedding_KNAH: Tensor, mask_NA: Tensor, context_NG: Tensor, preference_Nd: Tensor) -> Tensor:
        """What all options of a state share, (K, N, ·): their pooled embeddings, preference and context."""
        present_NA1 = mask_NA.to(embedding_KNAH.dtype).unsqueeze(-1)
        valid_KNAH = embedding_KNAH * present_NA1
        mean_KNH = valid_KNAH.sum(2) / present_NA1.sum(1).clamp_min(1.0)
        # Embeddings are never negative, so the zeros of absent options cannot win over a valid one.
        max_KNH = valid_KNAH.amax(2)
        known_KN = torch.cat([encode_preference(preference_Nd), context_NG], -1).expand(self.members, -1, -1)
        return torch.cat([mean_KNH, max_KNH, known_KN], -1)

    def head(self, embedding_KNAH: Tensor, shared_KNH: Tensor) -> Tensor:
        """Map some or all embeddings of each state, with what its options share, to outputs (K, N, A, M)."""
        members, states, choices, _ = embedding_KNAH.shape
        own_KBH = torch.bmm(embedding_KNAH.reshape(members, states * choices, -1), self.own_weight)
        hidden_KNAH = own_KBH.view(members, states, choices, -1) + shared_KNH.unsqueeze(2)
        hidden_KBH = hidden_KNAH.relu_().view(members, states * choices, -1)
        hidden_KBH = self._through(hidden_KBH, self.head_weights, self.head_biases)
        outputs_KBM = torch.baddbmm(self.last_bias, hidden_KBH, self.last_weight)
        return outputs_KBM.view(members, states, choices, self.outputs)
