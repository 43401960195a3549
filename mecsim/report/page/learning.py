"""Learning curves of targets that are runs, from their metrics.csv."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mecsim.sweep.planned import base_of
from mecsim.training import Run, is_run
from mecsim.training.multi import runs_in

MOST_POINTS = 300  # of a curve
MOST_RUNS = 10  # of a target


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric over the steps of a training."""

    metric: str
    label: str  # for people, with the unit
    run: int  # of the target's trainings
    env_steps: NDArray[np.int64]  # (P,)
    values: NDArray[np.float64]  # (P,)


def learning_curves(target: str) -> list[Curve]:
    """What was evaluated during the training and what exploring brought; nothing for what is no run.

    Raises:
        RunError: a run is damaged.
    """
    folder = Path(base_of(target)[0])
    if not is_run(folder):
        return []
    runs = runs_in(folder)
    return [curve for number, run in enumerate(runs[:MOST_RUNS]) for curve in _curves(run, number)]


def _curves(run: Run, number: int) -> list[Curve]:
    rows = run.read_metrics(run.epochs)
    wanted = {"hypervolume": "hypervolume", "mean_cost": "mean cost"}
    wanted |= {f"return_{name}": f"{name.replace('_', ' ')} while exploring" for name in run.scenario.objectives}
    found = []
    for metric, label in wanted.items():
        known = [(row["env_steps"], row[metric]) for row in rows if row[metric] is not None]
        some = np.unique(np.linspace(0, len(known) - 1, min(len(known), MOST_POINTS)).round().astype(int))
        if len(some):
            steps, values = zip(*(known[index] for index in some), strict=True)
            found.append(Curve(metric, label, number, np.array(steps, np.int64), np.array(values, np.float64)))
    return found
