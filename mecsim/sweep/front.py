"""What a target reached over preferences and episodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from mecsim.errors import InputError
from mecsim.sweep.details import Details


@dataclass(frozen=True, slots=True)
class Front:
    """What a target reached for each preference: totals per episode, lower is better (see `objectives_of`)."""

    target: str
    preferences: NDArray[np.float64]  # (K, objectives)
    totals: NDArray[np.float64]  # (K, episodes, objectives)
    trainings: tuple["Front", ...] = ()  # where there are several, whose mean `totals` are
    details: Details = field(default_factory=Details)

    @staticmethod
    def over(target: str, trainings: Sequence["Front"]) -> "Front":
        """The mean of several trainings, which were played for the same preferences on the same episodes."""
        totals = np.mean([one.totals for one in trainings], axis=0)
        details = Details.averaged([one.details for one in trainings])
        return Front(target, trainings[0].preferences, totals, tuple(trainings), details)

    @property
    def label(self) -> str:
        """A short name for pictures: a run goes by the name of its folder."""
        name = Path(self.target).name or self.target
        return f"{name} ({len(self.trainings)} trainings)" if self.trainings else name

    @property
    def quantities(self) -> Mapping[str, NDArray[np.float64]]:
        """What the system reports of each episode, (K, episodes) each; none if they were not measured."""
        return self.details.quantities

    @property
    def options(self) -> Mapping[str, NDArray[np.float64]]:
        """What each option had on average, (K, A) each; none if it was not measured."""
        return self.details.options

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over episodes, (K, objectives)."""
        return np.asarray(self.totals.mean(axis=1))

    @property
    def ci95(self) -> NDArray[np.float64]:
        """Half width of the 95 % confidence interval of the mean, (K, objectives)."""
        return half_width_95(self.totals, axis=1)

    @property
    def trainings_ci95(self) -> NDArray[np.float64]:
        """The same of the mean over trainings, each of which counts as one value; NaN where there are not several."""
        if not self.trainings:
            return np.full(self.mean.shape, np.nan)
        return half_width_95(np.stack([one.mean for one in self.trainings]))

    def restricted(self, preferences: NDArray[np.float64], episodes: int) -> "Front":
        """The same target on some of its preferences (k, objectives), in their order, and on its first episodes.

        Raises:
            InputError: it was not played for one of them, or on fewer episodes.
        """
        apart = np.abs(self.preferences[None] - preferences[:, None]).max(axis=2)  # (k, K)
        nearest = apart.argmin(axis=1)
        if (apart.min(axis=1) > 1e-9).any() or episodes > self.totals.shape[1]:
            raise InputError(f"{self.target}: was not played for these preferences and {episodes} episodes")
        return Front(
            self.target,
            self.preferences[nearest],
            self.totals[nearest, :episodes],
            tuple(one.restricted(preferences, episodes) for one in self.trainings),
            self.details.restricted(nearest, episodes),
        )


def half_width_95(values: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """Half width of Student's 95 % confidence interval of the mean along an axis; NaN for a single value."""
    count = values.shape[axis]
    if count < 2:
        return np.full(np.delete(values.shape, axis), np.nan)
    return np.asarray(scipy.special.stdtrit(count - 1, 0.975) * values.std(axis=axis, ddof=1) / np.sqrt(count))
