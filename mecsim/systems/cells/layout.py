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
from mecsim.people.forms.zone import ZoneForm
from mecsim.people.memory import COMBINATIONS
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
# Where people remember two columns stand after that code, before costs.
POSITION, ABOVE_ADEQUATE = range(2)
MEMORY_COLUMNS = 2

TO_MBIT = 1e-6

# Entries of the context. A one-hot code of the period follows, then the two histograms.
REMAINING, MEAN_UTILISATION, ACTIVE, USER_RATING = range(4)
PERIOD = 4  # the first entry of the one-hot code
RESIDUALS = PERIOD + len(PERIODS)  # the first bin of the residual block-seconds of active sessions

# Where people remember, these stand after the histograms.
RISEN, FALLEN, OVERALL, WARNINGS, LEFT, LEFT_SHARE = range(6)
MEMORY_CONTEXT = 6

NEUTRAL_RATING = 2.5  # shown for a user of whom nothing is known

# Columns of rewards inside the engines, whatever the scenario's objectives are.
SATISFACTION, SAVED, SATISFIED, CHURN = range(4)


class MemorySpec(NamedTuple):
    """What people remember; without memory `on` is false, and nothing else counts."""

    on: bool
    combination: int  # of ratings, an index into COMBINATIONS
    last: int  # ratings that count, where the last ones do
    adequate: float  # shares by which levels follow what people are used to
    desired: float
    churn_below: int  # sessions below the zone after which people leave; 0: nobody does
    churn_window: int  # of so many latest ones
    slope_below: float  # of the form of satisfaction
    slope_above: float


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
    memory: MemorySpec

    @property
    def num_rewards(self) -> int:
        """Q: the number of objectives that engines reward."""
        return len(OBJECTIVES) if self.memory.on else SATISFIED

    @property
    def max_options(self) -> int:
        """A: the number of rows of an observation."""
        return 1 + self.candidates * self.levels

    @property
    def option_width(self) -> int:
        """F: the number of columns of an option's row."""
        return self.first_cost + self.num_rewards * self.cost_features

    @property
    def first_cost(self) -> int:
        """The first of the columns of an option's row with costs."""
        return APPLICATION + self.applications + MEMORY_COLUMNS * self.memory.on

    @property
    def shape(self) -> tuple[int, int, int]:
        """(A, F, G) of an observation."""
        return self.max_options, self.option_width, self.first_memory + MEMORY_CONTEXT * self.memory.on

    @property
    def first_memory(self) -> int:
        """The first entry of the context after the histograms."""
        return RESIDUALS + self.residual_bins + self.rating_bins

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
        memory=_memory_spec(scenario),
    )


def _memory_spec(scenario: CellsScenario) -> MemorySpec:
    memory, law = scenario.memory, scenario.satisfaction.law
    if memory is None or not isinstance(law, ZoneForm):
        return MemorySpec(False, 0, 1, 0.0, 0.0, 0, 0, 1.0, 1.0)
    return MemorySpec(
        on=True,
        combination=COMBINATIONS.index(memory.ratings),
        last=memory.last,
        adequate=memory.adequate,
        desired=memory.desired,
        churn_below=memory.churn.below if memory.churn else 0,
        churn_window=memory.churn.window if memory.churn else 0,
        slope_below=law.slope_below,
        slope_above=law.slope_above,
    )


def paces(scenario: CellsScenario) -> NDArray[np.float64]:
    """How fast the people of each persona get used to what is better and to what is worse, (personas, 2)."""
    personas = tuple(scenario.population.personas)
    return np.zeros((len(personas), 2)) if scenario.memory is None else scenario.memory.paces(personas)


def layout_of(scenario: CellsScenario) -> Layout:
    """What observations, actions and rewards of a scenario hold."""
    spec = cells_spec(scenario)
    option_columns, context_columns = column_names(spec, tuple(scenario.population.applications))
    served = [f"candidate_{c + 1}_level_{k + 1}" for c in range(spec.candidates) for k in range(spec.levels)]
    counts = spec.num_rewards
    # A weak cell may take more blocks for a level than the strongest one does for the demanded rate. Who remembers may
    # think worse of all earlier sessions, or end to be satisfied.
    low = (-inf if spec.memory.combination else 0.0, -inf if spec.candidates > 1 else 0.0, -1.0, -1.0)
    high = (inf if spec.memory.combination else TOP_RATING / spec.requests, 1.0, 1.0, 0.0)
    return Layout(
        steps=spec.requests,
        objectives=OBJECTIVES[:counts],
        option_names=("reject", *served),
        option_columns=option_columns,
        context_columns=context_columns,
        lowest_feature=-inf,
        reward_low=low[:counts],
        reward_high=high[:counts],
        cost_columns=tuple(range(spec.first_cost, spec.first_cost + counts)) if spec.cost_features else None,
        separable=(),  # a full cell leaves less to decide
        count_columns=None,
        seen=_seen(scenario, spec),
    )


def _seen(scenario: CellsScenario, spec: CellsSpec) -> str:
    width_block_s, costs = scenario.observation.residual.width_block_s, "with" if spec.cost_features else "without"
    bins = f"{spec.residual_bins} bins of {width_block_s:g} block-seconds, {spec.rating_bins} of satisfaction"
    seen = f"{bins}, {costs} cost_features; {spec.levels} levels; {', '.join(scenario.population.applications)}"
    return f"{seen}; memory" if spec.memory.on else seen


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
_REMEMBERED = ("position", "position_above_adequate")
_PERSON = ("user_used_to_more", "user_used_to_less", "user_overall_rating", "user_warnings", "user_left", "left_share")
_CONTEXT = ("remaining_share", "mean_utilisation", "sessions_per_block", "user_rating")


def column_names(spec: CellsSpec, applications: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A name for each column of an option's row, (F,), and for each entry of the context, (G,).

    `residual_LOW_HIGH_block_s` counts the sessions, per cell, that have still to get LOW to HIGH block-seconds; the
    last bin is open. `rated_LOW_HIGH` is the share of the users whose mean satisfaction so far lies there. Where people
    remember, `position` and `position_above_adequate` are those of an option's rate; `user_used_to_more` and `…_less`
    how far the user is used to more or less than the middle of the zone at rest; `user_warnings` the sessions below the
    zone as a share of those after which the user leaves.
    """
    rewarded = OBJECTIVES[: spec.num_rewards]
    costs = tuple(f"cost_{objective.name}" for objective in rewarded) if spec.cost_features else ()
    remembered, person = (_REMEMBERED, _PERSON) if spec.memory.on else ((), ())
    residual = _bins("residual", spec.residual_bins, 1.0 / spec.residual_bins_per_block_s, "_block_s", "inf")
    rated = _bins("rated", spec.rating_bins, TOP_RATING / spec.rating_bins, "", f"{TOP_RATING:g}")
    asked = tuple(f"application_{name}" for name in applications)
    context = (*_CONTEXT, *(f"period_{name}" for name in PERIODS), *residual, *rated, *person)
    return (*_ALWAYS, *asked, *remembered, *costs), context


def _bins(name: str, count: int, width: float, unit: str, end: str) -> list[str]:
    edges = [f"{index * width:.6g}" for index in range(count)]
    return [f"{name}_{low}_{high}{unit}" for low, high in zip(edges, [*edges[1:], end], strict=True)]
