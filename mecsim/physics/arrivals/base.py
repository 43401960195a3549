"""What a law of arrivals is: it draws a stationary process of a given mean rate, as gaps or as numbers per step."""

import math

import numpy as np
from numpy.typing import NDArray

from mecsim.core.laws import Law
from mecsim.core.plugins import Places, Registry
from mecsim.physics.arrivals import BUILT_IN

Array = NDArray[np.float64]


class ArrivalLaw(Law):
    """Base of all laws. The mean rate is not theirs: a scenario has it, whatever the law."""

    @property
    def dispersion(self) -> float:
        """The variance of the number of arrivals in a long time over its mean; 1 of a Poisson process."""
        return 1.0

    def draw_gaps(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Gaps between arrivals of rate 1, along the last axis; the first is from a random instant to an arrival."""
        raise NotImplementedError

    def draw_counts(self, rng: np.random.Generator, mean: float, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Numbers of arrivals in steps that follow each other, along the last axis.

        Gaps are cumulated until they are beyond the last step. Where those of a draw do not get there, those of another
        go on but for its first. That is exact if gaps do not depend on each other; other laws draw their own.

        Args:
            rng: of arrivals.
            mean: number per step; may be 0.
            shape: of the result.
        """
        *outer, steps = shape
        rows = math.prod(outer)
        counts = np.zeros((rows, steps), np.int64)
        until = mean * steps
        at_once = int(until + 4.0 * math.sqrt(until)) + 1
        going, reached, known = np.arange(rows if until > 0.0 else 0), np.zeros(rows), 0
        while len(going):
            gaps = self.draw_gaps(rng, (len(going), at_once + known))[:, known:]
            time = reached[going, None] + np.cumsum(gaps, axis=1)
            row, column = np.nonzero(time < until)
            step = np.minimum((time[row, column] / mean).astype(np.int64), steps - 1)  # rounding may reach the end
            counts += np.bincount(going[row] * steps + step, minlength=counts.size).reshape(counts.shape)
            reached[going] = time[:, -1]
            going, known = going[time[:, -1] < until], 1
        return counts.reshape(shape)


ARRIVALS: Registry[type[ArrivalLaw]] = Registry("arrival law", Places("mecsim.arrivals", lambda: BUILT_IN))
