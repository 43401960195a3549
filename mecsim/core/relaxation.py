"""What a lower bound of a system's cost is asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Episodes `first` .. `first + count − 1` of a seed, and how they are relaxed; without any, all is only checked."""

    seed: int
    first: int
    count: int
    penalty: float = 0.0  # β, by which penalties for using the future are multiplied; 0: none
    effort: int = 1  # more is tighter, and takes longer in proportion
