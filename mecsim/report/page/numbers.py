"""Numbers for the page: short, and null where there is none, as JSON knows no NaN."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

DIGITS = 5


def short(values: ArrayLike) -> Any:
    """Nested lists of an array of any shape, or a number, with five significant digits."""
    return _short(np.asarray(values, np.float64).tolist())


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(entry) for entry in value]
    if not np.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded
