"""What is told of a lower bound and of targets beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from mecsim.core.frames import Column, Schema, Values, write_csv
from mecsim.policies import calibrate
from mecsim.report.tables import WIDEST_LABEL
from mecsim.scenario import Scenario
from mecsim.schema.words import shortened
from mecsim.sweep import Front
from mecsim.sweep.bounding import Excess, excess, mean_excess

Array = NDArray[np.float64]

DIGITS = 10


def bound_schema(objectives: Sequence[str]) -> Schema:
    """bound.csv: a row per target and preference."""
    return Schema(
        (
            Column("target", "String", "as it was given"),
            *(Column(f"preference_{one}", "Float64", "weight of the objective", digits=DIGITS) for one in objectives),
            Column("episodes", "Int64", "per preference"),
            Column("bound", "Float64", "of the mean of Σ ω·c/scale, for every policy", digits=DIGITS),
            Column("bound_ci95", "Float64", "half width of its 95 % interval", True, True, DIGITS),
            Column("cost", "Float64", "what the target has of it", digits=DIGITS),
            Column("above_at_most", "Float64", "cost/bound − 1", True, True, DIGITS),
            Column("above_at_most_ci95", "Float64", "half width of its 95 % interval", True, True, DIGITS),
        )
    )


def write_bound_csv(path: Path, fronts: Sequence[Front], bounds: Array, scenario: Scenario) -> None:
    """Write what `bound_schema` says of targets on the episodes of bounds (K, episodes)."""
    schema = bound_schema(scenario.objectives)
    found = [excess(front, bounds, calibrate(scenario).scale) for front in fronts]
    columns: dict[str, Values] = {
        "target": [front.target for front in fronts for _ in front.preferences],
        "episodes": [bounds.shape[1]] * sum(len(front.preferences) for front in fronts),
    }
    for i, name in enumerate(scenario.objectives):
        columns[f"preference_{name}"] = np.concatenate([front.preferences[:, i] for front in fronts])
    parts = {
        "bound": "bound", "bound_ci95": "bound_ci95", "cost": "cost", "above_at_most": "share",
        "above_at_most_ci95": "share_ci95",
    }  # fmt: skip
    for name, field in parts.items():
        columns[name] = np.concatenate([getattr(one, field) for one in found])
    write_csv(path, schema.frame(columns), schema)


def bound_told(fronts: Sequence[Front], bounds: Array, scale: Array) -> dict[str, Any]:
    """The bound and each target, of the mean over preferences and of each of them, for JSON."""

    def told(found: Excess) -> dict[str, Any]:
        return {
            "cost": _plain(found.cost),
            "above_at_most": _plain(found.share),
            "above_at_most_ci95": _plain(found.share_ci95),
        }

    def of(front: Front) -> dict[str, Any]:
        each, mean = excess(front, bounds, scale), mean_excess(front, bounds, scale)
        return {**{name: value[0] for name, value in told(mean).items()}, "each": told(each)}

    each, mean = excess(fronts[0], bounds, scale), mean_excess(fronts[0], bounds, scale)
    return {
        "preferences": fronts[0].preferences.tolist(),
        "bound": _plain(mean.bound)[0],
        "bound_ci95": _plain(mean.bound_ci95)[0],
        "each": {"bound": _plain(each.bound), "bound_ci95": _plain(each.bound_ci95)},
        "targets": {front.target: of(front) for front in fronts},
    }


def _plain(values: Array) -> list[float | None]:
    """For JSON, which knows no NaN."""
    return [float(value) if np.isfinite(value) else None for value in values]


def bound_table(fronts: Sequence[Front], bounds: Array, scale: Array) -> Table:
    """A row per preference and one for their mean; a column per target."""
    table = Table(title="Cost above the lower bound")
    table.add_column("preference")
    table.add_column("bound", justify="right", no_wrap=True)
    for front in fronts:
        table.add_column(shortened(front.label, WIDEST_LABEL), justify="right", overflow="fold")
    each = [excess(front, bounds, scale) for front in fronts]
    mean = [mean_excess(front, bounds, scale) for front in fronts]
    for k, wanted in enumerate(fronts[0].preferences):
        table.add_row(", ".join(f"{weight:.3g}" for weight in wanted), *_row(each, k))
    table.add_section()
    table.add_row("mean", *_row(mean, 0))
    table.caption = "± half of the 95 % interval"
    return table


def bound_lines(fronts: Sequence[Front], bounds: Array, scale: Array) -> list[str]:
    """What the bound proves of each target in the mean over preferences, a line each."""
    lines = []
    for front in fronts:
        most = mean_excess(front, bounds, scale).at_most[0]
        told = "no positive bound" if np.isnan(most) else f"at most {most:.1%} above the best possible"
        lines.append(f"{shortened(front.label, WIDEST_LABEL)}: {told}")
    return lines


def _row(found: Sequence[Excess], k: int) -> list[str]:
    first = found[0]
    bound = f"{first.bound[k]:.4f}" + ("" if np.isnan(first.bound_ci95[k]) else f" ± {first.bound_ci95[k]:.4f}")
    cells = []
    for one in found:
        share, half = one.share[k], one.share_ci95[k]
        cells.append("none" if np.isnan(share) else f"{share:.1%}" + ("" if np.isnan(half) else f" ± {half:.1%}"))
    return [bound, *cells]
