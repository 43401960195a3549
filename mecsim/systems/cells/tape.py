"""The tape of the cells: everything random about an episode of requests, drawn once, as plain arrays.

An engine adds nothing random: one tape and one sequence of actions give the same sessions in every engine.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from mecsim.core.rating import TOP_RATING
from mecsim.core.tape import Tapes
from mecsim.errors import InputError
from mecsim.people.population import ACTIVITIES, PERIODS
from mecsim.physics.channel.cqi import CQI_EFFICIENCY

if TYPE_CHECKING:
    from mecsim.systems.cells.layout import CellsSpec

FORMAT = 2
ZONE_NUMBERS = 4
MAX_CQI = len(CQI_EFFICIENCY)


@dataclass(frozen=True, slots=True)
class CellsTapes(Tapes):
    """N episodes of M requests, each with C candidate cells, the strongest first, and K levels of service.

    Requests are in the order of their arrival. Level k of K, at index k − 1, gives a rate between the minimum and the
    demanded one. It takes the same rate from every candidate, but not the same blocks: none says that the candidate
    cannot be reached (CQI 0).

    Ratings are those of people without memory. Of people who remember a tape has their zones at rest, Z = 4: positions
    of the adequate and the desired level, and those that the predictor expects; of others Z is 0.
    """

    FORMAT: ClassVar[int] = FORMAT

    arrival_s: NDArray[np.float64]  # (N, M)
    duration_s: NDArray[np.float64]  # (N, M) of the session, if it is served
    user: NDArray[np.int64]  # (N, M)
    persona: NDArray[np.int64]  # (N, M)
    period: NDArray[np.int64]  # (N, M) of the day
    place: NDArray[np.int64]  # (N, M)
    activity: NDArray[np.int64]  # (N, M)
    application: NDArray[np.int64]  # (N, M)
    speed_m_per_s: NDArray[np.float64]  # (N, M)
    min_rate_bit_per_s: NDArray[np.float64]  # (N, M)
    demand_rate_bit_per_s: NDArray[np.float64]  # (N, M)
    cell: NDArray[np.int64]  # (N, M, C)
    cqi: NDArray[np.int64]  # (N, M, C) 0 to 15
    rate_bit_per_s: NDArray[np.float64]  # (N, M, K) ascending
    blocks: NDArray[np.int64]  # (N, M, C, K) that the rate takes; 0 where the CQI is 0
    satisfaction: NDArray[np.float64]  # (N, M, K) what the user will think of the level, 0 to 5
    predicted: NDArray[np.float64]  # (N, M, K) what the predictor expects of it, 0 to 5
    zone: NDArray[np.float64]  # (N, M, Z) of the user in its context

    def __len__(self) -> int:
        return len(self.arrival_s)

    @property
    def demanded_block_s(self) -> NDArray[np.float64]:
        """Block-seconds of each request at the demanded rate in its strongest cell, (N, M); 0 if out of reach."""
        return self.blocks[:, :, 0, -1] * self.duration_s

    def _check(self) -> None:
        episodes, requests, candidates, levels = self.blocks.shape
        per_request = (episodes, requests)
        per_candidate, per_level = (*per_request, candidates), (*per_request, levels)
        integers = ("user", "persona", "period", "place", "activity", "application")
        floats = ("arrival_s", "duration_s", "speed_m_per_s", "min_rate_bit_per_s", "demand_rate_bit_per_s")
        self._check_arrays(
            {
                **dict.fromkeys(integers, (np.int64, per_request)),
                **dict.fromkeys(floats, (np.float64, per_request)),
                **dict.fromkeys(("cell", "cqi"), (np.int64, per_candidate)),
                **dict.fromkeys(("rate_bit_per_s", "satisfaction", "predicted"), (np.float64, per_level)),
                "blocks": (np.int64, (*per_candidate, levels)),
                "zone": (np.float64, (*per_request, ZONE_NUMBERS if self.zone.shape[-1] else 0)),
            }
        )
        for name in floats:
            values: NDArray[np.float64] = getattr(self, name)
            if not (np.isfinite(values) & (values >= 0.0)).all():
                raise ValueError(f"{name} has to be finite and not negative")
        if (np.diff(self.arrival_s, axis=1) < 0.0).any():
            raise ValueError("arrival_s has to ascend")
        for name, count in (("period", len(PERIODS)), ("activity", len(ACTIVITIES))):
            if not _within(getattr(self, name), count):
                raise ValueError(f"{name} lies outside 0 to {count - 1}")
        for name in ("user", "persona", "place", "application", "cell"):
            if (getattr(self, name) < 0).any():
                raise ValueError(f"{name} is negative")
        if not _within(self.cqi, MAX_CQI + 1):
            raise ValueError(f"cqi lies outside 0 to {MAX_CQI}")
        reachable = self.cqi[..., None] > 0
        if ((self.blocks > 0) != reachable).any() or (self.blocks < 0).any() or (np.diff(self.blocks) < 0).any():
            raise ValueError("blocks have to be at least 1, ascending with the level, and 0 just where the CQI is 0")
        rate = self.rate_bit_per_s
        if not (np.isfinite(rate) & (rate > 0.0)).all() or (np.diff(rate) < 0.0).any():
            raise ValueError("rate_bit_per_s has to be finite, above 0 and ascending with the level")
        if not (self.demand_rate_bit_per_s > 0.0).all():
            raise ValueError("demand_rate_bit_per_s has to be above 0")
        for name in ("satisfaction", "predicted"):
            ratings = getattr(self, name)
            if not ((ratings >= 0.0) & (ratings <= TOP_RATING)).all():
                raise ValueError(f"{name} lies outside 0 to {TOP_RATING:g}")

        if not np.isfinite(self.zone).all() or (self.zone[..., 0::2] >= self.zone[..., 1::2]).any():
            raise ValueError("zone has to be finite, each adequate level below the desired one")

    def check_fits(self, spec: "CellsSpec") -> None:
        """Raise InputError unless an engine of this system can play these tapes."""
        given = dict(zip(("requests", "candidates", "levels"), self.blocks.shape[1:], strict=True))
        expected = {"requests": spec.requests, "candidates": spec.candidates, "levels": spec.levels}
        for what, count in given.items():
            if count != expected[what]:
                raise InputError(f"tapes of another scenario: {what}: they have {count}, expected {expected[what]}")
        if spec.memory.on != bool(self.zone.shape[2]):
            has = "no levels" if spec.memory.on else "levels"
            raise InputError(f"tapes of another scenario: they have {has} of people who remember")
        for what, values, count in (
            ("users", self.user, spec.users),
            ("applications", self.application, spec.applications),
            ("cells", self.cell, spec.cells),
        ):
            if not _within(values, count):
                raise InputError(f"tapes of another scenario: they have more {what} than the expected {count}")


def _within(values: NDArray[np.int64], count: int) -> bool:
    """Whether all are indices of `count` things."""
    return bool(((values >= 0) & (values < count)).all())
