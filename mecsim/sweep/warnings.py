"""What is to be said of results that tell less than they seem to, before a scenario is played and after it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import is_run
from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, layout_of, system_of
from mecsim.policies import Calibration, named_policy, play
from mecsim.sweep.front import Front
from mecsim.sweep.planned import base_of

COLLAPSED_SHARE = 0.99
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


def collapsed(shares: NDArray[np.float64], scenario: Scenario) -> list[str]:
    """A line about a learned policy that does the same whatever it is asked for, by its shares (K, A) of options."""
    option = int(shares.mean(axis=0).argmax())
    least = float(shares[:, option].min())
    if len(shares) < 2 or least <= COLLAPSED_SHARE:
        return []
    name = layout_of(scenario).option_names[option]
    return [
        f"the policy chooses {name} in more than {COLLAPSED_SHARE:.0%} of its decisions whatever the preference: "
        "unless that is best for all of them it has collapsed; see mecsim docs curves"
    ]


def collapsed_runs(fronts: Sequence[Front], scenario: Scenario) -> list[str]:
    """The same of what was played, where it was learned."""
    learned = [front for front in fronts if "share" in front.options and is_run(Path(base_of(front.target)[0]))]
    return [f"{front.label}: {line}" for front in learned for line in collapsed(front.options["share"], scenario)]


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
