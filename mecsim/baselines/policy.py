"""What a policy is to everything above the environments, and how one is played on tapes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.engines.draw import AnyTapes
from mecsim.engines.system import DELAY, ENERGY
from mecsim.envs.episodes import Arrays, EngineName, Episodes
from mecsim.envs.kinds import new_episodes
from mecsim.scenario import AnyScenario

Preferences = NDArray[np.float64]  # (N, objectives), one row per episode
Actions = NDArray[np.int64]  # (N,)


class Policy(Protocol):
    """Chooses an option in each of N episodes, given what the environment shows and a preference per episode."""

    def act(self, episodes: Any, observation: Arrays, preference: Preferences) -> Actions:
        """The options, (N,). Model-based policies may ask `episodes` for the immediate costs of all options.

        They are `Episodes` of the kind of scenario that the policy was made for.
        """


PolicyFactory = Callable[[int], Policy]
"""Makes a policy from a seed; two policies of one seed act alike."""


def play_actions(policy: Policy, scenario: AnyScenario, tapes: AnyTapes, preference: Preferences) -> Actions:
    """What a policy does in each step of the episodes of `tapes`, (N, T)."""
    episodes = new_episodes(scenario, "batched")
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

    episodes: Episodes[Any, Any, Any]
    cost: NDArray[np.float64]  # (N, Q) of each episode, in all the objectives that the kind of scenario knows

    @cached_property
    def records(self) -> Any:
        """What happened to each task or request; made when first asked for, as most callers want totals only."""
        return self.episodes.records()

    @property
    def delay_s(self) -> NDArray[np.float64]:
        """Total delay of each offloading episode, (N,)."""
        return self.cost[:, DELAY]

    @property
    def energy_j(self) -> NDArray[np.float64]:
        """Total energy of each offloading episode, (N,)."""
        return self.cost[:, ENERGY]

    @property
    def totals(self) -> NDArray[np.float64]:
        """What each episode came to in the scenario's order of objectives, lower is better, (N, objectives)."""
        return self.episodes.totals(self.cost)


def play(
    policy: Policy, scenario: AnyScenario, tapes: AnyTapes, preference: Preferences, engine: EngineName = "batched"
) -> Play:
    """Play all episodes of `tapes` to their end, `preference` being one for all (objectives,) or one each."""
    episodes = new_episodes(scenario, engine)
    wanted = np.broadcast_to(preference, (len(tapes), len(scenario.objectives)))
    observation = episodes.begin(tapes)
    total: NDArray[np.float64] = np.zeros(1)
    while not episodes.over:
        observation, _, cost = episodes.step(policy.act(episodes, observation, wanted))
        total = total + cost
    return Play(episodes, total)
