"""The bound of an episode: least cost for who knows the tape, with penalties, from below."""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.relaxation import Relaxation
from mecsim.systems.offload.bound.dual import Effort, lower_bounds
from mecsim.systems.offload.bound.inner import inner_problem, servers_of, spec_of_plain
from mecsim.systems.offload.bound.penalties import check_known_law, penalties
from mecsim.systems.offload.draw.tapes import draw_tapes
from mecsim.systems.offload.layout import column_weights
from mecsim.systems.offload.policies.hindsight import best_schedules
from mecsim.systems.offload.scenario import OffloadScenario

ROUNDS = 10
"""Of the search for the schedule that the multipliers start from."""


def episode_bounds(
    scenario: OffloadScenario, preference: NDArray[np.float64], scale: NDArray[np.float64], relaxation: Relaxation
) -> NDArray[np.float64]:
    """See `System.bounds`.

    Raises:
        InputError: servers do not share plainly, or penalties are wanted for futures whose law is not known.
    """
    spec = spec_of_plain(scenario)
    first, count = relaxation.first, relaxation.count
    if relaxation.penalty != 0.0:
        check_known_law(scenario)
    if count == 0:
        return np.zeros(0)
    tapes = draw_tapes(scenario, relaxation.seed, first, count)
    wanted = np.broadcast_to(preference, (count, len(preference)))
    penalty = np.zeros((count, spec.steps, spec.max_options))
    if relaxation.penalty != 0.0:
        penalty = relaxation.penalty * penalties(scenario, tapes, wanted, scale, relaxation.seed, first)
    schedule = best_schedules(scenario, tapes, wanted, scale, ROUNDS, first, penalty)
    inner = inner_problem(scenario, tapes, column_weights(scenario, wanted / scale), penalty)
    effort = Effort(steps=Effort().steps * relaxation.effort)
    return lower_bounds(inner, servers_of(scenario, tapes, schedule), effort)[0]
