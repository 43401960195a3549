"""The files of a sweep that other programs read: front.csv and summary.json."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mecsim.core.files import write_text
from mecsim.core.frames import Column, Schema, Values, write_csv
from mecsim.core.system import objectives_of, system_of, values_shown
from mecsim.policies import Calibration
from mecsim.scenario import Scenario
from mecsim.sweep.details import LEVELS, Details, level_name, mean_and_ci95
from mecsim.sweep.front import Front, half_width_95
from mecsim.sweep.indicators import Quality, igd_plus, on_front
from mecsim.sweep.measures import MEASURES, by_training, compared, differences, measured, measures

if TYPE_CHECKING:
    import polars as pl


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


def objective_columns(objectives: Sequence[str]) -> tuple[Column, ...]:
    """What front.csv tells of objectives."""

    def each(name: str, about: str, some: bool = False) -> list[Column]:
        return [Column(name.format(one), "Float64", about, some, some, FRONT_DIGITS) for one in objectives]

    return (
        Column("target", "String", "as it was given"),
        *each("preference_{}", "weight of the objective"),
        *each("{}_mean", "mean per episode, as the objective is shown"),
        *each("{}_ci95", "half width of its 95 % interval; nan of a single episode"),
        Column("episodes", "Int64", "per preference"),
        Column("on_front", "Int64", "1 where no other point of the same target dominates it"),
        Column("trainings", "Int64", "whose mean a target is, where one is a folder of several seeds", True, True),
        *each("{}_trainings_ci95", "half width of the 95 % interval of their mean", some=True),
    )


def detail_columns(scenario: Scenario) -> tuple[Column, ...]:
    """What it tells beyond: means of the system's quantities, quantiles over tasks or requests."""

    def column(name: str, about: str) -> Column:
        return Column(name, "Float64", about, optional=True, gaps=True, digits=FRONT_DIGITS)

    system = system_of(scenario)
    return (
        *(
            column(f"{name}_{what}", told)
            for name, about in system.quantities.items()
            if name not in scenario.objectives
            for what, told in (("mean", f"mean per episode: {about}"), ("ci95", "half width of its 95 % interval"))
        ),
        *(
            column(f"{name}_{level_name(level)}{end}", f"{level:.0%} quantile: {about}{told}")
            for name, about in system.units.items()
            for level in LEVELS
            for end, told in TAIL_ENDS.items()
        ),
    )


def front_schema(scenario: Scenario) -> Schema:
    """front.csv: a row per target and preference."""
    return Schema((*objective_columns(scenario.objectives), *detail_columns(scenario)))


TAIL_ENDS = {"": "", "_low95": "; lower end of its 95 % interval", "_high95": "; upper end"}


def write_front_csv(path: Path, fronts: Sequence[Front], scenario: Scenario) -> None:
    """Write the `front_frame`."""
    write_csv(path, front_frame(fronts, scenario), front_schema(scenario))


def front_frame(fronts: Sequence[Front], scenario: Scenario) -> "pl.DataFrame":
    """One row per target and preference, objectives as they are shown (`objectives_of`)."""
    schema = front_schema(scenario)
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
        **_of_details([front.details for front in fronts], detail_columns(scenario)),
    }
    if any(front.trainings for front in fronts):
        columns |= _of_trainings(fronts, scenario.objectives)
    return schema.frame(columns)


def _of_details(details: Sequence[Details], declared: Sequence[Column]) -> dict[str, Values]:
    """Columns of quantities and tails, with gaps where a number is missing; none if they were not measured."""
    columns: dict[str, Values] = {}
    for name in details[0].quantities:
        found = [mean_and_ci95(each.quantities[name]) for each in details]
        columns[f"{name}_mean"], columns[f"{name}_ci95"] = np.concatenate(found, axis=1)
    for name in details[0].tails:
        tails = np.concatenate([each.tails[name] for each in details])
        for level, values in zip(LEVELS, tails.transpose(1, 2, 0), strict=True):
            columns |= {f"{name}_{level_name(level)}{end}": of for end, of in zip(TAIL_ENDS, values, strict=True)}
    names = {column.name for column in declared}
    return {name: _with_gaps(values) for name, values in columns.items() if name in names}


def tails_of(table: "pl.DataFrame", scenario: Scenario) -> dict[str, NDArray[np.float64]]:
    """`Details.tails` from the rows of a target in front.csv."""
    found = {}
    for name in system_of(scenario).units:
        columns = [[f"{name}_{level_name(level)}{end}" for end in TAIL_ENDS] for level in LEVELS]
        if columns[0][0] in table.columns:
            each = [[table[column].fill_null(np.nan).to_numpy() for column in of_level] for of_level in columns]
            found[name] = np.array(each).transpose(2, 0, 1)
    return found


def _with_gaps(values: Values) -> list[float | None]:
    return [None if np.isnan(value) else value for value in np.asarray(values, np.float64).tolist()]


def _of_trainings(fronts: Sequence[Front], objectives: Sequence[str]) -> dict[str, Values]:
    """Columns that tell how much trainings differ, with gaps for targets that are not several."""
    count, intervals = "trainings", [f"{name}_trainings_ci95" for name in objectives]
    rows = [row for front in fronts for row in front.trainings_ci95.tolist()]
    columns: dict[str, Values] = {count: [len(front.trainings) or None for front in fronts for _ in front.preferences]}
    for name, values in zip(intervals, zip(*rows, strict=True), strict=True):
        columns[name] = _with_gaps(values)
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
    several trainings, which are in `trainings`; None where there are not several. `differences` tells of each of
    `MEASURES` how far the target is from greedy, and from lookahead where the sweep has it, on the same episodes.
    """
    names = scenario.objectives
    qualities = assess(fronts, calibration)
    yardsticks = {"greedy": greedy, **{one.target: one for one in fronts if one.target == "lookahead"}}

    def apart(front: Front) -> dict[str, Any]:
        others = {name: one for name, one in yardsticks.items() if name != front.target}
        return {
            name: {key: dataclasses.asdict(one) for key, one in differences(front, other, calibration).items()}
            for name, other in others.items()
        }

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
        return dict(without_nan({**found, "differences": apart(front), "trainings": each or None}))

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
    write_text(path, json.dumps(without_nan(content), indent=2) + "\n")


def without_nan(value: Any) -> Any:
    """The same with None in place of what JSON has no number for."""
    if isinstance(value, Mapping):
        return {key: without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
