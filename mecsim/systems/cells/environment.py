"""`mecsim/cells-v0`: give each request of a cell's users a quality, one decision per request."""

from mecsim.envs.single import SystemEnv
from mecsim.systems.cells.records import CellsRecords
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import CellsTapes


class CellsEnv(SystemEnv[CellsScenario, CellsTapes, CellsRecords]):
    """Give each request of the users of one or several cells a quality that satisfies, and save the rest.

    **Observation** (`Dict`): `options` (A, F) float32, a row per option: rejection, then each level of each candidate
    cell, with its rate, blocks, fit, predicted satisfaction, utilisation after it, CQI and application; `mask` (A,)
    int8 is 1 for options that can be taken; `context` (G,) float32 with histograms of the residual block-seconds of
    active sessions and of the users' mean satisfaction so far. `CellsEngine.observe` tells every column.

    **Action** (`Discrete(A)`): 0 rejects the request, 1 + c·K + (k − 1) serves it at level k of K in candidate cell c,
    the strongest first. An option that cannot be taken rejects the request.

    **Reward** (`reward_space`, float32), larger is better, in the scenario's order of objectives: `satisfaction` of the
    request's user, 0 to 5 (0 if rejected), over M, so that an episode's sum is the mean; `saved_resources`, the
    block-seconds saved against giving the demanded rate, as a share of what all requests of the episode demand, so that
    an episode's sum is the share saved.

    **Start**: the first request has arrived, the cells are empty. `reset(seed=s)` starts with episode 0 of seed s;
    further resets go on with episode 1, 2, …

    **End**: the episode terminates after M requests.

    **Info**: `satisfaction` (0 to 5) and `saved_resources` of the step, `utilisation`, `active_sessions_per_block`,
    `predicted_satisfaction` (A,), `action_mask` (A,).

    Args:
        scenario: the name of a built-in scenario, a file, or a `CellsScenario`.
        engine: `simpy`, the definition, or `batched`, the fast one with the same results.
    """

    SYSTEM = "cells"
    DEFAULT = "personalized-cell"
