"""What is done to options and context before any network reads them.

Dimension suffixes: N states, A options, F option features, G context features, B rows of any kind.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mecsim_agents.networks.ramps import Ramps

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
        bins: tuple[int, int] | None = None,
        ramp_levels: int = 0,
    ) -> None:
        """`cost_columns`: option columns in physical units and with outliers, scaled by their quartiles.

        `cost_units`: a unit u for each of them; that of other columns is 1.
        `bins`: the first option column of a histogram and the first one after it. A bin becomes what lies in it or in
        later ones, before all else: neighbours then say nearly the same, and a sum over many bins is a single column.
        `ramp_levels`: those of the `Ramps` through which the context is seen besides.
        """
        super().__init__()
        self.cost_columns, self.compress, self.bins = tuple(cost_columns), compress, bins
        unit_F = torch.ones(option_features)
        unit_F[list(self.cost_columns)] = torch.tensor(list(cost_units))
        self.register_buffer("option_unit", unit_F, persistent=False)  # the agent's settings decide it
        self.register_buffer("option_mean", torch.zeros(option_features))
        self.register_buffer("option_scale", torch.ones(option_features))
        self.register_buffer("context_mean", torch.zeros(context_features))
        self.register_buffer("context_scale", torch.ones(context_features))
        self.ramps = Ramps(context_features, ramp_levels)

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
            self.ramps.fit(context_NG)

    def forward(self, options_NAF: Tensor, mask_NA: Tensor, context_NG: Tensor) -> tuple[Tensor, Tensor]:
        """Return options (N, A, F) and context, scaled and clamped; rows of absent options are zero.

        The context has the columns that it had, and behind them their ramps.
        """
        options_NAF = self._compressed(options_NAF)
        options_NAF = ((options_NAF - self.option_mean) / self.option_scale).clamp(-_CLAMP, _CLAMP)
        scaled_NG = ((context_NG - self.context_mean) / self.context_scale).clamp(-_CLAMP, _CLAMP)
        context_NG = torch.cat([scaled_NG, self.ramps(context_NG)], -1)
        # A choice, not a product: padding may hold anything, not-a-number too.
        return options_NAF.masked_fill(~mask_NA.bool().unsqueeze(-1), 0.0), context_NG

    def _compressed(self, options: Tensor) -> Tensor:
        if self.bins is not None:
            first, end = self.bins
            counts = options[..., first:end]
            from_bin = counts.sum(-1, keepdim=True) - counts.cumsum(-1) + counts
            options = torch.cat([options[..., :first], from_bin, options[..., end:]], -1)
        return options.sign() * (options.abs() / self.option_unit).log1p() if self.compress else options
