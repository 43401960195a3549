"""What is to be said of results that tell less than they seem to, before a scenario is played and after it."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, system_of
from mecsim.policies import Calibration, named_policy, play
from mecsim.sweep.front import Front

EPISODES = 16
DECISIONS = 20_000  # that are played to foresee anything; fewer episodes where they are long


def concerns(quantities: Mapping[str, NDArray[np.float64]], scenario: Scenario) -> list[str]:
    """Lines about what episodes came to, by the quantities of the system, (N,) each."""
    judge = system_of(scenario).concerns
    return judge.load()(quantities, scenario) if judge else []


def foreseen(scenario: Scenario, seed: int) -> list[str]:
    """Remarks on a scenario that is to be played or trained on, and concerns: greedy plays a few of its episodes."""
    if system_of(scenario).concerns is None:
        return scenario.remarks()
    tapes = draw_episodes(scenario, seed, 0, min(EPISODES, max(1, DECISIONS // scenario.steps)))
    even = np.full(len(scenario.objectives), 1.0 / len(scenario.objectives))
    played = play(named_policy("greedy", scenario)(seed), scenario, tapes, even)
    quantities = system_of(scenario).episode_quantities.load()(played, tapes, scenario)
    return [*scenario.remarks(), *concerns(quantities, scenario)]


def beyond_reference(fronts: Sequence[Front], calibration: Calibration) -> list[str]:
    """Lines about points that add nothing to a hypervolume, as they lie beyond its reference point."""
    lines = []
    for front in fronts:
        points = len(front.mean)
        beyond = int((front.mean >= calibration.reference).any(axis=1).sum())
        if beyond:
            lines.append(
                f"{front.label}: {beyond} of {points} points lie beyond the reference point of the hypervolume and add "
                "nothing to it" + (", so it is 0" if beyond == points else "")
            )
    return lines
