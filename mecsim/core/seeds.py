"""What a seed means: streams of episodes, drawn in reels, each phenomenon from a generator of its own.

Episode i of a seed is the same whoever asks, and however many are asked for: episodes are drawn in reels whose size
depends on the scenario alone. Changing one part of a scenario (a frequency range, say) therefore leaves the draws of
other phenomena alone.
"""

from enum import IntEnum

import numpy as np

from mecsim.errors import InputError

EPISODES_PER_REEL = 64
REEL_BYTE = 2**27  # large scenarios have smaller reels


class Stream(IntEnum):
    """Disjoint families of episodes of one seed, so that nothing is ever evaluated on what it was trained on."""

    TRAINING = 0
    EVALUATION = 1
    CALIBRATION = 2
    VALIDATION = 3  # watching a training
    PLANNING = 4  # futures that a policy imagines
    RELAXATION = 5  # futures that a bound is charged by


def generator_of(seed: int, stream: int, number: int, phenomenon: IntEnum) -> np.random.Generator:
    """The generator of a phenomenon of reel `number` of a stream, at its beginning."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, number, phenomenon)))


def reel_size(tape_byte: float) -> int:
    """The number of episodes that are drawn together, each of which takes so much memory."""
    return int(min(EPISODES_PER_REEL, max(1.0, REEL_BYTE // tape_byte)))


def reels_of(first: int, count: int, size: int) -> tuple[range, slice]:
    """The reels that hold episodes `first` .. `first + count − 1`, and where these lie in them.

    Raises:
        InputError: no episode is asked for.
    """
    if count < 1:
        raise InputError(f"at least one episode is needed, got {count}")
    reels = range(first // size, (first + count - 1) // size + 1)
    start = first - reels.start * size
    return reels, slice(start, start + count)
