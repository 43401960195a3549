"""What baselines share that have to be fitted to a scenario before they can be played.

They are fitted when they first act, on training episodes only, and remembered by scenario (and preference, where
there is a model for each) for as long as the process lives. A fit draws from a seed of its own, so that it does not
depend on the seed of the play. It tells how far it is through the logger `mecsim.policies` (level INFO), which is
silent unless someone listens.
"""

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mecsim.core.engine import ScenarioT, TapesT
from mecsim.core.scenario import Scenario
from mecsim.core.seeds import Stream
from mecsim.core.system import Draw
from mecsim.core.watch import tell_progress
from mecsim.policies.calibration import calibrate
from mecsim.policies.policy import Preferences

FIT_SEED = 0
TAPES_BYTE = 2**28  # of the episodes that are played side by side

_LOG = logging.getLogger("mecsim.policies")


def report_progress(what: str, done: int, total: int, times: int = 10) -> None:
    """Tell whoever listens that `done` of `total` rounds are over, and the log about `times` times altogether."""
    tell_progress(f"fitting {what}", done, total)
    if done == total or done % max(1, total // times) == 0:
        _LOG.info("%s: %d of %d", what, done, total)


def training_tapes(draw: Draw[ScenarioT, TapesT], scenario: ScenarioT, first: int, count: int) -> TapesT:
    """Episodes to fit on, drawn by a system's `draw`; fewer than asked for where they would not fit in memory."""
    fitting = int(min(count, max(1.0, TAPES_BYTE // scenario.tape_byte)))
    return draw(scenario, FIT_SEED, first, fitting, Stream.TRAINING)


def cost_weights(scenario: Scenario, preference: Preferences) -> Preferences:
    """What a physical unit of each objective is worth, ω_i/scale_i, in the shape of `preference`."""
    return preference / calibrate(scenario).scale


def random_preferences(rng: np.random.Generator, count: int, objectives: int) -> Preferences:
    """Preferences drawn uniformly from the simplex, (count, objectives)."""
    return rng.dirichlet(np.ones(objectives), count)


def distinct(preference: Preferences) -> Iterator[tuple[tuple[float, ...], NDArray[np.int64]]]:
    """Each different row of `preference`, with the episodes that have it."""
    rows, which = np.unique(preference, axis=0, return_inverse=True)
    for index, row in enumerate(rows):
        yield tuple(row.tolist()), np.flatnonzero(which.ravel() == index)
