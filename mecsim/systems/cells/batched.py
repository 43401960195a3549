"""The batched engine of cells: many episodes side by side, compiled, on as many threads as there are, or on a GPU.

One pass per step and episode: decide, let sessions end until the next request, write the observation. The definition of
the system is in `simpy`; both agree to 1e-9 on the same tape and actions.
"""

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_inline, kernel
from mecsim.core.compiled_engine import CompiledEngine, Kernels
from mecsim.core.engine import ABSENT, Observation
from mecsim.core.histogram import histogram_bin
from mecsim.systems.cells.dynamics import (
    NOTED_ADEQUATE,
    NOTED_DESIRED,
    NOTED_PREDICTED,
    NOTED_RATING,
    PREDICTED_ZONE,
    WRITTEN,
    CellsState,
    expected_rewards,
    fits,
    gains,
    initial_state,
    is_possible,
    offered,
    predicted_rating,
    release_until,
    saved_share,
    step_one,
    true_rating,
    zone_now,
)
from mecsim.systems.cells.engine import impossible_choice
from mecsim.systems.cells.layout import (
    ABOVE_ADEQUATE,
    ACTIVE,
    APPLICATION,
    BLOCK_SHARE,
    CHURN,
    CQI,
    DEMAND_MBIT_PER_S,
    FALLEN,
    FITS,
    LEFT,
    LEFT_SHARE,
    LOG_DURATION,
    MEAN_UTILISATION,
    MEMORY_COLUMNS,
    MIN_MBIT_PER_S,
    NEUTRAL_RATING,
    OVERALL,
    PERIOD,
    POSITION,
    PREDICTED,
    RATE_MBIT_PER_S,
    RATE_SHARE,
    REJECT,
    REJECTED,
    REMAINING,
    RESIDUALS,
    RISEN,
    SATISFACTION,
    SATISFIED,
    SAVED,
    TO_MBIT,
    UNDECIDED,
    USER_RATING,
    UTILISATION,
    WARNINGS,
    CellsSpec,
    cells_spec,
    mean_durations_s,
    paces,
)
from mecsim.systems.cells.memory import ones
from mecsim.systems.cells.records import CellsRecords, unwritten_records
from mecsim.systems.cells.scenario import CellsScenario
from mecsim.systems.cells.tape import MAX_CQI, CellsTapes


class BatchedCellsEngine(CompiledEngine[CellsSpec, CellsState, CellsTapes, CellsRecords]):
    """Implements `CellsEngine` for any number of episodes. See there for the meaning of each method."""

    written = WRITTEN

    @property
    def kernels(self) -> Kernels:
        return Kernels(_observe, _step, _step_and_observe, _option_rewards, _drain)

    def __init__(self, scenario: CellsScenario) -> None:
        spec = cells_spec(scenario)
        super().__init__(spec, spec.requests, spec.max_options, spec.num_rewards)
        self._mean_duration_s, self._pace = mean_durations_s(scenario), paces(scenario)

    def initial_state(self, tapes: CellsTapes) -> CellsState:
        tapes.check_fits(self.spec)
        return initial_state(self.spec, self._mean_duration_s, self._pace, tapes)

    def check_possible(self, action: NDArray[np.int64]) -> None:
        possible = self.xp.empty((len(action),), dtype=self.xp.int8)
        self.run(_possible, action, possible)
        if not possible.all():
            n = possible.tolist().index(0)
            raise impossible_choice(int(action[n]), n, self.spec)

    def free_blocks(self) -> NDArray[np.int64]:
        return np.asarray(self.spec.blocks - self.target.on_host(self.state.cells)["used"])

    def ratings(self, truth: bool) -> NDArray[np.float64]:
        rating = self.empty(self.spec.levels)
        self.run(_ratings, truth, rating)
        return rating

    def recorded(self, state: CellsState) -> CellsRecords:
        spec, tapes = self.spec, self._tapes
        records = unwritten_records(tapes, spec)
        decided, served = state.option != UNDECIDED, state.option > REJECT
        candidate, level = np.divmod(np.where(served, state.option - 1, 0), spec.levels)
        rows, columns = np.ogrid[: served.shape[0], : served.shape[1]]
        blocks = np.where(served, tapes.blocks[rows, columns, candidate, level], 0)
        saved_block_s = tapes.demanded_block_s - blocks * tapes.duration_s
        if spec.memory.on:
            decided &= ~state.left
        records.option[:] = state.option
        records.level[served] = level[served] + 1
        records.cell[:] = np.where(served, tapes.cell[rows, columns, candidate], REJECTED)
        records.blocks[:] = blocks
        records.end_s[served] += tapes.duration_s[served]
        records.satisfaction[:] = np.where(served, tapes.satisfaction[rows, columns, level], 0.0)
        records.predicted[:] = np.where(served, tapes.predicted[rows, columns, level], 0.0)
        records.saved_block_s[:] = np.where(decided, saved_block_s, 0.0)
        if spec.memory.on:
            records.left[:] = state.left
            for column, array in (
                (NOTED_RATING, records.satisfaction),
                (NOTED_PREDICTED, records.predicted),
                (NOTED_ADEQUATE, records.adequate),
                (NOTED_DESIRED, records.desired),
            ):
                array[decided] = state.noted[decided, column]
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
    _describe_request(spec, state, n, step, row, 0.0, saved_share(spec, state, n, step, 0))
    if spec.memory.on:
        _describe_position(spec, state, n, step, row, 0.0)


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
    predicted, saved = expected_rewards(spec, state, n, step, candidate, level)
    row[RATE_MBIT_PER_S] = rate_bit_per_s * TO_MBIT
    row[RATE_SHARE] = rate_bit_per_s / state.demand_rate_bit_per_s[n, step]
    row[BLOCK_SHARE] = blocks / spec.blocks
    row[FITS] = 1.0 if fitting else 0.0
    row[PREDICTED] = predicted
    row[UTILISATION] = min(1.0, used_after / spec.blocks)
    row[CQI] = state.cqi[n, step, candidate] / MAX_CQI
    _describe_request(spec, state, n, step, row, predicted, saved)
    if spec.memory.on:
        _describe_position(spec, state, n, step, row, state.position[n, step, level])
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
        costs = row[APPLICATION + spec.applications + MEMORY_COLUMNS * spec.memory.on :]
        costs[SATISFACTION], costs[SAVED] = -predicted, -saved
        costs[SATISFACTION] *= 1.0 / spec.requests
        if spec.memory.on:
            gain, satisfied, churn = gains(spec, state, n, step, predicted)
            costs[SATISFACTION], costs[SATISFIED], costs[CHURN] = -gain * (1.0 / spec.requests), -satisfied, -churn


@compiled_inline
def _describe_position(
    spec: CellsSpec, state: CellsState, n: int, step: int, row: NDArray[np.floating], position: float
) -> None:
    """Where an option's rate lies, and how far above what is expected to be adequate now."""
    columns = row[APPLICATION + spec.applications :]
    columns[POSITION] = position
    columns[ABOVE_ADEQUATE] = position - zone_now(spec, state, n, step, PREDICTED_ZONE)[0]


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
    if spec.memory.on:
        _describe_person(spec, state, n, step, context[RESIDUALS + spec.residual_bins + spec.rating_bins :])


@compiled_inline
def _describe_person(spec: CellsSpec, state: CellsState, n: int, step: int, out: NDArray[np.floating]) -> None:
    """What is known of the memory of the user who asks, and how many have left."""
    user = state.users[n, state.user[n, step]]
    out[RISEN], out[FALLEN] = max(user.predicted_shift, 0.0), max(-user.predicted_shift, 0.0)
    out[OVERALL] = user.overall if user.ratings > 0 else NEUTRAL_RATING
    if spec.memory.churn_below > 0:
        out[WARNINGS] = ones(user.below) / spec.memory.churn_below
    out[LEFT] = user.left
    out[LEFT_SHARE] = state.episodes[n].left / spec.users


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
            _expect(spec, state, n, step, 0.0, saved_share(spec, state, n, step, 0), reward[n, REJECT])
        for option in range(1, reward.shape[1]):
            if is_possible(spec, state, n, step, option):
                candidate, level = offered(spec, option)
                predicted, saved = expected_rewards(spec, state, n, step, candidate, level)
                _expect(spec, state, n, step, predicted, saved, reward[n, option])


@compiled_inline
def _expect(
    spec: CellsSpec, state: CellsState, n: int, step: int, rating: float, saved: float, out: NDArray[np.float64]
) -> None:
    """Rewards (Q,) of a rating and a share that is saved."""
    out[SATISFACTION], out[SAVED] = rating * (1.0 / spec.requests), saved
    if spec.memory.on:
        gain, out[SATISFIED], out[CHURN] = gains(spec, state, n, step, rating)
        out[SATISFACTION] = gain * (1.0 / spec.requests)


@kernel
def _ratings(
    spec: CellsSpec, state: CellsState, step: int, truth: bool, rating: NDArray[np.float64], first: int, last: int
) -> None:
    for n in range(first, last):
        for level in range(spec.levels):
            rating[n, level] = 0.0
            if step < spec.requests:
                if truth:
                    rating[n, level] = true_rating(spec, state, n, step, level)
                else:
                    rating[n, level] = predicted_rating(spec, state, n, step, level)


@kernel
def _possible(
    spec: CellsSpec, state: CellsState, step: int, action: NDArray[np.int64], possible: NDArray[np.int8],
    first: int, last: int,
) -> None:  # fmt: skip
    for n in range(first, last):
        possible[n] = is_possible(spec, state, n, step, action[n])


@kernel
def _drain(spec: CellsSpec, state: CellsState, step: int, first: int, last: int) -> None:
    for n in range(first, last):
        release_until(state, n, np.inf)
