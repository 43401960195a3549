"""Everything random about an episode, and how it is drawn."""

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mecsim.core.seeds import Stream, generator_of, reel_size, reels_of
from mecsim.core.tape import Tapes
from mecsim.errors import InputError
from mecsim_queue.admission.scenario import AdmissionScenario


@dataclass(frozen=True, slots=True)
class AdmissionTapes(Tapes):
    """N episodes of M jobs in the order of their arrival."""

    FORMAT: ClassVar[int] = 1

    arrival_s: NDArray[np.float64]  # (N, M)
    service_s: NDArray[np.float64]  # (N, M)
    value: NDArray[np.float64]  # (N, M)

    def __len__(self) -> int:
        return len(self.arrival_s)

    def _check(self) -> None:
        shape = self.arrival_s.shape
        self._check_arrays({field.name: (np.float64, shape) for field in fields(self)})
        if (np.diff(self.arrival_s, axis=1) < 0.0).any():
            raise ValueError("arrival_s has to ascend")

    def check_fits(self, scenario: AdmissionScenario) -> None:
        """Raise InputError unless an engine of this scenario can play these tapes."""
        if self.arrival_s.shape[1] != scenario.steps:
            raise InputError(f"tapes of another scenario: {self.arrival_s.shape[1]} jobs, expected {scenario.steps}")


class Phenomenon(IntEnum):
    """What has a generator of its own; append, never renumber."""

    ARRIVALS = 0
    SERVICES = 1
    VALUES = 2


def draw_tapes(
    scenario: AdmissionScenario, seed: int, first: int, count: int, stream: Stream = Stream.EVALUATION
) -> AdmissionTapes:
    """Episodes `first` .. `first + count − 1` of a stream of a seed."""
    reels, within = reels_of(first, count, reel_size(scenario.tape_byte))
    drawn = [_draw_reel(scenario, seed, stream, reel) for reel in reels]
    columns = (np.concatenate([getattr(reel, field.name) for reel in drawn]) for field in fields(AdmissionTapes))
    return AdmissionTapes(*columns).select(within)


@lru_cache(maxsize=2)
def _draw_reel(scenario: AdmissionScenario, seed: int, stream: int, number: int) -> AdmissionTapes:
    shape, queue = (reel_size(scenario.tape_byte), scenario.steps), scenario.queue

    def generator(phenomenon: Phenomenon) -> np.random.Generator:
        return generator_of(seed, stream, number, phenomenon)

    gap_s = generator(Phenomenon.ARRIVALS).exponential(1.0 / queue.arrival_rate_per_s, shape)
    service_s = generator(Phenomenon.SERVICES).exponential(queue.service_s, shape)
    value = np.exp(queue.value_spread * generator(Phenomenon.VALUES).standard_normal(shape))
    return AdmissionTapes(np.cumsum(gap_s, axis=1), service_s, value)
