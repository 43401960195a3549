"""A reel: episodes that are drawn together, each phenomenon from a generator of its own."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from mecsim.core.seeds import generator_of
from mecsim.systems.offload.scenario import OffloadScenario


class Phenomenon(IntEnum):
    """What has a generator of its own. The numbers are part of what a seed means: append, never renumber."""

    SERVERS = 0
    ARRIVALS = 1
    SIZES = 2
    POSITIONS = 3  # as distances
    FADING = 4
    DEADLINES = 5
    PRIORITIES = 6
    DEVICES = 7
    SHADOWING = 8
    LINE_OF_SIGHT = 9
    PLACES = 10  # of users
    SITES = 11
    PATIENCE = 12
    WORK = 13  # cycles of a bit
    OUTPUT = 14  # sizes of results


@dataclass(frozen=True)
class Reel:
    """Episodes `first` .. `first + size − 1` of a stream of a seed."""

    scenario: OffloadScenario
    seed: int
    stream: int
    number: int  # of the reel within its stream
    size: int

    @property
    def first(self) -> int:
        """The number of its first episode."""
        return self.number * self.size

    def generator(self, phenomenon: Phenomenon) -> np.random.Generator:
        """The generator of a phenomenon, at its beginning."""
        return generator_of(self.seed, self.stream, self.number, phenomenon)
