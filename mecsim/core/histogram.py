"""Bins of the histograms in observations, for all engines."""

from mecsim.core.compiled import kernel

_EDGE_SLACK = 1e-9  # see histogram_bin


@kernel
def histogram_bin(value: float, bins_per_unit: float, bins: int) -> int:
    """Bin of a value of 0 or more: bin i holds [i, i+1) widths, the last one everything above.

    Edges lie a billionth lower than that, so that a round value does not sit on an edge, where the last digit of
    a floating-point result would decide.
    """
    return min(int(value * bins_per_unit + _EDGE_SLACK), bins - 1)


@kernel
def bin_end(index: int, bins_per_unit: float) -> float:
    """Where a bin ends, which is not the last one: values below are in it or in one before."""
    return (index + 1 - _EDGE_SLACK) / bins_per_unit
