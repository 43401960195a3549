"""How large each objective is in a scenario: what makes a preference mean the same to every policy.

Objectives have units, preferences have none. Each objective is therefore divided by a scale before it is
weighted. A scenario may fix the scales (and the reference point of hypervolumes); else they are measured here, from
greedy policies at opposite ends of the front, on tapes that are used for nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import draw_episodes, objectives_of
from mecsim.core.watch import tell_progress
from mecsim.policies.immediate import GreedyPolicy
from mecsim.policies.policy import Actions, Preferences, play

ANCHOR_WEIGHT = 0.95
"""Weight of its objective at an anchor. With weight 1 an anchor would ignore the others altogether, and where servers
differ a little it would pile up all tasks on one of them: a range far beyond any useful front."""

EPISODES, FEWEST_EPISODES = 128, 16
DECISIONS = 2**18
"""Of the episodes that are measured. Long ones tell more each: there are fewer of them, but not too few, as they differ
in their servers."""

TAPES_BYTE = 2**28  # of these episodes; large scenarios are measured on fewer still
REFERENCE_MARGIN = 0.5
"""A measured reference point lies this share of the range beyond the worst anchor."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Per objective, in the scenario's order and in physical units per episode, (objectives,)."""

    scale: NDArray[np.float64]  # an objective is divided by this before it is weighted
    reference: NDArray[np.float64]  # reference point of hypervolumes
    reference_source: str  # how it was chosen, for reports


@lru_cache(maxsize=32)
def calibrate(scenario: Scenario) -> Calibration:
    """Scales and reference point of a scenario; the same for every caller, seed and policy."""
    fixed_scale, fixed_reference = scenario.fixed_scale, scenario.fixed_reference
    scale = tradable(scenario) if fixed_scale is None else np.array(fixed_scale)
    if fixed_reference is not None:
        shown, source = fixed_reference
        pairs = zip(objectives_of(scenario), shown, strict=True)
        return Calibration(scale, np.array([one.value(value) for one, value in pairs]), source)
    reference = _anchors(scenario)[1] + REFERENCE_MARGIN * tradable(scenario)
    source = f"measured: the worst greedy anchor plus {REFERENCE_MARGIN:.0%} of the range of the anchors"
    return Calibration(scale, reference, source)


def tradable(scenario: Scenario) -> NDArray[np.float64]:
    """What greedy policies can trade of each objective per episode: worst anchor minus best anchor, (objectives,)."""
    best, worst = _anchors(scenario)
    return worst - best


@lru_cache(maxsize=32)
def _anchors(scenario: Scenario) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Best and worst mean of each objective over greedy policies that prefer one objective each, (objectives,)."""
    tapes = draw_episodes(scenario, 0, 0, calibration_episodes(scenario), Stream.CALIBRATION)
    objectives = len(scenario.objectives)
    decided = count(1)

    def greedy(scale: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        told = _Told(scale, decided, 2 * objectives * scenario.steps)
        return np.asarray(play(told, scenario, tapes, weight).totals.mean(axis=0))

    optimum = np.array([greedy(np.ones(objectives), np.eye(objectives)[i])[i] for i in range(objectives)])
    # Zero, but for rounding, where nothing ever arrives, or where all that is used can be saved.
    optimum = np.where(optimum > 1e-9, optimum, 1.0)
    others = np.full(objectives, (1.0 - ANCHOR_WEIGHT) / max(1, objectives - 1))
    anchors = [greedy(optimum, np.where(np.arange(objectives) == i, ANCHOR_WEIGHT, others)) for i in range(objectives)]
    best, worst = np.min(anchors, axis=0), np.max(anchors, axis=0)
    # Where nothing can be traded (equal servers, a single objective) the objective's own size has to do.
    tradable = worst - best > 1e-3 * optimum
    return best, np.where(tradable, worst, best + optimum)


def calibration_episodes(scenario: Scenario) -> int:
    """On how many episodes a scenario is measured."""
    enough = max(FEWEST_EPISODES, DECISIONS // scenario.steps)
    return int(min(EPISODES, enough, max(1.0, TAPES_BYTE // scenario.tape_byte)))


class _Told(GreedyPolicy):
    """Says with each decision how far measuring is."""

    def __init__(self, scale: NDArray[np.float64], decided: Iterator[int], decisions: int) -> None:
        super().__init__(scale)
        self._decided, self._decisions = decided, decisions

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        action = super().act(episodes, observation, preference)
        tell_progress("measuring scales", next(self._decided), self._decisions)
        return action
