"""Planning at decision time: options are tried on sampled futures, in which another policy plays on.

A rollout policy (Bertsekas, Tsitsiklis and Wu 1997) over any base: each option for the decision at hand is taken in
turn, then the episode goes on for a horizon with sampled arrivals and the decisions of the base. What comes after that
is what the base expects, if it says so. All options meet the same futures, and futures are spent where they decide:
while their number doubles, the worse half of the options is dropped, down to two (sequential halving, Karnin, Koren
and Somekh 2013). Needs a system that can imagine (`Episodes.imagine`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays, Rows
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import new_episodes
from mecsim.core.target import in_numpy
from mecsim.errors import InputError
from mecsim.policies.calibration import calibrate
from mecsim.policies.policy import Actions, Policy, PolicyFactory, Preferences

ROWS = 1024
"""Imagined episodes side by side: so many stay in a processor's cache."""


@runtime_checkable
class Expecting(Protocol):
    """A policy that may say what it expects."""

    def expected(self, observation: Arrays, preference: Preferences) -> NDArray[np.float64] | None:
        """What the episodes bring from here to their end, Σ ω_i·r_i/scale_i, (N,), larger is better.

        Up to a number that is the same whatever led there. None from a policy that expects nothing.
        """


@dataclass(frozen=True, slots=True)
class Planning:
    """How much is tried for a decision."""

    futures: int  # that the last options of a decision meet
    horizon: int = 8  # decisions of the base after the one at hand
    blind_horizon: int = 25  # the same, where the base does not say what it expects after them
    rounds: int = 3  # of halving; with one, all options meet all futures


def planner(make: PolicyFactory, scenario: Scenario, planning: Planning) -> PolicyFactory:
    """A policy that plans on top of another one, in the scales of the scenario.

    Raises:
        InputError: the future of such a scenario cannot be imagined.
    """
    if not new_episodes(scenario, "batched").IMAGINES:
        raise InputError(f"the futures of {scenario.kind} cannot be imagined, so nothing can be planned for it")
    return lambda seed: PlanningPolicy(make(seed), calibrate(scenario).scale, seed, planning)


class PlanningPolicy:
    """The option of the least mean cost over sampled futures."""

    def __init__(self, base: Policy, scale: NDArray[np.float64], seed: int, planning: Planning) -> None:
        """`scale`: what objectives are divided by before they are weighted, (objectives,)."""
        self._base, self._scale, self._planning = base, scale, planning
        self._rng = np.random.default_rng([seed, Stream.PLANNING])

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """The best option in each episode; the first one of equals, and any where nothing is to be decided."""
        return np.asarray(self.costs(episodes, observation, preference).argmin(axis=1))

    def costs(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> NDArray[np.float64]:
        """Mean cost of each option over the futures, (N, A); infinite for those that are absent or dropped.

        Zero for options of a decision that decides nothing.
        """
        expects = self._expected(observation, preference) is not None
        horizon = self._planning.horizon if expects else self._planning.blind_horizon
        # A step further than the base decides: what it expects it sees in the state after its last decision.
        imagine = episodes.imagine(self._rng, self._planning.futures, horizon + expects)
        left = observation["mask"].astype(np.bool_)
        cost = np.where(left, 0.0, np.inf)
        left &= (left.sum(axis=1) > 1)[:, None] & in_numpy(episodes.waits(observation))[:, None]
        met = 0
        for until in self._milestones():
            n, option = np.nonzero(left)
            futures = range(met, until)
            at_once = max(1, ROWS // len(futures))
            for first in range(0, len(n), at_once):
                part = n[first : first + at_once], option[first : first + at_once]
                cost[part] += self._tried(imagine, *part, futures, horizon, preference)
            if until < self._planning.futures:
                place = np.where(left, cost, np.inf).argsort(axis=1, kind="stable").argsort(axis=1)
                dropped = left & (place >= np.maximum(2, (left.sum(axis=1, keepdims=True) + 1) // 2))
                cost[dropped], left = np.inf, left & ~dropped
            met = until
        return cost / self._planning.futures

    def _milestones(self) -> list[int]:
        """How many futures have been met at the end of each round, without rounds in which there would be none."""
        futures, rounds = self._planning.futures, self._planning.rounds
        return sorted({until for halved in range(rounds) if (until := futures >> halved)})

    def _tried(
        self, imagine: Callable[[Rows, Rows], AnyEpisodes], n: Rows, option: Actions, futures: range, horizon: int,
        preference: Preferences,
    ) -> NDArray[np.float64]:  # fmt: skip
        """What some options of episodes `n` cost, summed over futures; all (R,)."""
        episode, action = np.repeat(n, len(futures)), np.repeat(option, len(futures))
        imagined = imagine(episode, np.tile(np.arange(futures.start, futures.stop), len(n)))
        wanted = preference[episode]
        cost, weight, columns = np.zeros(len(episode)), wanted / self._scale, imagined.objective_columns
        for decision in range(horizon + 1):
            observation, _, rewards = imagined.step(action)
            cost -= (in_numpy(rewards)[:, columns] * weight).sum(axis=1)
            if imagined.over:
                break
            seen = {name: in_numpy(values) for name, values in observation.items()}
            if decision < horizon:
                action = self._base.act(imagined, seen, wanted)
            elif (expected := self._expected(seen, wanted)) is not None:
                cost -= expected
        return np.asarray(cost.reshape(len(n), len(futures)).sum(axis=1))

    def _expected(self, observation: Arrays, preference: Preferences) -> NDArray[np.float64] | None:
        return self._base.expected(observation, preference) if isinstance(self._base, Expecting) else None
