"""What a form of satisfaction is: a law that rates the rates that people may be given."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.core.laws import Law
from mecsim.core.plugins import Places, Registry
from mecsim.people.forms import BUILT_IN

Array = NDArray[np.float64]


class Tastes(Protocol):
    """What a form may ask of R people, as `People` has it; all arrays are (R,)."""

    @property
    def adequate(self) -> Array:
        """Position of the adequate level where no context moves it."""

    @property
    def desired(self) -> Array:
        """Position of the desired level."""

    @property
    def exponent(self) -> Array:
        """Of the power form."""

    @property
    def delay_centre_s(self) -> Array:
        """Delay of the rating 2.5."""

    @property
    def delay_steepness_per_s(self) -> Array:
        """Of the rating there."""

    @property
    def delay_sensitivity_per_s(self) -> Array:
        """Of the IQX form."""


@dataclass(frozen=True)
class Choice:
    """What R requests may be given, and who asks in what context."""

    rate_bit_per_s: Array  # (R, K)
    minimum_bit_per_s: Array  # (R, 1) at which the application works
    demand_bit_per_s: Array  # (R, 1) that it asks for
    person: Tastes  # (R,) who asks
    shift: (
        Array  # (R, 3) by which the context moves the adequate and the desired level, and the logarithm of strictness
    )

    @property
    def strictness(self) -> Array:
        """The factor by which the context makes people stricter, (R,)."""
        return np.asarray(np.exp(self.shift[:, 2]))


class RateForm(Law):
    """Base of all forms."""

    @property
    def wait_s(self) -> float:
        """Delay at the demanded rate, of forms that rate a delay; 0 of others."""
        return 0.0

    def ratings(self, choice: Choice) -> Array:
        """How satisfied each would be with each rate, (R, K), from 0 to 5; does not fall as the rate rises."""
        raise NotImplementedError


RATE_FORMS: Registry[type[RateForm]] = Registry("form of satisfaction", Places("mecsim.satisfaction", lambda: BUILT_IN))
