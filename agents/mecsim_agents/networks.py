"""Networks over a set of options: the order of the options and their number do not matter.

Dimension suffixes: N states, A options, F option features, G context features, d objectives, K ensemble members,
H embedding width, M outputs per option.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mecsim_agents.ensemble import EnsembleNetwork, random_weight, zero_bias
from mecsim_agents.functional import encode_preference

_CLAMP = 10.0  # a normalised input beyond this tells the network no more
_SMALLEST_SCALE = 0.25  # inputs are mostly small counts: a rarely used bin must not be blown up
_NORMAL_QUARTILES = 1.349  # interquartile range of the standard normal distribution


class InputNormaliser(nn.Module):
    """Compresses, shifts and scales options and context, once for all networks that read them.

    Only compresses until `set_normalisation` is called with warm-up data. Loads and costs span powers of ten, and what
    distinguishes options lies at their low end: x becomes sign(x)·log(1 + |x|/u), with a unit u for each column.
    """

    option_unit: Tensor
    option_mean: Tensor
    option_scale: Tensor
    context_mean: Tensor
    context_scale: Tensor

    def __init__(
        self,
        option_features: int,
        context_features: int,
        cost_columns: Sequence[int] = (),
        cost_units: Sequence[float] = (),
        compress: bool = False,
    ) -> None:
        """`cost_columns`: option columns in physical units and with outliers, scaled by their quartiles.

        `cost_units`: a unit u for each of them; that of other columns is 1.
        """
        super().__init__()
        self.cost_columns, self.compress = tuple(cost_columns), compress
        unit_F = torch.ones(option_features)
        unit_F[list(self.cost_columns)] = torch.tensor(list(cost_units))
        self.register_buffer("option_unit", unit_F, persistent=False)  # the agent's settings decide it
        self.register_buffer("option_mean", torch.zeros(option_features))
        self.register_buffer("option_scale", torch.ones(option_features))
        self.register_buffer("context_mean", torch.zeros(context_features))
        self.register_buffer("context_scale", torch.ones(context_features))

    @torch.no_grad()
    def set_normalisation(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor) -> None:
        """Take mean and deviation of every column over valid options and over states.

        A cost column takes median and quartiles instead: its unit is arbitrary (a floor on the scale could hide it)
        and one nearly dead option would decide its standard deviation.
        """
        rows_BF = self._compressed(options_NAF[mask_NA.bool()])
        if not len(rows_BF):
            raise ValueError("normalisation needs at least one valid option")
        self.option_mean.copy_(rows_BF.mean(0))
        self.option_scale.copy_(rows_BF.std(0, correction=0).clamp_min(_SMALLEST_SCALE))
        for column in self.cost_columns:
            ordered_B = rows_BF[:, column].sort().values
            low, median, high = (ordered_B[int(share * (len(ordered_B) - 1))] for share in (0.25, 0.5, 0.75))
            spread = (high - low) / _NORMAL_QUARTILES
            self.option_mean[column] = median
            self.option_scale[column] = torch.where(spread > 0, spread, torch.ones_like(spread))
        if context_NG.shape[1]:
            self.context_mean.copy_(context_NG.mean(0))
            self.context_scale.copy_(context_NG.std(0, correction=0).clamp_min(_SMALLEST_SCALE))

    def forward(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor) -> tuple[Tensor, Tensor]:
        """Return options (N, A, F) and context (N, G), scaled and clamped; rows of absent options are zero."""
        options_NAF = self._compressed(options_NAF)
        options_NAF = ((options_NAF - self.option_mean) / self.option_scale).clamp(-_CLAMP, _CLAMP)
        context_NG = ((context_NG - self.context_mean) / self.context_scale).clamp(-_CLAMP, _CLAMP)
        # A choice, not a product: padding may hold anything, not-a-number too.
        return torch.where(mask_NA.bool().unsqueeze(-1), options_NAF, 0.0), context_NG

    def _compressed(self, options: Tensor) -> Tensor:
        return options.sign() * (options.abs() / self.option_unit).log1p() if self.compress else options


class OptionNetwork(EnsembleNetwork):
    """An ensemble of set networks, all members evaluated in one batched product.

    Each option is embedded alone; the embeddings of the valid options are pooled by mean and by maximum; a head maps
    [own embedding, pooled mean, pooled maximum, preference, context] to M outputs per option (Deep Sets, Zaheer et al.
    2017, their equivariant form). The last layer starts at zero, so every output does.
    """

    def __init__(
        self,
        option_features: int,
        context_features: int,
        num_objectives: int,
        outputs: int,
        encoder_sizes: Sequence[int],
        head_sizes: Sequence[int],
        members: int,
        generator: torch.Generator,
    ) -> None:
        """Draw the initial weights from `generator`, on the CPU whatever the device, so a seed means one network."""
        super().__init__(option_features, encoder_sizes, outputs, members, generator)

        # The head's first layer is linear in its concatenated inputs, so its two blocks of rows are kept apart: one for
        # the option itself, one for what all options of a state share, multiplied once a state instead of A times.
        embedding = encoder_sizes[-1]
        shared = 2 * embedding + 2 * num_objectives + context_features
        self.own_weight = random_weight(members, embedding, head_sizes[0], embedding + shared, generator)
        self.shared_weight = random_weight(members, shared, head_sizes[0], embedding + shared, generator)
        self.shared_bias = zero_bias(members, head_sizes[0])

        self.head_weights, self.head_biases = self._layers(head_sizes, generator)
        self.last_weight = nn.Parameter(torch.zeros(members, head_sizes[-1], outputs))
        self.last_bias = zero_bias(members, outputs)

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
        """Return the embedding of each option (K, N, A, H), and what all options of a state share (K, N, ·).

        Apart from `head` so that a loss on one option of each state does not pay for the gradient of all heads.
        """
        embedding_KNAH = self.encode(options_NAF)
        present_NA1 = mask_NA.to(embedding_KNAH.dtype).unsqueeze(-1)
        valid_KNAH = embedding_KNAH * present_NA1
        mean_KNH = valid_KNAH.sum(2) / present_NA1.sum(1).clamp_min(1.0)
        # Embeddings are never negative, so the zeros of absent options cannot win over a valid one.
        max_KNH = valid_KNAH.amax(2)

        known_KN = torch.cat([encode_preference(preference_Nd), context_NG], -1).expand(self.members, -1, -1)
        shared_KNS = torch.cat([mean_KNH, max_KNH, known_KN], -1)
        return embedding_KNAH, torch.baddbmm(self.shared_bias, shared_KNS, self.shared_weight)

    def head(self, embedding_KNAH: Tensor, shared_KNH: Tensor) -> Tensor:
        """Map some or all embeddings of each state, with what its options share, to outputs (K, N, A, M)."""
        members, states, choices, _ = embedding_KNAH.shape
        own_KBH = torch.bmm(embedding_KNAH.reshape(members, states * choices, -1), self.own_weight)
        hidden_KNAH = own_KBH.view(members, states, choices, -1) + shared_KNH.unsqueeze(2)
        hidden_KBH = hidden_KNAH.relu_().view(members, states * choices, -1)
        hidden_KBH = self._through(hidden_KBH, self.head_weights, self.head_biases)
        outputs_KBM = torch.baddbmm(self.last_bias, hidden_KBH, self.last_weight)
        return outputs_KBM.view(members, states, choices, self.outputs)
