"""What whoever watches a training is told."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.training.run import Run


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a policy does without exploring, on tapes that are the same at every evaluation."""

    preferences: NDArray[np.float64]  # (K, objectives)
    totals: NDArray[np.float64]  # (K, episodes, objectives) in physical units
    option_shares: NDArray[np.float64]  # (K, A) of each option in the decisions
    hypervolume: float
    hypervolume_ci95: float  # half width of its 95 % interval over episodes; NaN of a single one
    mean_cost: float  # scalarised at the asked preference, no unit


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What one epoch came to."""

    epoch: int  # counted from 1
    epochs: int  # of the whole training
    env_steps: int
    updates: int
    returns: NDArray[np.float64]  # (objectives,) mean per episode, as objectives are shown, while exploring
    action_shares: NDArray[np.float64]  # (A,) share of each option in the decisions, while exploring
    metrics: dict[str, float]  # means of what the agent reports, see its algorithm's metrics; empty without updates
    section_s: dict[str, float]  # wall clock of acting, environments, storing, sampling and learning
    evaluation: Evaluation | None


class Monitor(Protocol):
    """Whoever watches a training. One that is a context manager, too, is entered before the first epoch."""

    def on_epoch(self, report: EpochReport) -> None:
        """An epoch is over and, if it was due, evaluated."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A training that is about to begin or to go on."""

    run: Run
    greedy: Evaluation  # of the greedy policy, on the episodes of every evaluation
    resumed_at: int | None = None  # environment steps from which it goes on; None where it begins


class MakeMonitor(Protocol):
    """Makes a monitor of a training: what `mecsim train --log` names."""

    def __call__(self, watched: Watched) -> Monitor:
        """One for this training alone."""
