"""What became slower or faster since a stored benchmark, beyond noise.

A quantity has changed if two things agree. Chance is no explanation: the interval of Welch (Biometrika 34, 1947) of
the ratio of the geometric means of the repetitions leaves 1 out; that intervals are asked for, and not bests alone, is
the advice of Georges et al. (OOPSLA 2007). Intervals are joint ones (Bonferroni): in 95 % of comparisons of what has
not changed no quantity is said to have. And the values differ by more than 5 %: the repetitions of one process share a
bias, such as that of its layout in memory (Mytkowicz et al., ASPLOS 2009), which no number of them shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from mecsim.bench.machine import KEYS as MACHINE
from mecsim.bench.quantity import Quantity
from mecsim.bench.stored import Benchmark
from mecsim.errors import InputError

LEAST_CHANGE = 1.05
WIDEST = 700.0  # of a logarithm; the next number would be infinite, which JSON does not have
ERROR = 0.05  # how often any of the quantities is said to have changed although none has


@dataclass(frozen=True, slots=True)
class Change:
    """A quantity before and now."""

    key: str
    before: float
    now: float
    interval: tuple[float, float] | None  # of the ratio of the means; None without repetitions on both sides

    @property
    def ratio(self) -> float:
        """Now to before."""
        return self.now / self.before

    @property
    def better(self) -> int:
        """1 if it is better beyond noise, −1 if it is worse, 0 if neither is known."""
        if self.interval is None:
            return 0
        low, high = self.interval
        more = self.ratio > LEAST_CHANGE and low > 1.0
        less = self.ratio < 1.0 / LEAST_CHANGE and high < 1.0
        return Quantity(self.key).sign * (more - less)

    @property
    def verdict(self) -> str:
        """In a word, empty if there is nothing to say."""
        worse, better = ("more", "less") if Quantity(self.key).unit == "MiB" else ("slower", "faster")
        return ("", better, worse)[self.better]


def changes(before: Benchmark, now: Benchmark) -> list[Change]:
    """All quantities that both have, but those of which neither more nor less is better."""
    shared = [key for key in now.values if before.values.get(key) is not None and Quantity(key).sign]
    both = {key: (before.repetitions.get(key, ()), now.repetitions.get(key, ())) for key in shared}
    judged = sum(min(map(len, pair)) > 1 for pair in both.values())
    return [
        Change(
            key,
            before.values[key],
            now.values[key],
            ratio_interval(*pair, ERROR / judged) if min(map(len, pair)) > 1 else None,
        )
        for key, pair in both.items()
    ]


def ratio_interval(before: Sequence[float], now: Sequence[float], error: float) -> tuple[float, float]:
    """Interval of the ratio of the geometric means, now to before, that leaves the true one out with this chance.

    That of Welch for the difference of the means of logarithms; at least two positive values each.
    """
    samples = [np.log(before), np.log(now)]
    variances = [sample.var(ddof=1) / len(sample) for sample in samples]  # of the means
    difference, variance = samples[1].mean() - samples[0].mean(), sum(variances)
    half = 0.0
    if variance > 0.0:
        parts = zip(variances, samples, strict=True)
        freedom = 1.0 / sum((own / variance) ** 2 / (len(sample) - 1) for own, sample in parts)
        half = stdtrit(freedom, 1.0 - error / 2.0) * np.sqrt(variance)
    low, high = np.exp(np.clip([difference - half, difference + half], -WIDEST, WIDEST))
    return float(low), float(high)


def slower(changed: Sequence[Change]) -> list[str]:
    """Keys of what is worse beyond noise; none if the machine itself is, as that may be why."""
    worse = [change.key for change in changed if change.better < 0]
    return [] if set(worse) & set(MACHINE) else worse


def check_comparable(before: Benchmark, name: str, scenario: str, envs: int) -> None:
    """Raise InputError if a benchmark, from the file `name`, is of other work than is to be measured."""
    if (before.scenario, before.envs) != (scenario, envs):
        raise InputError(
            f"{name}: measured {before.scenario} with {before.envs} environments, not {scenario} with {envs}; "
            f"add --scenario {before.scenario} --envs {before.envs}"
        )


def notes(before: Benchmark, now: Benchmark) -> list[str]:
    """What has to be known to read the ratios, a line each."""
    told = []
    for name in ("processor", "cores", "system"):
        was, is_ = before.hardware.get(name), now.hardware.get(name)
        if was != is_:
            told.append(f"another machine: {name} {was}, now {is_}")
    if before.threads != now.threads:
        told.append(f"another number of threads: {before.threads}, now {now.threads}")
    for name, version in now.versions.items():
        if before.versions.get(name) != version:
            told.append(f"another {name}: {before.versions.get(name)}, now {version}")
    for which, there, here in (("only then", before, now), ("only now", now, before)):
        alone = [key for key in there.values if key not in here.values]
        if alone:
            told.append(f"measured {which}: {', '.join(alone)}")
    told += [
        f"the machine itself is {change.verdict} ({Quantity(change.key).name}: {change.ratio:.2f}): "
        "repeat before believing a verdict"
        for change in changes(before, now)
        if change.key in MACHINE and change.better
    ]
    if not before.repetitions:
        told.append("the earlier file holds no repetitions: nothing is known of its noise, and nothing is judged")
    return told
