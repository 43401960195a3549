"""The files of a sweep that other programs read: front.csv and summary.json."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mecsim.core.frames import Column, Schema, Values, write_csv
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


FRONT_DIGITS = 10


def front_schema(objectives: Sequence[str]) -> Schema:
    """front.csv: a row per target and preference."""

    def each(name: str, about: str) -> list[Column]:
        return [Column(name.format(one), "Float64", about, digits=FRONT_DIGITS) for one in objectives]

    return Schema(
        (
            Column("target", "String", "as it was given"),
            *each("preference_{}", "weight of the objective"),
            *each("{}_mean", "mean per episode, as the objective is shown"),
            *each("{}_ci95", "half width of its 95 % interval; nan of a single episode"),
            Column("episodes", "Int64", "per preference"),
            Column("on_front", "Int64", "1 where no other point of the same target dominates it"),
        )
    )


def write_front_csv(path: Path, fronts: Sequence[Front], scenario: Scenario) -> None:
    """One row per target and preference, objectives as they are shown (`objectives_of`)."""
    schema = front_schema(scenario.objectives)
    _, *names, episodes, best = (column.name for column in schema.columns)
    points = [
        np.concatenate([front.preferences, values_shown(front.mean, scenario), front.ci95], axis=1) for front in fronts
    ]
    columns: dict[str, Values] = {
        "target": [front.target for front in fronts for _ in front.preferences],
        **dict(zip(names, np.concatenate(points).T, strict=True)),
        episodes: np.repeat([front.totals.shape[1] for front in fronts], [len(front.preferences) for front in fronts]),
        best: np.concatenate([on_front(front.mean) for front in fronts]).astype(np.int64),
    }
    write_csv(path, schema.frame(columns), schema)


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
    path.write_text(json.dumps(_without_nan(content), indent=2) + "\n", encoding="utf-8")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
