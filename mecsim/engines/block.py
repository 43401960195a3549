"""A block: episodes that are drawn together, each phenomenon from a generator of its own."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from mecsim.errors import InputError
from mecsim.scenario import Scenario

EPISODES_PER_BLOCK = 64
BLOCK_BYTE = 2**27  # large scenarios have smaller blocks


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


@dataclass(frozen=True)
class Block:
    """Episodes `first` .. `first + size − 1` of a stream of a seed."""

    scenario: Scenario
    seed: int
    stream: int
    number: int  # of the block within its stream
    size: int

    @property
    def first(self) -> int:
        """The number of its first episode."""
        return self.number * self.size

    def generator(self, phenomenon: Phenomenon) -> np.random.Generator:
        """The generator of a phenomenon, at its beginning."""
        return generator_of(self.seed, self.stream, self.number, phenomenon)


def generator_of(seed: int, stream: int, number: int, phenomenon: IntEnum) -> np.random.Generator:
    """The generator of a phenomenon of a block (see `Block`), at its beginning."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, number, phenomenon)))


def block_size(tape_byte: float) -> int:
    """The number of episodes that are drawn together, each of which takes so much memory."""
    return int(min(EPISODES_PER_BLOCK, max(1.0, BLOCK_BYTE // tape_byte)))


def blocks_of(first: int, count: int, size: int) -> tuple[range, slice]:
    """The blocks that hold episodes `first` .. `first + count − 1`, and where these lie in them.

    Raises:
        InputError: no episode is asked for.
    """
    if count < 1:
        raise InputError(f"at least one episode is needed, got {count}")
    blocks = range(first // size, (first + count - 1) // size + 1)
    start = first - blocks.start * size
    return blocks, slice(start, start + count)
