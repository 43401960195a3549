"""Names of what an observation of a cell holds, with units, in the order of `mecsim.engines.cell_system`."""

from mecsim.engines.cell_system import CellSystem
from mecsim.scenario.population import PERIODS
from mecsim.scenario.satisfaction import TOP_RATING

_ALWAYS = (
    "rate_mbit_per_s", "rate_share", "block_share", "fits", "predicted_satisfaction", "utilisation_after", "cqi_share",
    "min_rate_mbit_per_s", "demand_rate_mbit_per_s", "log10_duration_s",
)  # fmt: skip
_CONTEXT = ("remaining_share", "mean_utilisation", "sessions_per_block", "user_rating")


def cell_columns(system: CellSystem, applications: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A name for each column of an option's row, (F,), and for each entry of the context, (G,).

    `residual_LOW_HIGH_block_s` counts the sessions, per cell, that have still to get LOW to HIGH block-seconds; the
    last bin is open. `rated_LOW_HIGH` is the share of the users whose mean satisfaction so far lies there.
    """
    costs = ("cost_satisfaction", "cost_saved_resources") if system.cost_features else ()
    residual = _bins("residual", system.residual_bins, 1.0 / system.residual_bins_per_block_s, "_block_s", "inf")
    rated = _bins("rated", system.rating_bins, TOP_RATING / system.rating_bins, "", f"{TOP_RATING:g}")
    asked = tuple(f"application_{name}" for name in applications)
    return (*_ALWAYS, *asked, *costs), (*_CONTEXT, *(f"period_{name}" for name in PERIODS), *residual, *rated)


def _bins(name: str, count: int, width: float, unit: str, end: str) -> list[str]:
    edges = [f"{index * width:.6g}" for index in range(count)]
    return [f"{name}_{low}_{high}{unit}" for low, high in zip(edges, [*edges[1:], end], strict=True)]
