"""What a form of satisfaction with delays is: a law that rates delays by two numbers of each user."""

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.laws import Law
from mecsim.core.plugins import Places, Registry
from mecsim.errors import InputError
from mecsim.physics.delay_forms import BUILT_IN

Array = NDArray[np.float64]


class Kernel(NamedTuple):
    """What compiled code knows of a form, see `shortfall_of`."""

    logistic: bool  # rather than by zones
    slope_below: float = 1.0
    slope_above: float = 1.0


class DelayForm(Law):
    """Base of all forms. Compiled engines know the zone and the logistic form, so others are special cases of these."""

    NUMBERS: ClassVar[tuple[str, str]]
    """What the two numbers of a user are, with units, as names of columns."""

    @property
    def kernel(self) -> Kernel:
        """What compiled code rates by; the same as `ratings`."""
        told = "compiled engines rate delays by zones or the logistic form"
        raise InputError(f"{type(self).__name__}: {told}, expected a subclass of ZoneDelay or LogisticDelay")

    @property
    def reads_spread(self) -> bool:
        """Whether the `spread` of the section says how users differ."""
        return True

    @property
    def typical(self) -> Array:
        """The two numbers of a typical user, (2,)."""
        raise NotImplementedError

    @property
    def range_s(self) -> tuple[float, float]:
        """The delays between which the rating of a typical user changes."""
        raise NotImplementedError

    def numbers(self, strictness: Array, other: Array, spread: float) -> Array:
        """The two numbers of users, (..., 2), from two independent standard normal values of each, both (...,)."""
        raise NotImplementedError

    def are_numbers(self, numbers: Array) -> bool:
        """Whether these, (..., 2), can be the numbers of users."""
        return True

    def ratings(self, delay_s: Array, numbers: Array) -> Array:
        """The rating of each delay, (...,), by the numbers of its user, (..., 2); does not rise with the delay."""
        raise NotImplementedError


DELAY_FORMS: Registry[type[DelayForm]] = Registry(
    "form of satisfaction with delays", Places("mecsim.delay_satisfaction", lambda: BUILT_IN)
)
