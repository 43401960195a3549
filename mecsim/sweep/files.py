"""The files of a sweep that other programs read: front.csv and summary.json."""

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mecsim.core.system import objectives_of, values_shown
from mecsim.policies import Calibration
from mecsim.scenario import Scenario
from mecsim.sweep.evaluate import Front
from mecsim.sweep.indicators import Quality, on_front, quality
from mecsim.sweep.measures import compared, measured


def assess(fronts: Sequence[Front], calibration: Calibration) -> dict[str, Quality]:
    """The indicators of each front; the best-known front is made of all of them."""
    everything = np.concatenate([front.mean for front in fronts])
    best_known = everything[on_front(everything)]
    return {
        front.target: quality(front.mean, front.preferences, calibration.scale, calibration.reference, best_known)
        for front in fronts
    }


def write_front_csv(path: Path, fronts: Sequence[Front], scenario: Scenario) -> None:
    """One row per target and preference, objectives as they are shown (`objectives_of`).

    `on_front` is 1 where no other point of the same target dominates it.
    """
    names = scenario.objectives
    header = ["target", *(f"preference_{name}" for name in names)]
    header += [f"{name}_mean" for name in names] + [f"{name}_ci95" for name in names] + ["episodes", "on_front"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for front in fronts:
            columns = np.concatenate([front.preferences, values_shown(front.mean, scenario), front.ci95], axis=1)
            for row, best in zip(columns.tolist(), on_front(front.mean), strict=True):
                writer.writerow([front.target, *(f"{value:.10g}" for value in row), front.totals.shape[1], int(best)])


def summary(
    fronts: Sequence[Front],
    greedy: Front,
    scenario: Scenario,
    calibration: Calibration,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """What a sweep came to. `greedy`, on the same tapes, is the yardstick of costs, in the sweep or not.

    Keys that end in `_ci95` are half widths of 95 % intervals, those of a ratio from paired episodes; None where a
    single episode or a cost of zero leaves none.
    """
    names = scenario.objectives
    qualities = assess(fronts, calibration)

    def told(front: Front) -> dict[str, float | None]:
        to_greedy = compared(front, greedy, calibration, "greedy")
        found: dict[str, float] = {
            **dataclasses.asdict(qualities[front.target]),
            "mean_cost_ratio_to_greedy": to_greedy["mean_cost_to_greedy"],
            "mean_cost_ratio_to_greedy_ci95": to_greedy["mean_cost_to_greedy_ci95"],
            **measured(front, calibration),
        }
        return {name: None if np.isnan(value) else value for name, value in found.items()}

    return {
        "format": 1,
        "objectives": list(names),
        "reference_point": {
            one.name: float(one.value(at))
            for one, at in zip(objectives_of(scenario), calibration.reference, strict=True)
        },
        "reference_point_source": calibration.reference_source,
        "objective_scale": dict(zip(names, calibration.scale.tolist(), strict=True)),
        "preferences": len(fronts[0].preferences),
        "episodes": fronts[0].totals.shape[1],
        "targets": {front.target: told(front) for front in fronts},
        **provenance,
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Readable JSON; NaN becomes null, as JSON has none."""
    path.write_text(json.dumps(_without_nan(content), indent=2) + "\n")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
