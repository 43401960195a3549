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
from mecsim.sweep.evaluate import Front, half_width_95
from mecsim.sweep.indicators import Quality, igd_plus, on_front
from mecsim.sweep.measures import MEASURES, by_training, compared, measured, measures


def assess(fronts: Sequence[Front], calibration: Calibration) -> dict[str, Quality]:
    """The indicators of each front; the best-known front is made of all of them.

    Of several trainings IGD+ and cardinality are those of their mean points, the others means over trainings.
    """
    everything = np.concatenate([front.mean for front in fronts])
    best_known = everything[on_front(everything)]

    def assessed(front: Front) -> Quality:
        found = measures(front, calibration)
        return Quality(
            hypervolume=found["hypervolume"],
            mean_cost=found["mean_cost"],
            expected_utility=found["expected_utility"],
            igd_plus=igd_plus(front.mean, best_known),
            cardinality=int(on_front(front.mean).sum()),
        )

    return {front.target: assessed(front) for front in fronts}


FRONT_DIGITS = 10
OF_TRAININGS = (*MEASURES, "mean_cost_ratio_to_greedy")  # what has an interval over trainings


def front_schema(objectives: Sequence[str]) -> Schema:
    """front.csv: a row per target and preference."""

    def each(name: str, about: str, some: bool = False) -> list[Column]:
        return [Column(name.format(one), "Float64", about, some, some, FRONT_DIGITS) for one in objectives]

    return Schema(
        (
            Column("target", "String", "as it was given"),
            *each("preference_{}", "weight of the objective"),
            *each("{}_mean", "mean per episode, as the objective is shown"),
            *each("{}_ci95", "half width of its 95 % interval; nan of a single episode"),
            Column("episodes", "Int64", "per preference"),
            Column("on_front", "Int64", "1 where no other point of the same target dominates it"),
            Column("trainings", "Int64", "whose mean a target is, where one is a folder of several seeds", True, True),
            *each("{}_trainings_ci95", "half width of the 95 % interval of their mean", some=True),
        )
    )


def write_front_csv(path: Path, fronts: Sequence[Front], scenario: Scenario) -> None:
    """One row per target and preference, objectives as they are shown (`objectives_of`)."""
    schema = front_schema(scenario.objectives)
    _, *names, episodes, best = (column.name for column in schema.columns if not column.optional)
    counts = [len(front.preferences) for front in fronts]
    points = [
        np.concatenate([front.preferences, values_shown(front.mean, scenario), front.ci95], axis=1) for front in fronts
    ]
    columns: dict[str, Values] = {
        "target": [front.target for front in fronts for _ in front.preferences],
        **dict(zip(names, np.concatenate(points).T, strict=True)),
        episodes: np.repeat([front.totals.shape[1] for front in fronts], counts),
        best: np.concatenate([on_front(front.mean) for front in fronts]).astype(np.int64),
    }
    if any(front.trainings for front in fronts):
        columns |= _of_trainings(fronts, schema)
    write_csv(path, schema.frame(columns), schema)


def _of_trainings(fronts: Sequence[Front], schema: Schema) -> dict[str, Values]:
    """Columns that tell how much trainings differ, with gaps for targets that are not several."""
    count, *intervals = (column.name for column in schema.columns if column.optional)
    rows = [row for front in fronts for row in front.trainings_ci95.tolist()]
    columns: dict[str, Values] = {count: [len(front.trainings) or None for front in fronts for _ in front.preferences]}
    for name, values in zip(intervals, zip(*rows, strict=True), strict=True):
        columns[name] = [None if np.isnan(value) else value for value in values]
    return columns


def summary(
    fronts: Sequence[Front],
    greedy: Front,
    scenario: Scenario,
    calibration: Calibration,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """What a sweep came to. `greedy`, on the same tapes, is the yardstick of costs, in the sweep or not.

    Keys that end in `_ci95` are half widths of 95 % intervals, those of a ratio from paired episodes; None where a
    single episode or a cost of zero leaves none. Those that end in `_trainings_ci95` are Student's over the values of
    several trainings, which are in `trainings`; None where there are not several.
    """
    names = scenario.objectives
    qualities = assess(fronts, calibration)

    def told(front: Front) -> dict[str, Any]:
        to_greedy = compared(front, greedy, calibration, "greedy")
        found: dict[str, float] = {
            **dataclasses.asdict(qualities[front.target]),
            "mean_cost_ratio_to_greedy": to_greedy["mean_cost_to_greedy"],
            "mean_cost_ratio_to_greedy_ci95": to_greedy["mean_cost_to_greedy_ci95"],
            **measured(front, calibration),
        }
        each = by_training(front, greedy, calibration)
        for name in OF_TRAININGS:
            found[f"{name}_trainings_ci95"] = float(half_width_95(np.array([one[name] for one in each.values()])))
        return dict(_without_nan({**found, "trainings": each or None}))

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
