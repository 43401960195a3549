"""How far a target can be from the best that is possible without knowledge of the future."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from mecsim.core.relaxation import Relaxation
from mecsim.core.scenario import Scenario
from mecsim.core.system import system_of
from mecsim.errors import InputError
from mecsim.policies import calibrate
from mecsim.sweep.distribute import ALONE, Workers, run_jobs
from mecsim.sweep.front import Front, half_width_95

Array = NDArray[np.float64]

EPISODES_PER_JOB = 16


@dataclass(frozen=True, slots=True)
class Excess:
    """By how much a mean cost is above a bound at most, as shares of the bound, (K,) each; NaN without a positive one.

    No policy can be better than the bound, so the target is at most so much above the best one.
    """

    cost: Array
    bound: Array
    bound_ci95: Array  # half width of its 95 % interval
    share: Array
    share_ci95: Array  # half width; target and bound met the same episodes

    @property
    def at_most(self) -> Array:
        """The upper end of the share's 95 % interval; the share itself where a single episode leaves no interval."""
        return self.share + np.nan_to_num(self.share_ci95)


@dataclass(frozen=True, slots=True)
class _Job:
    scenario: Scenario
    preference: tuple[float, ...]
    relaxation: Relaxation


def _run(job: _Job) -> Array:
    return _bounds_of(job.scenario, np.array(job.preference), calibrate(job.scenario).scale, job.relaxation)


def _bounds_of(scenario: Scenario, preference: Array, scale: Array, relaxation: Relaxation) -> Array:
    bounds = system_of(scenario).bounds
    assert bounds is not None
    return bounds.load()(scenario, preference, scale, relaxation)


def check_bounded(scenario: Scenario, penalty: float = 0.0) -> None:
    """Raise InputError if the system has no bound, or not for such a scenario or penalty."""
    if system_of(scenario).bounds is None:
        raise InputError(f"no bound is known for scenarios of kind {scenario.kind}")
    anything = np.ones(len(scenario.objectives))
    _bounds_of(scenario, anything, anything, Relaxation(seed=0, first=0, count=0, penalty=penalty))


def bound_costs(
    scenario: Scenario, preferences: Array, asked: Relaxation, workers: Workers = ALONE,
    on_progress: Callable[[int], None] = lambda episodes: None,
) -> Array:  # fmt: skip
    """Lower bounds of Σ ω·c/scale of every preference (K, objectives) and episode, (K, episodes).

    Their mean over episodes is a bound, a single one is not. Which they are does not depend on the workers.

    Raises:
        InputError: the system has no bound, or not for such a scenario.
    """
    check_bounded(scenario, asked.penalty)
    chunks = [
        Relaxation(asked.seed, first, min(EPISODES_PER_JOB, asked.first + asked.count - first), asked.penalty,
                   asked.effort)
        for first in range(asked.first, asked.first + asked.count, EPISODES_PER_JOB)
    ]  # fmt: skip
    jobs = [_Job(scenario, tuple(wanted), chunk) for wanted in preferences.tolist() for chunk in chunks]
    parts = []
    with closing(run_jobs(_run, jobs, workers)) as found:
        for part in found:
            parts.append(part)
            on_progress(len(part))
    return np.concatenate(parts).reshape(len(preferences), asked.count)


def excess(front: Front, bounds: Array, scale: Array) -> Excess:
    """Of a front on the episodes of bounds (K, episodes), for each of its preferences."""
    return _excess(_costs(front, scale), bounds)


def mean_excess(front: Front, bounds: Array, scale: Array) -> Excess:
    """The same of the mean over preferences, K being 1."""
    return _excess(_costs(front, scale).mean(axis=0)[None], bounds.mean(axis=0)[None])


def _costs(front: Front, scale: Array) -> Array:
    """Σ ω·c/scale of every preference and episode, (K, episodes)."""
    return np.asarray(np.einsum("kno,ko->kn", front.totals, front.preferences / scale))


def _excess(costs: Array, bounds: Array) -> Excess:
    """A ratio of means with its interval by the delta method, both (K, episodes)."""
    episodes, bound = bounds.shape[1], bounds.mean(axis=1)
    usable = np.where(bound > 0.0, bound, np.nan)
    ratio = costs.mean(axis=1) / usable
    half = np.full(len(bound), np.nan)
    if episodes > 1:
        spread = (costs - ratio[:, None] * bounds).std(axis=1, ddof=1)
        half = scipy.special.stdtrit(episodes - 1, 0.975) * spread / np.sqrt(episodes) / usable
    return Excess(costs.mean(axis=1), bound, half_width_95(bounds, axis=1), ratio - 1.0, half)
