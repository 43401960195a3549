"""The dynamics of the batched cell engine: state of many episodes, admission, release, and what users think so far.

Compiled functions of one episode `n` at a time, to be called from loops over episodes. Active sessions are a binary
heap, the first to end on top: an admission or a release costs O(log sessions), and allocates nothing.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import compiled_inline, read_only
from mecsim.physics.satisfaction import log_position
from mecsim.systems.cells.layout import CHURN, REJECT, SATISFACTION, SATISFIED, SAVED, UNDECIDED, CellsSpec, rating_bin
from mecsim.systems.cells.memory import (
    ADEQUATE,
    USER,
    adapted,
    below_after,
    leaves_with,
    moved_zone,
    overall_after,
    peak_after,
    rating_at,
)
from mecsim.systems.cells.tape import CellsTapes

RecordArray = NDArray[Any]  # of the record type that a comment names

UNRATED = -1  # the bin of a user of whom nothing is known

EPISODE = np.dtype(
    [("share_per_block_s", np.float64), ("share_per_user", np.float64), ("sessions", np.int64), ("left", np.int64)]
)
CELL = np.dtype(
    [("busy_block_s", np.float64), ("accounted_until_s", np.float64), ("used", np.int64), ("peak", np.int64)]
)
SESSION = np.dtype([("end_s", np.float64), ("cell", np.int32), ("blocks", np.int32)])
TRUE, PREDICTED_ZONE = 0, 2  # the first of a request's two levels in its zone
NOTED_RATING, NOTED_PREDICTED, NOTED_ADEQUATE, NOTED_DESIRED = range(4)
NOTES = 4


class CellsState(NamedTuple):
    """All episodes: what the tape says of them, which is only read, and how they stand."""

    arrival_s: NDArray[np.float64]  # (N, M)
    duration_s: NDArray[np.float64]  # (N, M)
    user: NDArray[np.int64]  # (N, M)
    period: NDArray[np.int64]  # (N, M)
    application: NDArray[np.int64]  # (N, M)
    min_rate_bit_per_s: NDArray[np.float64]  # (N, M)
    demand_rate_bit_per_s: NDArray[np.float64]  # (N, M)
    cell: NDArray[np.int64]  # (N, M, C)
    cqi: NDArray[np.int64]  # (N, M, C)
    rate_bit_per_s: NDArray[np.float64]  # (N, M, K)
    blocks: NDArray[np.int64]  # (N, M, C, K)
    satisfaction: NDArray[np.float64]  # (N, M, K)
    predicted: NDArray[np.float64]  # (N, M, K)
    persona: NDArray[np.int64]  # (N, M)
    position: NDArray[np.float64]  # (N, M, K) of the rate; (N, M, 0) without memory
    zone: NDArray[np.float64]  # (N, M, 4) levels at rest; (N, M, 0) without memory
    pace: NDArray[np.float64]  # (personas, 2) at which people get used to what is better, and worse
    mean_duration_s: NDArray[np.float64]  # (applications,)
    log_duration: NDArray[np.float64]  # (applications,) log10(1 + mean duration in s)
    episodes: RecordArray  # (N,) of EPISODE
    cells: RecordArray  # (N, cells) of CELL
    sessions: RecordArray  # (N, S) of SESSION, a heap of the active ones
    users: RecordArray  # (N, U) of USER
    rated: NDArray[np.int64]  # (N, rating_bins) users by their mean rating
    option: NDArray[np.int64]  # (N, M) what was decided
    blocked: NDArray[np.bool_]  # (N, M)
    recent: NDArray[np.float64]  # (N, U, last) latest ratings, a ring; (N, 0, 1) without memory
    left: NDArray[np.bool_]  # (N, M) whether the user had left before; (N, 0) without memory
    noted: NDArray[np.float64]  # (N, M, NOTES) of what was decided; (N, 0, NOTES) without memory


WRITTEN = ("episodes", "cells", "sessions", "users", "rated", "option", "blocked", "recent", "left", "noted")
"""Fields of the state that steps write to."""


def initial_state(
    spec: CellsSpec, mean_duration_s: NDArray[np.float64], pace: NDArray[np.float64], tapes: CellsTapes
) -> CellsState:
    """The episodes of `tapes` before their first step."""
    count = len(tapes)
    episodes, users = np.zeros(count, EPISODE), np.zeros((count, spec.users), USER)
    demanded_block_s = tapes.demanded_block_s.sum(axis=1)
    demands = demanded_block_s > 0.0
    episodes["share_per_block_s"] = np.divide(1.0, demanded_block_s, out=np.zeros(count), where=demands)
    episodes["share_per_user"] = 1.0 / asking_users(tapes.user)
    users["rating_bin"] = UNRATED
    remembered, minimum, demand = spec.memory.on, tapes.min_rate_bit_per_s, tapes.demand_rate_bit_per_s
    rates = tapes.rate_bit_per_s[:, :, : spec.levels if remembered else 0]
    room = min(spec.requests, spec.cells * spec.blocks)  # as a session has at least one block
    return CellsState(
        arrival_s=read_only(tapes.arrival_s),
        duration_s=read_only(tapes.duration_s),
        user=read_only(tapes.user),
        period=read_only(tapes.period),
        application=read_only(tapes.application),
        min_rate_bit_per_s=read_only(tapes.min_rate_bit_per_s),
        demand_rate_bit_per_s=read_only(tapes.demand_rate_bit_per_s),
        cell=read_only(tapes.cell),
        cqi=read_only(tapes.cqi),
        rate_bit_per_s=read_only(tapes.rate_bit_per_s),
        blocks=read_only(tapes.blocks),
        satisfaction=read_only(tapes.satisfaction),
        predicted=read_only(tapes.predicted),
        persona=read_only(tapes.persona),
        position=read_only(log_position(rates, minimum[..., None], demand[..., None])),
        zone=read_only(tapes.zone),
        pace=pace,
        mean_duration_s=mean_duration_s,
        log_duration=np.log10(1.0 + mean_duration_s),
        episodes=episodes,
        cells=np.zeros((count, spec.cells), CELL),
        sessions=np.empty((count, room), SESSION),
        users=users,
        rated=np.zeros((count, spec.rating_bins), np.int64),
        option=np.full(tapes.arrival_s.shape, UNDECIDED, np.int64),
        blocked=np.zeros(tapes.arrival_s.shape, np.bool_),
        recent=np.zeros((count, spec.users * remembered, spec.memory.last)),
        left=np.zeros((count, spec.requests * remembered), np.bool_),
        noted=np.full((count, spec.requests * remembered, NOTES), np.nan),
    )


def asking_users(user: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many users ask for anything in each episode, (N,), from whose each request is, (N, M)."""
    ordered = np.sort(user, axis=1)
    return np.asarray(1 + (np.diff(ordered, axis=1) > 0).sum(axis=1), np.int64)


# Options


@compiled_inline
def offered(spec: CellsSpec, option: int) -> tuple[int, int]:
    """Candidate and level, both counted from 0, of an option that is no rejection."""
    candidate = (option - 1) // spec.levels
    return candidate, option - 1 - candidate * spec.levels


@compiled_inline
def asks(spec: CellsSpec, state: CellsState, n: int, step: int) -> bool:
    """Whether the request of this step is made: its user has not left."""
    return not (spec.memory.on and state.users[n, state.user[n, step]].left)


@compiled_inline
def fits(spec: CellsSpec, state: CellsState, n: int, step: int, candidate: int, level: int) -> bool:
    """Whether the user is still there, and the cell can be reached and has enough free blocks."""
    if not asks(spec, state, n, step):
        return False
    free = spec.blocks - state.cells[n, state.cell[n, step, candidate]].used
    return bool(0 < state.blocks[n, step, candidate, level] <= free)


@compiled_inline
def is_possible(spec: CellsSpec, state: CellsState, n: int, step: int, option: int) -> bool:
    """Whether the request of this step can be served so, or rejected; after the last step, nothing but reject."""
    if option == REJECT:
        return True
    if step >= spec.requests or option < 0 or option > spec.candidates * spec.levels:
        return False
    candidate, level = offered(spec, option)
    return fits(spec, state, n, step, candidate, level)


@compiled_inline
def expected_rewards(
    spec: CellsSpec, state: CellsState, n: int, step: int, candidate: int, level: int
) -> tuple[float, float]:
    """Predicted satisfaction, 0 to 5, and saved share of serving for as long as its application's mean."""
    saved = saved_share(spec, state, n, step, state.blocks[n, step, candidate, level])
    return predicted_rating(spec, state, n, step, level), saved


@compiled_inline
def saved_share(spec: CellsSpec, state: CellsState, n: int, step: int, blocks: int) -> float:
    """Share of the episode's demand that a session of so many blocks is expected to save; none of who has left."""
    if not asks(spec, state, n, step):
        return 0.0
    saved_blocks: int = state.blocks[n, step, 0, -1] - blocks
    mean_duration_s: float = state.mean_duration_s[state.application[n, step]]
    return float(saved_blocks * mean_duration_s * state.episodes[n].share_per_block_s)


# What people think


@compiled_inline
def true_rating(spec: CellsSpec, state: CellsState, n: int, step: int, level: int) -> float:
    """What the user thinks of a level now, 0 to 5."""
    if not spec.memory.on:
        return float(state.satisfaction[n, step, level])
    low, high = zone_now(spec, state, n, step, TRUE)
    return rating_at(spec.memory, state.position[n, step, level], low, high)


@compiled_inline
def predicted_rating(spec: CellsSpec, state: CellsState, n: int, step: int, level: int) -> float:
    """What the predictor expects the user to think of a level now, 0 to 5."""
    if not spec.memory.on:
        return float(state.predicted[n, step, level])
    low, high = zone_now(spec, state, n, step, PREDICTED_ZONE)
    return rating_at(spec.memory, state.position[n, step, level], low, high)


@compiled_inline
def zone_now(spec: CellsSpec, state: CellsState, n: int, step: int, which: int) -> tuple[float, float]:
    """Adequate and desired position of the user now, true or predicted."""
    user = state.users[n, state.user[n, step]]
    shift = user.shift if which == TRUE else user.predicted_shift
    return moved_zone(spec.memory, shift, state.zone[n, step, which], state.zone[n, step, which + 1])


@compiled_inline
def gains(spec: CellsSpec, state: CellsState, n: int, step: int, rating: float) -> tuple[float, float, float]:
    """What a rating of the user who asks adds to satisfaction, in ratings, to the satisfied share and to −churn."""
    u = state.user[n, step]
    user, share = state.users[n, u], state.episodes[n].share_per_user
    if user.left:
        return 0.0, 0.0, 0.0
    overall = overall_after(spec.memory, user, state.recent[n, u], rating)
    leaves = leaves_with(spec.memory, below_after(spec.memory, user, rating))
    satisfied = overall >= ADEQUATE and not leaves
    gain = (user.ratings + 1) * overall - user.ratings * user.overall
    if spec.memory.combination == 0:
        gain = rating
    return gain, (satisfied - user.satisfied) * share, -share if leaves else 0.0


@compiled_inline
def remember(spec: CellsSpec, state: CellsState, n: int, step: int, level: int, rating: float) -> None:
    """The user gets used to the level of the session, −1 for none, and is satisfied, or leaves."""
    u = state.user[n, step]
    user, zone, pace = state.users[n, u], state.zone[n, step], state.pace[state.persona[n, step]]
    position = 0.0
    if level >= 0:
        position = min(max(state.position[n, step, level], 0.0), 1.0)
    user.overall = overall_after(spec.memory, user, state.recent[n, u], rating)
    user.peak = peak_after(user, rating)
    user.below = below_after(spec.memory, user, rating)
    user.left = leaves_with(spec.memory, user.below)
    user.satisfied = user.overall >= ADEQUATE and not user.left
    user.shift = adapted(user.shift, position - 0.5 * (zone[0] + zone[1]), pace)
    user.predicted_shift = adapted(user.predicted_shift, position - 0.5 * (zone[2] + zone[3]), pace)
    state.recent[n, u, user.ratings % spec.memory.last] = rating
    state.episodes[n].left += user.left


# Time


@compiled_inline
def step_one(spec: CellsSpec, state: CellsState, n: int, step: int, option: int, reward: NDArray[np.float64]) -> None:
    """Decide the request of this step in episode `n`, and let time pass until the next one arrives."""
    state.option[n, step] = option
    if not asks(spec, state, n, step):
        state.left[n, step] = True
        reward[n] = 0.0
        release_until(state, n, state.arrival_s[n, min(step + 1, spec.requests - 1)])
        return
    state.blocked[n, step] = not _some_fit(spec, state, n, step)
    duration_s, level = state.duration_s[n, step], -1
    blocks, satisfaction, predicted = 0, 0.0, 0.0
    if option != REJECT:
        candidate, level = offered(spec, option)
        blocks = state.blocks[n, step, candidate, level]
        satisfaction = true_rating(spec, state, n, step, level)
        predicted = predicted_rating(spec, state, n, step, level)
        now_s = state.arrival_s[n, step]
        _admit(state, n, state.cell[n, step, candidate], blocks, now_s, now_s + duration_s)
    saved_block_s = (state.blocks[n, step, 0, -1] - blocks) * duration_s
    reward[n, SATISFACTION] = satisfaction * (1.0 / spec.requests)
    reward[n, SAVED] = saved_block_s * state.episodes[n].share_per_block_s
    if spec.memory.on:
        gain, satisfied, churn = gains(spec, state, n, step, satisfaction)
        reward[n, SATISFACTION] = gain * (1.0 / spec.requests)
        reward[n, SATISFIED], reward[n, CHURN] = satisfied, churn
        noted = state.noted[n, step]
        noted[NOTED_RATING], noted[NOTED_PREDICTED] = satisfaction, predicted
        noted[NOTED_ADEQUATE], noted[NOTED_DESIRED] = zone_now(spec, state, n, step, TRUE)
        remember(spec, state, n, step, level, satisfaction)
    _rate(spec, state, n, state.user[n, step], satisfaction)
    release_until(state, n, state.arrival_s[n, min(step + 1, spec.requests - 1)])


@compiled_inline
def _some_fit(spec: CellsSpec, state: CellsState, n: int, step: int) -> bool:
    """Whether any option but rejection can be taken; lower levels take no more blocks than higher ones."""
    for candidate in range(spec.candidates):  # noqa: SIM110  (compiled code has no generators)
        if fits(spec, state, n, step, candidate, 0):
            return True
    return False


@compiled_inline
def _rate(spec: CellsSpec, state: CellsState, n: int, user: int, satisfaction: float) -> None:
    """A user thinks again, and may move to another bin."""
    record = state.users[n, user]
    record.rating_sum += satisfaction
    record.ratings += 1
    now_in = rating_bin(record.rating_sum / record.ratings, spec.rating_bins)
    if record.rating_bin != UNRATED:
        state.rated[n, record.rating_bin] -= 1
    state.rated[n, now_in] += 1
    record.rating_bin = now_in


@compiled_inline
def _account(cell: Any, now_s: float) -> None:
    """Add what was occupied since the last change of a cell."""
    cell.busy_block_s += cell.used * (now_s - cell.accounted_until_s)
    cell.accounted_until_s = now_s


@compiled_inline
def _admit(state: CellsState, n: int, c: int, blocks: int, now_s: float, end_s: float) -> None:
    """A session takes blocks of cell `c`."""
    cell = state.cells[n, c]
    _account(cell, now_s)
    cell.used += blocks
    cell.peak = max(cell.peak, cell.used)
    heap, at = state.sessions, state.episodes[n].sessions
    state.episodes[n].sessions = at + 1
    while at > 0:
        parent = (at - 1) >> 1
        if heap[n, parent].end_s <= end_s:
            break
        heap[n, at] = heap[n, parent]
        at = parent
    session = heap[n, at]
    session.end_s, session.cell, session.blocks = end_s, c, blocks


@compiled_inline
def release_until(state: CellsState, n: int, until_s: float) -> None:
    """End all sessions that end by `until_s`, in the order of their ends."""
    heap, episode = state.sessions, state.episodes[n]
    while episode.sessions > 0 and heap[n, 0].end_s <= until_s:
        cell = state.cells[n, heap[n, 0].cell]
        _account(cell, heap[n, 0].end_s)
        cell.used -= heap[n, 0].blocks
        episode.sessions -= 1
        _sink(heap, n, episode.sessions)


@compiled_inline
def _sink(heap: RecordArray, n: int, last: int) -> None:
    """Let the session at `last`, which is no longer part of the heap, take the place on top."""
    end_s, at, child = heap[n, last].end_s, 0, 1
    while child < last:
        if child + 1 < last and heap[n, child + 1].end_s < heap[n, child].end_s:
            child += 1
        if heap[n, child].end_s >= end_s:
            break
        heap[n, at] = heap[n, child]
        at, child = child, 2 * child + 1
    heap[n, at] = heap[n, last]
