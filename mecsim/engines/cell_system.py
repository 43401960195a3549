"""What every cell engine shares: the fixed numbers of a scenario, the observation's layout, its records.

Users ask cells for sessions. A cell has equal resource blocks; a session holds some of them for its duration. At each
request one option is chosen: 0 rejects it, 1 + c·K + (k − 1) serves it in candidate cell c (counted from 0, the
strongest first) at level k = 1 … K. What ends at the instant of an arrival is over before it.

An observation has a row per option, see `Observation`. Units are chosen so that typical values are near one.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mecsim.compiled import compiled
from mecsim.engines.cell_tape import CellTapes
from mecsim.engines.system import Observation, histogram_bin
from mecsim.errors import InputError
from mecsim.scenario.cell import CellScenario
from mecsim.scenario.population import PERIODS
from mecsim.scenario.satisfaction import TOP_RATING

REJECT = 0  # the option that is always there
REJECTED = -1  # the cell of a request that no cell serves
UNDECIDED = -1  # the option of a request that no step has decided

# Columns of an option's row. A one-hot code of the application follows, and costs, where the scenario shows them.
RATE_MBIT_PER_S, RATE_SHARE, BLOCK_SHARE, FITS, PREDICTED, UTILISATION, CQI = range(7)
MIN_MBIT_PER_S, DEMAND_MBIT_PER_S, LOG_DURATION = range(7, 10)
APPLICATION = 10  # the first column of the one-hot code

TO_MBIT = 1e-6

# Entries of the context. A one-hot code of the period follows, then the two histograms.
REMAINING, MEAN_UTILISATION, ACTIVE, USER_RATING = range(4)
PERIOD = 4  # the first entry of the one-hot code
RESIDUALS = PERIOD + len(PERIODS)  # the first bin of the residual block-seconds of active sessions

NEUTRAL_RATING = 2.5  # shown for a user of whom nothing is known

# Columns of rewards inside the engines, whatever the scenario's objectives are.
SATISFACTION, SAVED = range(2)


class CellSystem(NamedTuple):
    """The numbers of a scenario that the dynamics need; a tuple, so that compiled code can take it."""

    requests: int  # M, of an episode
    cells: int
    blocks: int  # of each cell
    candidates: int  # C, cells that a request can choose from
    levels: int  # K
    applications: int
    users: int
    residual_bins: int
    residual_bins_per_block_s: float
    rating_bins: int
    cost_features: bool

    @property
    def max_options(self) -> int:
        """A: the number of rows of an observation."""
        return 1 + self.candidates * self.levels

    @property
    def option_width(self) -> int:
        """F: the number of columns of an option's row."""
        return APPLICATION + self.applications + 2 * self.cost_features

    @property
    def context_size(self) -> int:
        """G: the number of entries of the context."""
        return RESIDUALS + self.residual_bins + self.rating_bins


def cell_system_of(scenario: CellScenario) -> tuple[CellSystem, NDArray[np.float64]]:
    """The part of a scenario that an engine needs beside a tape, and the mean duration of each application in s."""
    applications = scenario.population.applications
    system = CellSystem(
        requests=scenario.episode.requests,
        cells=scenario.cells.count,
        blocks=scenario.cells.blocks,
        candidates=scenario.cells.candidates,
        levels=scenario.service.levels,
        applications=len(applications),
        users=scenario.users.count,
        residual_bins=scenario.observation.residual.bins,
        residual_bins_per_block_s=1.0 / scenario.observation.residual.width_block_s,
        rating_bins=scenario.observation.rating_bins,
        cost_features=scenario.observation.cost_features,
    )
    return system, np.array([application.duration_s for application in applications.values()], np.float64)


def cell_cost_columns(system: CellSystem) -> tuple[int, int] | None:
    """Columns of an option's row with minus its expected immediate rewards, where the scenario shows them."""
    first = APPLICATION + system.applications
    return (first + SATISFACTION, first + SAVED) if system.cost_features else None


@compiled
def rating_bin(rating: float, bins: int) -> int:
    """Bin of a mean rating: equal bins on 0 to 5, the highest rating in the last; edges as in `histogram_bin`."""
    return histogram_bin(rating, bins / TOP_RATING, bins)


def empty_cell_observation(system: CellSystem, episodes: int, dtype: type[np.floating] = np.float32) -> Observation:
    """Arrays for an engine to write into."""
    return Observation(
        options=np.empty((episodes, system.max_options, system.option_width), dtype),
        mask=np.empty((episodes, system.max_options), np.int8),
        context=np.empty((episodes, system.context_size), dtype),
    )


def checked_choice(action: NDArray[np.int64], episodes: int, step: int, requests: int) -> NDArray[np.int64]:
    """The actions (N,) of a step in the type that engines take; whether they are possible is not looked at.

    Raises:
        InputError: they are not one whole number per episode, or the episodes are over.
    """
    if step >= requests:
        raise InputError("the episode is over: begin a new one")
    given = np.asarray(action)
    if given.shape != (episodes,) or not np.issubdtype(given.dtype, np.integer):
        raise InputError(f"one action per episode is expected, ({episodes},) integers, got {given.shape} {given.dtype}")
    return np.ascontiguousarray(given, np.int64)


def checked_durations(system: CellSystem, mean_duration_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean durations in s, (applications,), once they are known to be usable.

    Raises:
        InputError: they are not one duration per application.
    """
    given = np.array(mean_duration_s, np.float64)
    if given.shape != (system.applications,) or not (np.isfinite(given) & (given >= 0.0)).all():
        raise InputError(f"one mean duration in s per application is expected, {system.applications}, got {given}")
    return given


def impossible_action(action: int, episode: int, system: CellSystem) -> InputError:
    """The error of an action that cannot be taken."""
    if 0 <= action < system.max_options:
        return InputError(f"action {action} cannot be taken in episode {episode}: too few free blocks, or out of reach")
    return InputError(f"action {action} names no option: episode {episode} has {system.max_options}")


@dataclass(frozen=True, slots=True)
class CellRecords:
    """What became of the requests of N episodes, and what the cells did. Absolute times.

    A rejected request has level 0, cell −1, no blocks, and ends when it starts. One that no step has decided has
    option −1 and saves nothing; else it looks like a rejected one.
    """

    option: NDArray[np.int64]  # (N, M)
    level: NDArray[np.int64]  # (N, M) 1 to K
    cell: NDArray[np.int64]  # (N, M)
    blocks: NDArray[np.int64]  # (N, M)
    start_s: NDArray[np.float64]  # (N, M) the arrival
    end_s: NDArray[np.float64]  # (N, M)
    satisfaction: NDArray[np.float64]  # (N, M) true, 0 to 5
    predicted: NDArray[np.float64]  # (N, M) 0 to 5
    saved_block_s: NDArray[np.float64]  # (N, M) demanded minus given; negative where a weak cell takes more blocks
    blocked: NDArray[np.bool_]  # (N, M) nothing fitted
    busy_block_s: NDArray[np.float64]  # (N, cells) integral of the occupied blocks over time, until all sessions ended
    peak_blocks: NDArray[np.int64]  # (N, cells) most blocks occupied at a time


def unwritten_records(tapes: CellTapes, system: CellSystem) -> CellRecords:
    """Records of the episodes of `tapes` before anything is decided."""
    shape, per_cell = tapes.arrival_s.shape, (len(tapes), system.cells)
    return CellRecords(
        option=np.full(shape, UNDECIDED, np.int64),
        level=np.zeros(shape, np.int64),
        cell=np.full(shape, REJECTED, np.int64),
        blocks=np.zeros(shape, np.int64),
        start_s=tapes.arrival_s.copy(),
        end_s=tapes.arrival_s.copy(),
        satisfaction=np.zeros(shape),
        predicted=np.zeros(shape),
        saved_block_s=np.zeros(shape),
        blocked=np.zeros(shape, np.bool_),
        busy_block_s=np.zeros(per_cell),
        peak_blocks=np.zeros(per_cell, np.int64),
    )


class CellEngine(Protocol):
    """N episodes side by side, all at the same request.

    `begin`, then for each of M requests `observe` and `step`, then `records`. An engine owns no randomness. At step m,
    request m has arrived and waits for its decision; the last step leaves time at the last arrival.
    """

    def begin(self, tapes: CellTapes) -> None:
        """Start the episodes of `tapes`: the first requests have arrived, all blocks are free.

        Raises InputError for tapes that do not fit the system.
        """

    def observe(self, out: Observation) -> None:
        """Write the observation of the current request.

        An option's row: its rate in Mbit/s and as a share of the demanded rate; its share of the cell's blocks; 1 if
        they are free, else 0; its predicted satisfaction, 0 to 5; the utilisation of its cell after it, at most 1; its
        CQI over 15; the request's minimum and demanded rate in Mbit/s; log10(1 + mean duration of the application in
        s); the application, one-hot; with cost features minus its expected reward in satisfaction and saved resources.
        Rejection has no rate, blocks or CQI, always fits, and shows the mean utilisation of the candidates now. Rows of
        options that do not fit are complete, but masked; those of unreachable candidates are −1.

        The context: the share of the requests that are left, this one included; mean utilisation of all cells;
        sessions per block; the user's mean satisfaction so far, 2.5 if there is none; the period of the day, one-hot; a
        histogram of the block-seconds that active sessions have still to get, per cell; a histogram of the mean
        satisfaction so far of each user served or rejected so far, in shares of all users.

        After the last request everything is zero, but the mask of rejection.
        """

    def option_rewards(self) -> NDArray[np.float64]:
        """Expected immediate reward of each option for the current request, (N, A, 2).

        Its predicted satisfaction, and the share it saves if the session lasts as long as those of its application do
        on average. −inf for options that cannot be taken; none but rejection, at no reward, after the last request.
        """

    def free_blocks(self) -> NDArray[np.int64]:
        """Free blocks of each cell, (N, cells)."""

    def step(self, action: NDArray[np.int64]) -> NDArray[np.float64]:
        """Decide the current requests and go on to the next; (N, 2) rewards, new at each call.

        The satisfaction of the user, 0 if rejected; and the block-seconds saved against giving the demanded rate in the
        strongest cell, as a share of what all requests of the episode demand so: these shares sum up to 1 − used /
        demanded. (Without any demand all of them are 0.)

        Raises InputError, and changes nothing, for an action that cannot be taken.
        """

    def step_and_observe(self, action: NDArray[np.int64], out: Observation) -> NDArray[np.float64]:
        """`step`, then `observe`; an engine may do both at once."""

    def records(self) -> CellRecords:
        """Let all sessions end, after which no step can follow, and tell what became of every request."""
