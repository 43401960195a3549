"""How the policy of the moment is measured while it is trained."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.core.episodes import AnyEpisodes, Arrays
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import layout_of
from mecsim.core.tape import Tapes
from mecsim.core.threads import use_threads
from mecsim.policies import Policy, calibrate, play
from mecsim.policies.policy import Actions, Preferences
from mecsim.sweep.bootstrap import estimates
from mecsim.sweep.evaluate import episodes_at_once, tape_chunks
from mecsim.sweep.front import Front
from mecsim.sweep.preferences import preference_grid

if TYPE_CHECKING:
    from mecsim.training import Evaluate, Evaluation, Run

Array = NDArray[np.float64]

RESAMPLES = 100
"""For the interval of the hypervolume; it takes a small part of the time that playing does."""


def training_evaluation(run: "Run") -> "Evaluate":
    """What `train` needs of sweeps: plays a policy over a grid of preferences, or at the run's own.

    It meets the same episodes every time, which are used for nothing else.

    Raises:
        InputError: the grid is too small.
    """
    from mecsim.training import Evaluation

    scenario, config = run.scenario, run.config
    calibration = calibrate(scenario)
    if config.preference is None:
        preferences = preference_grid(len(scenario.objectives), config.evaluation_preferences)
    else:
        preferences = np.array([config.preference], np.float64)

    threads = min(run.threads or 1, len(preferences))  # all that the training has, as it stands still meanwhile

    def evaluated(policy: Policy) -> "Evaluation":
        totals, shares = [], []
        for _, tapes in tape_chunks(scenario, run.seed, config.evaluation_episodes, Stream.VALIDATION):
            costs, chosen = _side_by_side(policy, scenario, tapes, preferences, threads)
            totals.append(costs)
            shares.append(chosen * len(tapes))
        together = np.concatenate(totals, axis=1)
        found = estimates(Front("policy", preferences, together), calibration, RESAMPLES)
        return Evaluation(
            preferences,
            together,
            option_shares=np.sum(shares, axis=0) / config.evaluation_episodes,
            hypervolume=found["hypervolume"].value,
            hypervolume_ci95=found["hypervolume"].ci95,
            mean_cost=found["mean_cost"].value,
        )

    return evaluated


def _side_by_side(
    policy: Policy, scenario: Scenario, tapes: Tapes, preferences: Array, threads: int
) -> tuple[Array, Array]:
    """Totals (K, N, objectives), and the share of each option in the decisions (K, A).

    Many preferences are played at once, as a policy decides for many episodes in little more time than for a few.
    """
    count = len(tapes)
    groups = max(threads, -(-len(preferences) * count // episodes_at_once(scenario)))

    def played(group: Array) -> tuple[Array, Array]:
        counting = _Counting(policy, len(group), len(layout_of(scenario).option_names))
        rows = np.tile(np.arange(count), len(group))
        found = play(counting, scenario, tapes.select(rows), np.repeat(group, count, axis=0))
        return found.totals.reshape(len(group), count, -1), counting.shares

    parts = np.array_split(preferences, min(groups, len(preferences)))
    if threads == 1:
        results = [played(part) for part in parts]
    else:
        with ThreadPoolExecutor(threads, initializer=use_threads, initargs=(1,)) as pool:
            results = list(pool.map(played, parts))
    return np.concatenate([totals for totals, _ in results]), np.concatenate([shares for _, shares in results])


class _Counting:
    """Plays as another policy and counts what it chooses for each of K preferences, equally many episodes each."""

    def __init__(self, policy: Policy, preferences: int, options: int) -> None:
        self._policy = policy
        self._counts = np.zeros((preferences, options), np.int64)
        self.looks = getattr(policy, "looks", True)

    def act(self, episodes: AnyEpisodes, observation: Arrays, preference: Preferences) -> Actions:
        """What the other does."""
        actions = self._policy.act(episodes, observation, preference)
        each, options = self._counts.shape
        of_preference = np.arange(len(actions)) // (len(actions) // each)
        self._counts += np.bincount(of_preference * options + actions, minlength=each * options).reshape(each, options)
        return actions

    @property
    def shares(self) -> Array:
        """Of each option in the decisions, (K, A)."""
        return np.asarray(self._counts / self._counts.sum(axis=1, keepdims=True))
