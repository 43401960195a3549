"""What a policy is to everything above the environments, and how one is played on tapes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.engines.system import DELAY, ENERGY, Records
from mecsim.engines.tape import Tapes
from mecsim.envs.offload import Arrays, EngineName, OffloadEpisodes
from mecsim.scenario import Scenario

Preferences = NDArray[np.float64]  # (N, objectives), one row per episode
Actions = NDArray[np.int64]  # (N,)


class Policy(Protocol):
    """Chooses a server in each of N episodes, given what the environment shows and a preference per episode."""

    def act(self, episodes: OffloadEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The servers, (N,). Model-based policies may ask `episodes` for the immediate costs of all options."""


PolicyFactory = Callable[[int], Policy]
"""Makes a policy from a seed; two policies of one seed act alike."""


def play_actions(policy: Policy, scenario: Scenario, tapes: Tapes, preference: Preferences) -> Actions:
    """What a policy does in each step of the episodes of `tapes`, (N, T)."""
    episodes = OffloadEpisodes(scenario, "batched")
    wanted = np.broadcast_to(preference, (len(tapes), len(scenario.objectives)))
    observation = episodes.begin(tapes)
    actions = []
    while not episodes.over:
        actions.append(policy.act(episodes, observation, wanted))
        observation, _, _ = episodes.step(actions[-1])
    return np.stack(actions, axis=1)


@dataclass(frozen=True)
class Play:
    """What N episodes of T steps came to."""

    episodes: OffloadEpisodes
    delay_s: NDArray[np.float64]  # (N,) total delay of each episode
    energy_j: NDArray[np.float64]  # (N,) total energy of each episode

    @cached_property
    def records(self) -> Records:
        """What happened to each task; made when it is first asked for, as most callers want totals only."""
        return self.episodes.records()

    def totals(self, scenario: Scenario) -> NDArray[np.float64]:
        """Physical totals per episode in the scenario's order of objectives, (N, objectives)."""
        by_name = {"delay": self.delay_s, "energy": self.energy_j}
        return np.stack([by_name[name] for name in scenario.objectives], axis=1)


def play(
    policy: Policy, scenario: Scenario, tapes: Tapes, preference: Preferences, engine: EngineName = "batched"
) -> Play:
    """Play all episodes of `tapes` to their end, `preference` being one for all (objectives,) or one each."""
    episodes = OffloadEpisodes(scenario, engine)
    wanted = np.broadcast_to(preference, (len(tapes), len(scenario.objectives)))
    observation = episodes.begin(tapes)
    total = np.zeros((len(tapes), 2))
    while not episodes.over:
        observation, _, cost = episodes.step(policy.act(episodes, observation, wanted))
        total += cost
    return Play(episodes, total[:, DELAY], total[:, ENERGY])
