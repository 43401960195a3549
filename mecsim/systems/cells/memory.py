"""What people who remember think and do next, for the batched engine: compiled functions of one person's record.

The equations are those of `mecsim.people.memory`; `simpy` has them again, from a person's whole history.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_inline
from mecsim.core.rating import ADEQUATE_RATING, TOP_RATING
from mecsim.people.forms.zone import LEAST_ZONE_WIDTH
from mecsim.people.memory import COMBINATIONS
from mecsim.systems.cells.layout import NEUTRAL_RATING, MemorySpec

PEAK_END, LAST = COMBINATIONS.index("peak_end"), COMBINATIONS.index("last")
ADEQUATE = ADEQUATE_RATING - 1e-9  # what counts as at least adequate, whatever the last digit of a rating

USER = np.dtype(
    [
        ("rating_sum", np.float64),
        ("ratings", np.int32),
        ("rating_bin", np.int32),
        ("shift", np.float64),  # what the person is used to, above the middle of the own zone at rest
        ("predicted_shift", np.float64),  # the same, above the middle of the zone that is predicted
        ("peak", np.float64),  # the rating furthest from the middle of the scale
        ("overall", np.float64),  # what is left of all ratings
        ("below", np.int64),  # a bit for each of the latest sessions, 1 where it was below the zone
        ("satisfied", np.int8),
        ("left", np.int8),
    ]
)


@compiled_inline
def moved_zone(memory: MemorySpec, shift: float, adequate: float, desired: float) -> tuple[float, float]:
    """The adequate and the desired position of someone who is used to so much more than the middle of the zone."""
    low = adequate + memory.adequate * shift
    return low, max(desired + memory.desired * shift, low + LEAST_ZONE_WIDTH)


@compiled_inline
def rating_at(memory: MemorySpec, position: float, adequate: float, desired: float) -> float:
    """See `zone_rating`."""
    step = 2.0 * (position - adequate) / (desired - adequate)
    inside = ADEQUATE_RATING + min(max(step, 0.0), 2.0)
    outside = memory.slope_below * min(step, 0.0) + memory.slope_above * max(step - 2.0, 0.0)
    return float(min(max(inside + outside, 0.0), TOP_RATING))


@compiled_inline
def adapted(shift: float, got: float, pace: NDArray[np.float64]) -> float:
    """What someone is used to after a session so far above the middle of the zone at rest."""
    surprise = got - shift
    rate: float = pace[0] if surprise > 0.0 else pace[1]
    return shift + rate * surprise


@compiled_inline
def peak_after(user: Any, rating: float) -> float:
    """The rating furthest from the middle of the scale; of two as far the worse one."""
    before, now = abs(user.peak - NEUTRAL_RATING), abs(rating - NEUTRAL_RATING)
    if user.ratings == 0 or now > before:
        return rating
    worse: float = min(user.peak, rating)
    return worse if now == before else float(user.peak)


@compiled_inline
def overall_after(memory: MemorySpec, user: Any, recent: NDArray[np.float64], rating: float) -> float:
    """What is left of all ratings once there is one more; `recent` (last,) is a ring of the latest ones."""
    if memory.combination == PEAK_END:
        return 0.5 * (peak_after(user, rating) + rating)
    if memory.combination == LAST:
        kept, total = min(user.ratings + 1, memory.last), rating
        for back in range(1, kept):
            total += recent[(user.ratings - back) % memory.last]
        return float(total / kept)
    return float((user.rating_sum + rating) / (user.ratings + 1))


@compiled_inline
def below_after(memory: MemorySpec, user: Any, rating: float) -> int:
    """The bits of the latest sessions once there is one more."""
    bits: int = user.below << 1 | (rating < ADEQUATE)
    return bits & ((1 << memory.churn_window) - 1)


@compiled_inline
def leaves_with(memory: MemorySpec, below: int) -> bool:
    """Whether someone leaves who was below the zone in these sessions."""
    return memory.churn_below > 0 and ones(below) >= memory.churn_below


@compiled_inline
def ones(bits: int) -> int:
    """How many bits are 1."""
    count = 0
    while bits:
        bits &= bits - 1
        count += 1
    return count
