"""What every engine of cells shares: the fixed numbers of a scenario, and the layout of observations and rewards.

Users ask cells for sessions. A cell has equal resource blocks; a session holds some of them for its duration. At each
request one option is chosen: 0 rejects it, 1 + c·K + (k − 1) serves it in candidate cell c (counted from 0, the
strongest first) at level k = 1 … K. What ends at the instant of an arrival is over before it.

An observation has a row per option, see `Observation`. Units are chosen so that typical values are near one.
"""

from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mecsim.core.compiled import kernel
from mecsim.core.episodes import Layout
from mecsim.core.histogram import histogram_bin
from mecsim.core.rating import TOP_RATING
from mecsim.people.population import PERIODS
from mecsim.systems.cells.objectives import OBJECTIVES
from mecsim.systems.cells.scenario import CellsScenario

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


class CellsSpec(NamedTuple):
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
    def shape(self) -> tuple[int, int, int]:
        """(A, F, G) of an observation."""
        return self.max_options, self.option_width, RESIDUALS + self.residual_bins + self.rating_bins

    @property
    def satisfaction_unit(self) -> float:
        """What 1 of a request's satisfaction adds to the mean of its episode."""
        return 1.0 / self.requests


def cells_spec(scenario: CellsScenario) -> CellsSpec:
    """The part of a scenario that the dynamics need beside a tape and `mean_durations_s`."""
    return CellsSpec(
        requests=scenario.episode.requests,
        cells=scenario.cells.count,
        blocks=scenario.cells.blocks,
        candidates=scenario.cells.candidates,
        levels=scenario.service.levels,
        applications=len(scenario.population.applications),
        users=scenario.users.count,
        residual_bins=scenario.observation.residual.bins,
        residual_bins_per_block_s=1.0 / scenario.observation.residual.width_block_s,
        rating_bins=scenario.observation.rating_bins,
        cost_features=scenario.observation.cost_features,
    )


def layout_of(scenario: CellsScenario) -> Layout:
    """What observations, actions and rewards of a scenario hold."""
    spec = cells_spec(scenario)
    option_columns, context_columns = column_names(spec, tuple(scenario.population.applications))
    served = [f"candidate_{c + 1}_level_{k + 1}" for c in range(spec.candidates) for k in range(spec.levels)]
    first_cost = APPLICATION + spec.applications
    return Layout(
        steps=spec.requests,
        objectives=OBJECTIVES,
        option_names=("reject", *served),
        option_columns=option_columns,
        context_columns=context_columns,
        lowest_feature=-inf,
        # A weak cell may take more blocks for a level than the strongest one does for the demanded rate.
        reward_low=(0.0, -inf if spec.candidates > 1 else 0.0),
        reward_high=(TOP_RATING / spec.requests, 1.0),
        cost_columns=(first_cost + SATISFACTION, first_cost + SAVED) if spec.cost_features else None,
        separable=(),  # a full cell leaves less to decide
        count_columns=None,
        seen=_seen(scenario, spec),
    )


def _seen(scenario: CellsScenario, spec: CellsSpec) -> str:
    width_block_s, costs = scenario.observation.residual.width_block_s, "with" if spec.cost_features else "without"
    bins = f"{spec.residual_bins} bins of {width_block_s:g} block-seconds, {spec.rating_bins} of satisfaction"
    return f"{bins}, {costs} cost_features; {spec.levels} levels; {', '.join(scenario.population.applications)}"


def mean_durations_s(scenario: CellsScenario) -> NDArray[np.float64]:
    """Mean duration of a session of each application, (applications,)."""
    return np.array([one.duration_s for one in scenario.population.applications.values()], np.float64)


@kernel
def rating_bin(rating: float, bins: int) -> int:
    """Bin of a mean rating: equal bins on 0 to 5, the highest rating in the last; edges as in `histogram_bin`."""
    return histogram_bin(rating, bins / TOP_RATING, bins)


_ALWAYS = (
    "rate_mbit_per_s", "rate_share", "block_share", "fits", "predicted_satisfaction", "utilisation_after", "cqi_share",
    "min_rate_mbit_per_s", "demand_rate_mbit_per_s", "log10_duration_s",
)  # fmt: skip
_CONTEXT = ("remaining_share", "mean_utilisation", "sessions_per_block", "user_rating")


def column_names(spec: CellsSpec, applications: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A name for each column of an option's row, (F,), and for each entry of the context, (G,).

    `residual_LOW_HIGH_block_s` counts the sessions, per cell, that have still to get LOW to HIGH block-seconds; the
    last bin is open. `rated_LOW_HIGH` is the share of the users whose mean satisfaction so far lies there.
    """
    costs = ("cost_satisfaction", "cost_saved_resources") if spec.cost_features else ()
    residual = _bins("residual", spec.residual_bins, 1.0 / spec.residual_bins_per_block_s, "_block_s", "inf")
    rated = _bins("rated", spec.rating_bins, TOP_RATING / spec.rating_bins, "", f"{TOP_RATING:g}")
    asked = tuple(f"application_{name}" for name in applications)
    return (*_ALWAYS, *asked, *costs), (*_CONTEXT, *(f"period_{name}" for name in PERIODS), *residual, *rated)


def _bins(name: str, count: int, width: float, unit: str, end: str) -> list[str]:
    edges = [f"{index * width:.6g}" for index in range(count)]
    return [f"{name}_{low}_{high}{unit}" for low, high in zip(edges, [*edges[1:], end], strict=True)]
