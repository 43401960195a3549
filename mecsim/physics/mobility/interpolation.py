"""Places between the points of paths, in compiled code."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import kernel

Array = NDArray[np.float64]


@kernel
def interpolate(
    first: NDArray[np.int64],
    time_s: Array,
    place_m: Array,
    along_m: Array,
    path: NDArray[np.int64],
    at_s: Array,
    out_place_m: Array,
    out_along_m: Array,
) -> None:
    """Write the place (Q, 2) and the way since the beginning of all paths (Q,) of each path and time asked for."""
    for q in range(len(path)):
        low, high = first[path[q]], first[path[q] + 1]
        begin, end = low, high
        while high - low > 1:  # the last point that is not later, or the first one
            middle = (low + high) // 2
            if time_s[middle] <= at_s[q]:
                low = middle
            else:
                high = middle
        share = 0.0
        if low + 1 < end and (low > begin or at_s[q] > time_s[low]):
            share = (at_s[q] - time_s[low]) / (time_s[low + 1] - time_s[low])
        after = min(low + 1, end - 1)
        for axis in range(2):
            out_place_m[q, axis] = place_m[low, axis] + share * (place_m[after, axis] - place_m[low, axis])
        out_along_m[q] = along_m[low] + share * (along_m[after] - along_m[low])
