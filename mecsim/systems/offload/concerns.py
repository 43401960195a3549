"""What is to be said of results that tell less than they seem to."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mecsim.systems.offload.scenario import OffloadScenario

OVERLOAD = 1.05  # tasks a step: more than chance brings where one a step is expected
LEFT_SHARE = 0.05
IDLE_SHARE = 0.5
HOPELESS_EPISODES = 100.0  # that a task takes, where the least is chosen


def concerns(quantities: Mapping[str, NDArray[np.float64]], scenario: OffloadScenario) -> list[str]:
    """A line for each, from the quantities of episodes; see `System.concerns`."""
    return [*_hopeless(quantities, scenario), *_overload(quantities, scenario), *_idle(quantities)]


def _hopeless(quantities: Mapping[str, NDArray[np.float64]], scenario: OffloadScenario) -> list[str]:
    """Links or servers that carry nothing: all that a policy could learn is which of them is the least hopeless."""
    delay_s, upload_s = (_known_mean(quantities[f"{name}_per_task_s"]) for name in ("delay", "upload"))
    episode_s = scenario.expected_span_s
    if delay_s <= HOPELESS_EPISODES * episode_s:
        return []
    cause = "channel and distances" if upload_s > 0.5 * delay_s else "the speed of servers, and the load"
    return [
        f"a task takes {delay_s:.2g} s on average, in an episode of {_short(episode_s)} s: nothing is ever finished, "
        f"and nothing can be learned; see to {cause}"
    ]


def _known_mean(values: NDArray[np.float64]) -> float:
    """Of what is known; 0 where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _overload(quantities: Mapping[str, NDArray[np.float64]], scenario: OffloadScenario) -> list[str]:
    """A queue that grows with the episode: a step dispatches a single task."""
    recorded = scenario.tasks.trace.file is not None
    if scenario.per_task or (not recorded and scenario.remarks()):  # which say it already
        return []
    left, dispatched = float(quantities["tasks_left_in_queue"].mean()), float(quantities["tasks"].mean())
    arrived = left + dispatched
    if left <= LEFT_SHARE * arrived or not (recorded or arrived > OVERLOAD * scenario.steps):
        return []
    cure = f"choose dispatch.decide: task, or lower {'' if recorded else 'users.arrival_rate or '}episode.step"
    return [
        f"{left / arrived:.0%} of the tasks ({left:,.0f} of {arrived:,.0f} an episode) are never dispatched, as a step "
        "dispatches one task at most: delay and energy cover the others only, and the queue grows with the episode; "
        f"{cure}"
    ]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"


def _idle(quantities: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Energy that hides what policies differ in."""
    if "idle_energy_j" not in quantities:
        return []
    idle_j, total_j = float(quantities["idle_energy_j"].mean()), float(quantities["energy_j"].mean())
    if idle_j <= IDLE_SHARE * total_j:
        return []
    return [
        f"{idle_j / total_j:.1%} of the energy ({_short(idle_j)} of {_short(total_j)} J an episode) is drawn by idle "
        f"servers whatever a policy does: policies differ in the other {1.0 - idle_j / total_j:.1%} only, so judge "
        "them by differences in J and not by shares of the total"
    ]
