"""Compiles what a scenario may need, by using it: a few decisions of every policy that needs no training."""

import numpy as np

from mecsim.core.scenario import Scenario
from mecsim.core.system import draw_episodes, new_episodes
from mecsim.policies.calibration import calibrate
from mecsim.policies.registry import policies_of

DECISIONS = 3


def warm_up(scenario: Scenario) -> None:
    """Compile the kernels of a scenario's engines and policies, so far as they are not kept already."""
    tapes = draw_episodes(scenario, 0, 0, 1)
    wanted = np.full((1, len(scenario.objectives)), 1.0 / len(scenario.objectives))
    calibrate(scenario)
    for known in policies_of(scenario).values():
        if known.costly:
            continue
        policy, episodes = known.make(scenario, 0), new_episodes(scenario, "batched")
        observation = episodes.begin(tapes)
        for _ in range(min(DECISIONS, episodes.steps)):
            observation, _, _ = episodes.step(policy.act(episodes, observation, wanted))
        if not episodes.over:
            episodes.engine.fork().step(policy.act(episodes, observation, wanted))
        episodes.engine.records()
    readable = new_episodes(scenario, "simpy")
    readable.step(np.argmax(readable.begin(tapes)["mask"], axis=1))
