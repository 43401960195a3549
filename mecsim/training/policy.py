"""Trained agents as policies that can be played wherever a baseline can."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from mecsim_agents import Learner
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.system import layout_of
from mecsim.errors import InputError
from mecsim.policies import Policy, PolicyFactory, calibrate
from mecsim.policies.policy import Actions, Preferences
from mecsim.scenario import Scenario
from mecsim.training.multi import MultiRun, is_multi_run
from mecsim.training.run import Run


def run_policy(folder: Path, scenario: Scenario) -> PolicyFactory:
    """The newest policy of a run, to be played on a scenario; of several, for each preference the nearest one's.

    Raises:
        RunError: the run cannot be used; InputError: its policy does not fit the scenario, or there is one per seed.
    """
    if is_multi_run(folder):
        multi = MultiRun.open(folder)
        if multi.repeated:
            raise multi.to_be_named("name")
        policy: Policy = NearestPolicy([_policy_of(run, scenario) for run in multi.runs])
    else:
        policy = _policy_of(Run.open(folder), scenario)
    return lambda seed: policy


def _policy_of(run: Run, scenario: Scenario) -> "AgentPolicy":
    return AgentPolicy(run.load_agent(), run.scenario, scenario, run.config.preference)


class AgentPolicy:
    """A trained agent as a policy for any scenario with the same observation and all of the agent's objectives.

    An agent knows preferences in the scale of the scenario it was trained on. Where objectives have another scale, the
    preference is converted so that it asks for the same trade of seconds against joules. Where the scenario has further
    objectives, the agent plays by the weights of its own, or by equal ones if these are all 0.
    """

    def __init__(
        self,
        agent: Learner,
        trained: Scenario,
        scenario: Scenario,
        preference: tuple[float, ...] | None = None,
    ) -> None:
        """`preference`: the only one that the agent was trained for, in the scale of `trained`; None if for all.

        Raises:
            InputError: the scenario lacks an objective of the agent's, has another observation, or more options than
                the agent can take.
        """
        if not set(trained.objectives) <= set(scenario.objectives):
            raise InputError(
                f"the run was trained for the objectives {', '.join(trained.objectives)}, "
                f"the scenario has {', '.join(scenario.objectives)}"
            )
        self._own = [scenario.objectives.index(name) for name in trained.objectives]
        seen, shown = layout_of(trained).seen, layout_of(scenario)
        if seen != shown.seen:
            raise InputError(
                f"the run was trained on another observation ({seen}) than this scenario has "
                f"({shown.seen}): use the same `observation`"
            )
        try:
            agent.check_options(len(shown.option_names))
        except ValueError as error:
            raise InputError(f"the run does not fit the scenario: {error}") from None
        self.preference: NDArray[np.float64] | None = None if preference is None else np.array(preference)
        self._agent = agent
        # The agent's own scale, and not a new measurement: a policy must not change when a calibration does.
        own_scale = np.array(agent.shape.objective_scale)
        self._scale = calibrate(scenario).scale
        self._factor: NDArray[np.float64] = own_scale / self._scale[self._own]

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The likeliest server in each episode. An agent of a single preference chooses by that one alone."""
        return np.asarray(self._agent.act(observation, self._played(preference), explore=False), np.int64)

    def expected(self, observation: Arrays, preference: Preferences) -> NDArray[np.float64] | None:
        """What the agent's critics expect, see `Expecting`; None of one that keeps no such values."""
        expects = getattr(self._agent, "expected", None)
        reward = None if expects is None else expects(observation, self._played(preference))
        if reward is None:
            return None
        return np.asarray((reward * (preference / self._scale)[:, self._own]).sum(axis=1))

    def _played(self, preference: Preferences) -> Preferences:
        """What the agent is asked for, in its own scale."""
        if self.preference is None:
            return self.converted(preference)
        return np.tile(self.preference, (len(preference), 1))

    def converted(self, preference: Preferences) -> Preferences:
        """Preferences (N, objectives) among the agent's own objectives, in the scale of its scenario."""
        weight = preference[:, self._own] * self._factor
        total = weight.sum(axis=1, keepdims=True)
        even = np.full_like(weight, 1.0 / len(self._own))
        return np.asarray(np.divide(weight, total, out=even, where=total > 0.0))


class NearestPolicy:
    """Several agents, each trained for a preference of its own: the nearest one to what is asked for plays."""

    def __init__(self, policies: Sequence[AgentPolicy]) -> None:
        """All of one scenario, each with a preference. Of two that are equally near, the first plays."""
        self._policies = policies
        self._trained = np.stack([policy.preference for policy in policies if policy.preference is not None])

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """What the nearest policy would do, in each episode."""
        chosen = np.empty(len(preference), np.int64)
        for policy, here, seen in self._by_policy(observation, preference):
            chosen[here] = policy.act(episodes, seen, preference[here])
        return chosen

    def expected(self, observation: Arrays, preference: Preferences) -> NDArray[np.float64] | None:
        """What the nearest policy expects, see `Expecting`; None if one of them expects nothing."""
        expected = np.empty(len(preference))
        for policy, here, seen in self._by_policy(observation, preference):
            found = policy.expected(seen, preference[here])
            if found is None:
                return None
            expected[here] = found
        return expected

    def _by_policy(
        self, observation: Arrays, preference: Preferences
    ) -> Iterator[tuple[AgentPolicy, NDArray[np.bool_], Arrays]]:
        """Each policy that is the nearest one somewhere, where that is, and what is seen there."""
        asked = self._policies[0].converted(preference)
        distance = np.linalg.norm(asked[:, None] - self._trained[None], axis=2)
        nearest = distance.round(9).argmin(axis=1)  # rounded, so that no last digit decides between equals
        for index in np.unique(nearest):
            here = nearest == index
            yield self._policies[index], here, {name: values[here] for name, values in observation.items()}
