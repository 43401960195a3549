"""The batched engine of cells: many episodes side by side, compiled, on all of Numba's threads.

One pass per step and episode: decide, let sessions end until the next request, write the observation. The definition of
the system is in `simpy`; both agree to 1e-9 on the same tape and actions.
"""

from copy import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_inline, kernel
from mecsim.core.engine import ABSENT, Observation, checked_actions
from mecsim.core.histogram import histogram_bin
from mecsim.core.threads import over_rows
from mecsim.systems.cells.dynamics import (
    CellsState,
    expected_rewards,
    first_impossible,
    fits,
    forked,
    initial_state,
    is_possible,
    offered,
    release_until,
    saved_share,
    step_one,
)
from mecsim.systems.cells.engine import impossible_choice
from mecsim.systems.cells.layout import (
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
    CellsSpec,
    cells_spec,
    mean_durations_s,
)
from mecsim.systems.cells.records import CellsRecords, unwritten_records
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import MAX_CQI, CellsTapes


class BatchedCellsEngine:
    """Implements `CellsEngine` for any number of episodes. See there for the meaning of each method."""

    xp = np

    def __init__(self, scenario: CellsScenario) -> None:
        self.spec = cells_spec(scenario)
        self.state: CellsState
        self.step_index = 0
        self._ended = False
        self._mean_duration_s = mean_durations_s(scenario)

    @property
    def steps(self) -> int:
        return self.spec.requests

    def begin(self, tapes: CellsTapes) -> None:
        tapes.check_fits(self.spec)
        self._tapes = tapes
        self.state = initial_state(self.spec, self._mean_duration_s, tapes)
        self.step_index, self._ended = 0, False

    def observe(self, out: Observation) -> None:
        over_rows(_observe, len(self._tapes), self.spec, self.state, self.step_index, out)

    def option_rewards(self) -> NDArray[np.float64]:
        reward = np.empty((len(self._tapes), self.spec.max_options, 2))
        over_rows(_option_rewards, len(self._tapes), self.spec, self.state, self.step_index, reward)
        return reward

    def fork(self) -> Self:
        copied = copy(self)
        copied.state = forked(self.state)
        return copied

    def free_blocks(self) -> NDArray[np.int64]:
        return np.asarray(self.spec.blocks - self.state.cells["used"])

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        possible = self._checked(action)
        reward = np.empty((len(possible), 2))
        over_rows(_step, len(possible), self.spec, self.state, self.step_index, possible, reward)
        self.step_index += 1
        return reward

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        possible = self._checked(action)
        reward = np.empty((len(possible), 2))
        over_rows(_step_and_observe, len(possible), self.spec, self.state, self.step_index, possible, reward, out)
        self.step_index += 1
        return reward

    def _checked(self, action: NDArray[np.int64]) -> NDArray[np.int64]:
        chosen = checked_actions(action, len(self._tapes), self._ended or self.step_index >= self.spec.requests)
        n = first_impossible(self.spec, self.state, self.step_index, chosen)
        if n < len(chosen):
            raise impossible_choice(int(chosen[n]), n, self.spec)
        return chosen

    def records(self) -> CellsRecords:
        over_rows(_drain, len(self._tapes), self.state)
        self._ended = True
        spec, state, tapes = self.spec, self.state, self._tapes
        records = unwritten_records(tapes, spec)
        decided, served = state.option != UNDECIDED, state.option > REJECT
        candidate, level = np.divmod(np.where(served, state.option - 1, 0), spec.levels)
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
def _observe_one(spec: CellsSpec, state: CellsState, n: int, step: int, out: Observation) -> None:
    """Write the observation of the request of `step` in episode `n`."""
    options, mask, context = out.options, out.mask, out.context
    if step >= spec.requests:
        options[n] = 0.0
        mask[n] = 0
        mask[n, REJECT] = 1
        context[n] = 0.0
        return
    _describe_rejection(spec, state, n, step, options[n, REJECT])
    mask[n, REJECT] = 1
    for candidate in range(spec.candidates):
        for level in range(spec.levels):
            option = 1 + candidate * spec.levels + level
            mask[n, option] = _describe_offer(spec, state, n, step, candidate, level, options[n, option])
    _describe_system(spec, state, n, step, context[n])


@compiled_inline
def _describe_rejection(spec: CellsSpec, state: CellsState, n: int, step: int, row: NDArray[np.floating]) -> None:
    used = 0
    for candidate in range(spec.candidates):
        used += state.cells[n, state.cell[n, step, candidate]].used
    row[RATE_MBIT_PER_S] = row[RATE_SHARE] = row[BLOCK_SHARE] = row[PREDICTED] = row[CQI] = 0.0
    row[FITS] = 1.0
    row[UTILISATION] = used / (spec.candidates * spec.blocks)
    _describe_request(spec, state, n, step, row, 0.0, saved_share(state, n, step, 0))


@compiled_inline
def _describe_offer(
    spec: CellsSpec, state: CellsState, n: int, step: int, candidate: int, level: int, row: NDArray[np.floating]
) -> bool:
    """Whether the offer fits is returned, too."""
    blocks = state.blocks[n, step, candidate, level]
    if blocks == 0:
        row[:] = ABSENT
        return False
    rate_bit_per_s = state.rate_bit_per_s[n, step, level]
    fitting = fits(spec, state, n, step, candidate, level)
    used_after = state.cells[n, state.cell[n, step, candidate]].used + blocks
    predicted, saved = expected_rewards(state, n, step, candidate, level)
    row[RATE_MBIT_PER_S] = rate_bit_per_s * TO_MBIT
    row[RATE_SHARE] = rate_bit_per_s / state.demand_rate_bit_per_s[n, step]
    row[BLOCK_SHARE] = blocks / spec.blocks
    row[FITS] = 1.0 if fitting else 0.0
    row[PREDICTED] = predicted
    row[UTILISATION] = min(1.0, used_after / spec.blocks)
    row[CQI] = state.cqi[n, step, candidate] / MAX_CQI
    _describe_request(spec, state, n, step, row, predicted, saved)
    return fitting


@compiled_inline
def _describe_request(
    spec: CellsSpec, state: CellsState, n: int, step: int, row: NDArray[np.floating], predicted: float, saved: float
) -> None:
    """The columns that all options of a request share, and the cost of this one."""
    application = state.application[n, step]
    row[MIN_MBIT_PER_S] = state.min_rate_bit_per_s[n, step] * TO_MBIT
    row[DEMAND_MBIT_PER_S] = state.demand_rate_bit_per_s[n, step] * TO_MBIT
    row[LOG_DURATION] = state.log_duration[application]
    for other in range(spec.applications):
        row[APPLICATION + other] = 0.0
    row[APPLICATION + application] = 1.0
    if spec.cost_features:
        costs = row[APPLICATION + spec.applications :]
        costs[SATISFACTION], costs[SAVED] = -predicted, -saved
        costs[SATISFACTION] *= 1.0 / spec.requests


@compiled_inline
def _describe_system(spec: CellsSpec, state: CellsState, n: int, step: int, context: NDArray[np.floating]) -> None:
    """All cells and users at the arrival of the request of this step."""
    used = 0
    for c in range(spec.cells):
        used += state.cells[n, c].used
    user, sessions, now_s = state.users[n, state.user[n, step]], state.episodes[n].sessions, state.arrival_s[n, step]
    context[:] = 0.0
    context[REMAINING] = (spec.requests - step) / spec.requests
    context[MEAN_UTILISATION] = used / (spec.cells * spec.blocks)
    context[ACTIVE] = sessions / (spec.cells * spec.blocks)
    context[USER_RATING] = user.rating_sum / user.ratings if user.ratings > 0 else NEUTRAL_RATING
    context[PERIOD + state.period[n, step]] = 1.0
    for s in range(sessions):
        session = state.sessions[n, s]
        residual_block_s = session.blocks * (session.end_s - now_s)
        context[RESIDUALS + histogram_bin(residual_block_s, spec.residual_bins_per_block_s, spec.residual_bins)] += 1.0
    if spec.cells > 1:
        for residual in range(RESIDUALS, RESIDUALS + spec.residual_bins):
            context[residual] /= spec.cells
    for rating in range(spec.rating_bins):
        context[RESIDUALS + spec.residual_bins + rating] = state.rated[n, rating] / spec.users


@kernel
def _observe(spec: CellsSpec, state: CellsState, step: int, out: Observation, first: int, last: int) -> None:
    for n in range(first, last):
        _observe_one(spec, state, n, step, out)


@kernel
def _step(
    spec: CellsSpec, state: CellsState, step: int, action: NDArray[np.int64], reward: NDArray[np.float64],
    first: int, last: int,
) -> None:  # fmt: skip
    for n in range(first, last):
        step_one(spec, state, n, step, action[n], reward)


@kernel
def _step_and_observe(
    spec: CellsSpec, state: CellsState, step: int, action: NDArray[np.int64], reward: NDArray[np.float64],
    out: Observation, first: int, last: int,
) -> None:  # fmt: skip
    for n in range(first, last):
        step_one(spec, state, n, step, action[n], reward)
        _observe_one(spec, state, n, step + 1, out)


@kernel
def _option_rewards(
    spec: CellsSpec, state: CellsState, step: int, reward: NDArray[np.float64], first: int, last: int
) -> None:
    for n in range(first, last):
        reward[n] = -np.inf
        reward[n, REJECT] = 0.0
        if step < spec.requests:
            reward[n, REJECT, SAVED] = saved_share(state, n, step, 0)
        for option in range(1, reward.shape[1]):
            if is_possible(spec, state, n, step, option):
                candidate, level = offered(spec, option)
                predicted, saved = expected_rewards(state, n, step, candidate, level)
                reward[n, option, SATISFACTION], reward[n, option, SAVED] = predicted * (1.0 / spec.requests), saved


@kernel
def _drain(state: CellsState, first: int, last: int) -> None:
    for n in range(first, last):
        release_until(state, n, np.inf)
