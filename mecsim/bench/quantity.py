"""Quantities of a benchmark: each has a key that ends in its unit, and repetitions that come to one value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 10

Repetitions = Mapping[str, Sequence[float]]
"""Key to what each repetition came to."""

UNITS = {"_us": "µs", "_ms": "ms", "_s": "s", "_mib": "MiB", "_share": "%"}


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to measure, in some of the rounds; each gives one repetition of its quantities, by key."""

    label: str
    measure: Callable[[], dict[str, float]]
    rounds: int = ROUNDS


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a key says of its quantity."""

    key: str

    @property
    def _suffix(self) -> str:
        return "_per_s" if self.key.endswith("_per_s") else next(filter(self.key.endswith, UNITS), "")

    @property
    def unit(self) -> str:
        """For people."""
        return f"{self._words[-1]}/s" if self._suffix == "_per_s" else UNITS.get(self._suffix, "×")

    @property
    def name(self) -> str:
        """For people."""
        return " ".join(self._words[:-1] if self._suffix == "_per_s" else self._words)

    @property
    def _words(self) -> list[str]:
        return self.key.removesuffix(self._suffix).split("_")

    @property
    def sign(self) -> int:
        """1 where more is better, −1 where less is, 0 where neither is."""
        if self._suffix == "_share":
            return 0
        return 1 if self._suffix in ("_per_s", "") else -1

    def value(self, repetitions: Sequence[float]) -> float:
        """The best, as other programs only slow one down.

        The median where that is what is measured (`contended_...`), and the mean of shares, so that they add up to 1.
        """
        if self.sign == 0:
            return float(np.mean(repetitions))
        if self.key.startswith("contended_"):
            return float(np.median(repetitions))
        return max(repetitions) if self.sign > 0 else min(repetitions)


def in_rounds(probes: Sequence[Probe]) -> Iterator[tuple[int, Probe]]:
    """Each round with what to measure in it, as often as each probe asks for, evenly spread.

    So the repetitions of a quantity lie apart, and see the noise of the whole time rather than that of a moment.
    """
    for turn in range(ROUNDS):
        for probe in probes:
            if turn * probe.rounds % ROUNDS < probe.rounds:
                yield turn, probe
