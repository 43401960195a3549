"""A number seen through ramps: as several inputs, of which each tells one part of its range apart.

Dimension suffixes: B rows, G columns, R ramps of each column.
"""

import torch
from torch import Tensor, nn

_NARROWEST = 1e-6  # between quantiles that coincide a ramp is a step
_BEYOND_ALL = 1e30


class Ramps(nn.Module):
    """Encodes each column piecewise linearly (Gorishniy, Rubachev and Babenko 2022, section 3.2).

    A ramp rises from 0 to 1 between two neighbouring quantiles of a column. The quantiles lie at 0, at 2⁻ʲ and 1 − 2⁻ʲ
    for j from 1 to `levels`, and at 1: ramps are the narrower the nearer to an end. Whether two decisions are left in
    an episode or three is then as plain to a network as whether it is thirty or sixty.
    """

    knots: Tensor  # (R + 1, G)

    def __init__(self, columns: int, levels: int) -> None:
        """All ramps are zero until `fit`. Without levels there are none."""
        super().__init__()
        low = [2.0**-level for level in range(levels, 0, -1)]
        self.shares = [0.0, *low, *(1.0 - share for share in low[-2::-1]), 1.0] if levels else []
        self.width = columns * max(0, len(self.shares) - 1)
        self.register_buffer("knots", torch.full((len(self.shares), columns), _BEYOND_ALL), persistent=levels > 0)

    @torch.no_grad()
    def fit(self, rows_BG: Tensor) -> None:
        """Take the quantiles of every column over rows, of which there has to be one at least."""
        index = [int(share * (len(rows_BG) - 1)) for share in self.shares]
        self.knots.copy_(rows_BG.sort(0).values[index])

    def forward(self, rows_BG: Tensor) -> Tensor:
        """Return the ramps (B, R·G), those of the first parts of all columns first."""
        low_RG, high_RG = self.knots[:-1], self.knots[1:]
        rise_RG = (high_RG - low_RG).clamp_min(_NARROWEST)
        return ((rows_BG.unsqueeze(1) - low_RG) / rise_RG).clamp(0.0, 1.0).flatten(1)
