"""A trained agent as a policy that can be played wherever a baseline can."""

from pathlib import Path

import numpy as np
from mecsim_agents import DiscreteSAC
from numpy.typing import NDArray

from mecsim.baselines import PolicyFactory, calibrate
from mecsim.baselines.policy import Actions, Preferences
from mecsim.envs.offload import Arrays, OffloadEpisodes
from mecsim.errors import InputError
from mecsim.scenario import Scenario
from mecsim.training.run import Run


def run_policy(folder: Path, scenario: Scenario) -> PolicyFactory:
    """The newest policy of a run, to be played on a scenario.

    Raises:
        RunError: the run cannot be used; InputError: its policy does not fit the scenario.
    """
    run = Run.open(folder)
    policy = AgentPolicy(run.load_agent(), run.scenario, scenario)
    return lambda seed: policy


class AgentPolicy:
    """A trained agent as a policy for any scenario with the same observation.

    An agent knows preferences in the scale of the scenario it was trained on. Where objectives have another scale, the
    preference is converted so that it asks for the same trade of seconds against joules.
    """

    def __init__(self, agent: DiscreteSAC, trained: Scenario, scenario: Scenario) -> None:
        if trained.objectives != scenario.objectives:
            raise InputError(
                f"the run was trained for the objectives {', '.join(trained.objectives)}, "
                f"the scenario has {', '.join(scenario.objectives)}"
            )
        if trained.observation != scenario.observation:
            raise InputError(
                f"the run was trained on another observation ({_told(trained)}) than this scenario has "
                f"({_told(scenario)}): use the same histogram and cost_features"
            )
        self._agent = agent
        # The agent's own scale, and not a new measurement: a policy must not change when a calibration does.
        self._factor: NDArray[np.float64] = np.array(agent.objective_scale) / calibrate(scenario).scale

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The likeliest server in each episode."""
        weight = preference * self._factor
        chosen = self._agent.act(observation, weight / weight.sum(axis=1, keepdims=True), explore=False)
        return np.asarray(chosen, np.int64)


def _told(scenario: Scenario) -> str:
    shown = scenario.observation
    costs = "with" if shown.cost_features else "without"
    return f"{shown.histogram.bins} bins of {shown.histogram.width_bit / 1e6:g} Mbit, {costs} cost_features"
