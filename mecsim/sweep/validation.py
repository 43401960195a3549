"""How the policy of the moment is measured while it is trained."""

from typing import TYPE_CHECKING

import numpy as np

from mecsim.core.seeds import Stream
from mecsim.policies import Policy, calibrate
from mecsim.sweep.evaluate import evaluate
from mecsim.sweep.indicators import hypervolume, mean_cost
from mecsim.sweep.preferences import preference_grid

if TYPE_CHECKING:
    from mecsim.training import Evaluate, Evaluation, Run


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
        episodes = config.evaluation_episodes
        totals = evaluate(lambda seed: policy, scenario, preferences, episodes, run.seed, Stream.VALIDATION, threads)
        mean = totals.mean(axis=1)
        return Evaluation(
            preferences,
            totals,
            hypervolume=hypervolume(mean, calibration.reference),
            mean_cost=mean_cost(mean, preferences, calibration.scale),
        )

    return evaluated
