"""The batched engine of the cells: many episodes side by side, compiled, on all of Numba's threads.

One pass per step and episode: decide, let sessions end until the next request, write the observation. The definition of
the system is in `cell_simpy`; both agree to 1e-9 on the same tape and actions.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from mecsim.compiled import compiled_inline, compiled_parallel, threads_for
from mecsim.engines.cell_dynamics import (
    CellState,
    expected_rewards,
    first_impossible,
    fits,
    initial_cell_state,
    is_possible,
    offered,
    release_until,
    saved_share,
    step_one,
)
from mecsim.engines.cell_system import (
    ACTIVE,
    APPLICATION,
    BLOCK_SHARE,
    CQI,
    DEMAND_MBIT_PER_S,
    FITS,
    LOG_DURATION,
    MEAN_UTILISATION,
    MIN_MBIT_PER_S,
    NEUTRAL_RATING,
    PERIOD,
    PREDICTED,
    RATE_MBIT_PER_S,
    RATE_SHARE,
    REJECT,
    REJECTED,
    REMAINING,
    RESIDUALS,
    SATISFACTION,
    SAVED,
    TO_MBIT,
    UNDECIDED,
    USER_RATING,
    UTILISATION,
    CellRecords,
    CellSystem,
    checked_choice,
    checked_durations,
    impossible_action,
    unwritten_records,
)
from mecsim.engines.cell_tape import MAX_CQI, CellTapes
from mecsim.engines.system import ABSENT, Observation, histogram_bin


class BatchedCellEngine:
    """Implements `CellEngine` for any number of episodes. See there for the meaning of each method."""

    def __init__(self, system: CellSystem, mean_duration_s: NDArray[np.float64]) -> None:
        self.system = system
        self.state: CellState
        self.current_step = 0
        self._mean_duration_s = checked_durations(system, mean_duration_s)

    def begin(self, tapes: CellTapes) -> None:
        tapes.check_fits(self.system)
        self._tapes = tapes
        self.state = initial_cell_state(self.system, self._mean_duration_s, tapes)
        self.current_step = 0

    def observe(self, out: Observation) -> None:
        with threads_for(len(self._tapes)):
            _observe_all(self.system, self.state, self.current_step, out.options, out.mask, out.context)

    def option_rewards(self) -> NDArray[np.float64]:
        reward = np.empty((len(self._tapes), self.system.max_options, 2))
        with threads_for(len(self._tapes)):
            _option_rewards(self.system, self.state, self.current_step, reward)
        return reward

    def free_blocks(self) -> NDArray[np.int64]:
        return np.asarray(self.system.blocks - self.state.cells["used"])

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        possible = self._checked(action)
        reward = np.empty((len(possible), 2))
        with threads_for(len(possible)):
            _step_all(self.system, self.state, self.current_step, possible, reward)
        self.current_step += 1
        return reward

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        possible = self._checked(action)
        reward = np.empty((len(possible), 2))
        with threads_for(len(possible)):
            _step_and_observe_all(
                self.system, self.state, self.current_step, possible, reward, out.options, out.mask, out.context
            )
        self.current_step += 1
        return reward

    def _checked(self, action: NDArray[np.int64]) -> NDArray[np.int64]:
        chosen = checked_choice(action, len(self._tapes), self.current_step, self.system.requests)
        n = first_impossible(self.system, self.state, self.current_step, chosen)
        if n < len(chosen):
            raise impossible_action(int(chosen[n]), n, self.system)
        return chosen

    def records(self) -> CellRecords:
        with threads_for(len(self._tapes)):
            _drain_all(self.state)
        self.current_step = self.system.requests
        system, state, tapes = self.system, self.state, self._tapes
        records = unwritten_records(tapes, system)
        decided, served = state.option != UNDECIDED, state.option > REJECT
        candidate, level = np.divmod(np.where(served, state.option - 1, 0), system.levels)
        rows, columns = np.ogrid[: served.shape[0], : served.shape[1]]
        blocks = np.where(served, tapes.blocks[rows, columns, candidate, level], 0)
        saved_block_s = tapes.demanded_block_s - blocks * tapes.duration_s
        records.option[:] = state.option
        records.level[served] = level[served] + 1
        records.cell[:] = np.where(served, tapes.cell[rows, columns, candidate], REJECTED)
        records.blocks[:] = blocks
        records.end_s[served] += tapes.duration_s[served]
        records.satisfaction[:] = np.where(served, tapes.satisfaction[rows, columns, level], 0.0)
        records.predicted[:] = np.where(served, tapes.predicted[rows, columns, level], 0.0)
        records.saved_block_s[:] = np.where(decided, saved_block_s, 0.0)
        records.blocked[:] = state.blocked
        records.busy_block_s[:] = state.cells["busy_block_s"]
        records.peak_blocks[:] = state.cells["peak"]
        return records


@compiled_inline
def _observe_one(
    system: CellSystem, state: CellState, n: int, step: int,
    options: NDArray[np.floating], mask: NDArray[np.int8], context: NDArray[np.floating],
) -> None:  # fmt: skip
    """Write the observation of the request of `step` in episode `n`."""
    if step >= system.requests:
        options[n] = 0.0
        mask[n] = 0
        mask[n, REJECT] = 1
        context[n] = 0.0
        return
    _describe_rejection(system, state, n, step, options[n, REJECT])
    mask[n, REJECT] = 1
    for candidate in range(system.candidates):
        for level in range(system.levels):
            option = 1 + candidate * system.levels + level
            mask[n, option] = _describe_offer(system, state, n, step, candidate, level, options[n, option])
    _describe_system(system, state, n, step, context[n])


@compiled_inline
def _describe_rejection(system: CellSystem, state: CellState, n: int, step: int, row: NDArray[np.floating]) -> None:
    used = 0
    for candidate in range(system.candidates):
        used += state.cells[n, state.cell[n, step, candidate]].used
    row[RATE_MBIT_PER_S] = row[RATE_SHARE] = row[BLOCK_SHARE] = row[PREDICTED] = row[CQI] = 0.0
    row[FITS] = 1.0
    row[UTILISATION] = used / (system.candidates * system.blocks)
    _describe_request(system, state, n, step, row, 0.0, saved_share(state, n, step, 0))


@compiled_inline
def _describe_offer(
    system: CellSystem, state: CellState, n: int, step: int, candidate: int, level: int, row: NDArray[np.floating]
) -> bool:
    """Whether the offer fits is returned, too."""
    blocks = state.blocks[n, step, candidate, level]
    if blocks == 0:
        row[:] = ABSENT
        return False
    rate_bit_per_s = state.rate_bit_per_s[n, step, level]
    fitting = fits(system, state, n, step, candidate, level)
    used_after = state.cells[n, state.cell[n, step, candidate]].used + blocks
    predicted, saved = expected_rewards(state, n, step, candidate, level)
    row[RATE_MBIT_PER_S] = rate_bit_per_s * TO_MBIT
    row[RATE_SHARE] = rate_bit_per_s / state.demand_rate_bit_per_s[n, step]
    row[BLOCK_SHARE] = blocks / system.blocks
    row[FITS] = 1.0 if fitting else 0.0
    row[PREDICTED] = predicted
    row[UTILISATION] = min(1.0, used_after / system.blocks)
    row[CQI] = state.cqi[n, step, candidate] / MAX_CQI
    _describe_request(system, state, n, step, row, predicted, saved)
    return fitting


@compiled_inline
def _describe_request(
    system: CellSystem, state: CellState, n: int, step: int, row: NDArray[np.floating], predicted: float, saved: float
) -> None:
    """The columns that all options of a request share, and the cost of this one."""
    application = state.application[n, step]
    row[MIN_MBIT_PER_S] = state.min_rate_bit_per_s[n, step] * TO_MBIT
    row[DEMAND_MBIT_PER_S] = state.demand_rate_bit_per_s[n, step] * TO_MBIT
    row[LOG_DURATION] = state.log_duration[application]
    for other in range(system.applications):
        row[APPLICATION + other] = 0.0
    row[APPLICATION + application] = 1.0
    if system.cost_features:
        row[APPLICATION + system.applications + SATISFACTION] = -predicted
        row[APPLICATION + system.applications + SAVED] = -saved


@compiled_inline
def _describe_system(system: CellSystem, state: CellState, n: int, step: int, context: NDArray[np.floating]) -> None:
    """All cells and users at the arrival of the request of this step."""
    used = 0
    for c in range(system.cells):
        used += state.cells[n, c].used
    user, sessions, now_s = state.users[n, state.user[n, step]], state.episodes[n].sessions, state.arrival_s[n, step]
    context[:] = 0.0
    context[REMAINING] = (system.requests - step) / system.requests
    context[MEAN_UTILISATION] = used / (system.cells * system.blocks)
    context[ACTIVE] = sessions / (system.cells * system.blocks)
    context[USER_RATING] = user.rating_sum / user.ratings if user.ratings > 0 else NEUTRAL_RATING
    context[PERIOD + state.period[n, step]] = 1.0
    for s in range(sessions):
        session = state.sessions[n, s]
        residual_block_s = session.blocks * (session.end_s - now_s)
        context[
            RESIDUALS + histogram_bin(residual_block_s, system.residual_bins_per_block_s, system.residual_bins)
        ] += 1.0
    if system.cells > 1:
        for residual in range(RESIDUALS, RESIDUALS + system.residual_bins):
            context[residual] /= system.cells
    for rating in range(system.rating_bins):
        context[RESIDUALS + system.residual_bins + rating] = state.rated[n, rating] / system.users


@compiled_parallel
def _observe_all(
    system: CellSystem, state: CellState, step: int,
    options: NDArray[np.floating], mask: NDArray[np.int8], context: NDArray[np.floating],
) -> None:  # fmt: skip
    for n in numba.prange(len(mask)):
        _observe_one(system, state, n, step, options, mask, context)


@compiled_parallel
def _step_all(
    system: CellSystem, state: CellState, step: int, action: NDArray[np.int64], reward: NDArray[np.float64]
) -> None:
    for n in numba.prange(len(action)):
        step_one(system, state, n, step, action[n], reward)


@compiled_parallel
def _step_and_observe_all(
    system: CellSystem, state: CellState, step: int, action: NDArray[np.int64], reward: NDArray[np.float64],
    options: NDArray[np.floating], mask: NDArray[np.int8], context: NDArray[np.floating],
) -> None:  # fmt: skip
    for n in numba.prange(len(action)):
        step_one(system, state, n, step, action[n], reward)
        _observe_one(system, state, n, step + 1, options, mask, context)


@compiled_parallel
def _option_rewards(system: CellSystem, state: CellState, step: int, reward: NDArray[np.float64]) -> None:
    for n in numba.prange(len(reward)):
        reward[n] = -np.inf
        reward[n, REJECT] = 0.0
        if step < system.requests:
            reward[n, REJECT, SAVED] = saved_share(state, n, step, 0)
        for option in range(1, reward.shape[1]):
            if is_possible(system, state, n, step, option):
                candidate, level = offered(system, option)
                predicted, saved = expected_rewards(state, n, step, candidate, level)
                reward[n, option, SATISFACTION], reward[n, option, SAVED] = predicted, saved


@compiled_parallel
def _drain_all(state: CellState) -> None:
    for n in numba.prange(len(state.episodes)):
        release_until(state, n, np.inf)
