"""What a policy is to everything above the environments, and how one is played on tapes."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, AnyPlay, Arrays, EngineName, Episodes, Play, RecordsT, ScenarioT, TapesT
from mecsim.core.scenario import Scenario
from mecsim.core.system import new_episodes
from mecsim.core.tape import Tapes
from mecsim.core.target import in_numpy
from mecsim.errors import MecsimError

Preferences = NDArray[np.float64]  # (N, objectives), one row per episode
Actions = NDArray[np.int64]  # (N,)

EpisodesT_contra = TypeVar("EpisodesT_contra", contravariant=True)


class PolicyOf(Protocol[EpisodesT_contra]):
    """Chooses an option in each of N episodes, given what the environment shows and a preference per episode.

    One that acts by the rewards of options alone may say so by an attribute `looks = False`. It then gets an empty
    observation, as making one costs more than such a decision.
    """

    def act(self, episodes: EpisodesT_contra, observation: Arrays, preference: Preferences) -> Actions:
        """The options, (N,).

        Model-based policies may ask `episodes` for the immediate rewards of all options, and fork their engine.
        """


Policy = PolicyOf[AnyEpisodes]
"""A policy for any episodes."""

PolicyFactory = Callable[[int], Policy]
"""Makes a policy from a seed; two policies of one seed act alike."""


def play_actions(policy: Policy, scenario: Scenario, tapes: Tapes, preference: Preferences) -> Actions:
    """What a policy does in each step of the episodes of `tapes`, (N, T)."""
    episodes = new_episodes(scenario, "batched")
    wanted = np.broadcast_to(preference, (len(tapes), len(scenario.objectives)))
    observation = episodes.begin(tapes)
    actions = []
    while not episodes.over:
        actions.append(policy.act(episodes, observation, wanted))
        observation, _, _ = episodes.step(actions[-1])
    return np.stack(actions, axis=1)


def play(
    policy: Policy, scenario: Scenario, tapes: Tapes, preference: Preferences, engine: EngineName = "batched",
    on_step: Callable[[], object] = lambda: None,
) -> AnyPlay:  # fmt: skip
    """Play all episodes of `tapes` to their end, `preference` being one for all (objectives,) or one each.

    `on_step` is called after each step.
    """
    return play_episodes(policy, new_episodes(scenario, engine), tapes, preference, on_step)


def play_episodes(
    policy: PolicyOf[Episodes[ScenarioT, TapesT, RecordsT]],
    episodes: Episodes[ScenarioT, TapesT, RecordsT],
    tapes: TapesT,
    preference: Preferences,
    on_step: Callable[[], object] = lambda: None,
) -> Play[ScenarioT, TapesT, RecordsT]:
    """The same on episodes of any system, such as one that no registry knows.

    Raises:
        MecsimError: a total is not finite.
    """
    wanted = np.broadcast_to(preference, (len(tapes), len(episodes.scenario.objectives)))
    observation = episodes.begin(tapes)
    total: NDArray[np.float64] = np.zeros(1)
    looks = getattr(policy, "looks", True)
    while not episodes.over:
        if looks:
            seen = {name: in_numpy(values) for name, values in observation.items()}
            observation, _, rewards = episodes.step(policy.act(episodes, seen, wanted))
        else:
            rewards = episodes.step_unseen(policy.act(episodes, {}, wanted))
        total = total + in_numpy(rewards)
        on_step()
    if not np.isfinite(total).all():
        episode, objective = np.argwhere(~np.isfinite(np.atleast_2d(total)))[0].tolist()
        name = episodes.scenario.objectives[objective]
        told = f"episode {episode} of {len(tapes)} that are played side by side came to {total[episode, objective]}"
        raise MecsimError(f"{told} in {name}: the fault is in the scenario's system, or in numbers far from its bounds")
    return Play(episodes, total)
