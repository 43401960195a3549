"""What a channel model is to every system: a law that draws the gain of links and makes an SNR of it.

A system tells which links there are (`Links`), and which generators the random parts of a channel have
(`Generators`); small-scale fading, which it asks for by keys of its own, comes on top (`fading`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from mecsim.core.laws import Law
from mecsim.core.plugins import Places, Registry
from mecsim.physics.channel import BUILT_IN
from mecsim.physics.channel.link import link_snr, noise_power_w

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sequence:
    """Rows of links that are a user's one after the other, rather than one row per user."""

    user: NDArray[np.int64]  # (N, K) whose each row is
    order: NDArray[np.int64]  # (N, T) rows in the order of time; −1 where there is none
    travelled_m: Array | None  # (N, K) by the user until then; None where users stay where they are
    time_s: Array  # (N, K)


@dataclass(frozen=True)
class Links:
    """Links of N episodes: K rows, which are the users or a sequence, to A stations each."""

    distance_m: Array  # (N, K, A) on the ground
    users: int  # U
    sequence: Sequence | None = None

    @property
    def shape_of_users(self) -> tuple[int, int, int]:
        """(N, U, A)."""
        episodes, _, stations = self.distance_m.shape
        return episodes, self.users, stations

    def spread(self, of_users: NDArray[np.generic]) -> NDArray[np.generic]:
        """Values of users, (N, U, ...), for the rows, (N, K, ...)."""
        if self.sequence is None:
            return of_users
        return of_users[np.arange(len(of_users))[:, None], self.sequence.user]

    def normal(self, rng: np.random.Generator, decorrelation_m: Array | float) -> Array:
        """Standard normal values, (N, K, A): one per user and station, or a process along the user's path.

        Args:
            rng: of the phenomenon.
            decorrelation_m: the way after which the correlation is 1/e, for all or (N, K, A).
        """
        if self.sequence is None or self.sequence.travelled_m is None:
            return np.asarray(self.spread(rng.standard_normal(self.shape_of_users)), np.float64)
        from mecsim.physics.correlation import correlate  # compiles, which reading a scenario does not need

        normal = rng.standard_normal(self.distance_m.shape)
        correlate(normal, self.sequence.order, self.sequence.user, self.sequence.travelled_m, decorrelation_m)
        return normal

    def uniform(self, rng: np.random.Generator, decorrelation_m: Array | float) -> Array:
        """Values that are uniform in 0 to 1, likewise; along a path the normal values behind them are a process."""
        return np.asarray(scipy.special.ndtr(self.normal(rng, decorrelation_m)))


@dataclass(frozen=True)
class Generators:
    """The generators of what is random about a channel, each made when it is asked for, at its beginning."""

    make: Callable[[str], np.random.Generator]  # of the name of a phenomenon

    @cached_property
    def line_of_sight(self) -> np.random.Generator:
        """Whether links have a line of sight."""
        return self.make("line_of_sight")

    @cached_property
    def shadowing(self) -> np.random.Generator:
        """Obstacles."""
        return self.make("shadowing")


@dataclass(frozen=True)
class Gain:
    """The power gain of links before small-scale fading, (N, K, A)."""

    power: Array  # path loss and shadowing
    direct: NDArray[np.bool_] | None = None  # where there is a direct path, for fading that knows one; None: everywhere


class ChannelModel(Law):
    """Base of all channel models."""

    USES_NOISE_FIGURE: ClassVar[bool] = True
    """Whether the noise figure of the receiver changes anything."""

    def draw_gain(self, links: Links, generators: Generators) -> Gain:
        """The gain of each link. What is random is drawn from the generator of its phenomenon, and once."""
        raise NotImplementedError

    def snr(self, gain: Array, tx_power_w: float, bandwidth_hz: float, noise_figure_db: float) -> Array:
        """SNR of links of a power gain, fading included, over a bandwidth; a power ratio, of the shape of `gain`."""
        return link_snr(gain, tx_power_w, noise_power_w(bandwidth_hz, noise_figure_db))


CHANNELS: Registry[type[ChannelModel]] = Registry("channel model", Places("mecsim.channels", lambda: BUILT_IN))
