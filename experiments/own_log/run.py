"""What an operator's own log is worth: deciding by it, against knowing personas only, and against knowing all.

    python experiments/own_log/run.py --num-threads 1

`hidden.yaml` has people of whom mecsim knows nothing: own personas, places, applications and zones. They leave a log as
an operator may have it: text ids, other names of columns, rates in Mbit/s, whole ratings from 1 to 5, 30 % of them
missing, nothing about activities. `mecsim fit` makes of it a predictor, the people and a scenario. Then the same
episodes of the hidden people are played three times, by greedy with what it knows of them:

- `oracle`: their true zones; nobody can know more.
- `log`: what was learnt from the log.
- `typical`: the true zone of their persona, but not how they differ from it.

`result.csv` has satisfaction and saving at a few weights, with differences to `typical` that are paired by episode, and
the mean cost over all preferences relative to `typical`. Rows of the world `estimated` are the same in the scenario
that `fit` wrote: what the operator sees before anything is deployed. `people.csv` compares the levels of people that
`fit` found with the true ones.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mecsim.cli import main
from mecsim.cli.fit import fit
from mecsim.core.system import values_shown
from mecsim.people.dataset import write_dataset
from mecsim.people.known import read_people, true_people, write_people
from mecsim.people.people import draw_people_of
from mecsim.policies import calibrate
from mecsim.predictor.read import check_data_packages
from mecsim.report.charts import save_fronts
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep import Front, compared
from mecsim.sweep.front import half_width_95
from mecsim.systems.cells.scenario import CellsScenario

Array = NDArray[np.float64]

HIDDEN = Path(__file__).with_name("hidden.yaml")
SEED = 11  # of the hidden people
DAYS, MISSING = 28, 0.3
PREFERENCES, EPISODES = 21, 400
SHOWN_WEIGHTS = (0.3, 0.5, 0.7)  # of satisfaction
COLUMNS = {  # ours, and what the operator calls them
    "user": "customer", "date": "when", "persona": "tariff", "place": "where", "application": "service",
    "duration_s": "seconds", "min_rate_mbit_per_s": "least", "demand_rate_mbit_per_s": "wanted",
    "given_rate_mbit_per_s": "given", "rating": "stars",
}  # fmt: skip


@experiment(__file__)
def run(study: Study) -> None:
    """A log of hidden people, and what deciding by it brings them."""
    check_data_packages("pyarrow", "lightgbm")
    folder = study.runs / "own_log"
    folder.mkdir(parents=True, exist_ok=True)
    truth, log, learnt = folder / "truth.csv", folder / "log.csv", folder / "own.safetensors"
    days = 4 if study.quick else DAYS
    _leave_a_log(truth, log, days)
    _fit(log, learnt, folder)
    told = {"users.from": str(truth), "satisfaction.spread": "0.25"}  # the default: people of a file need none
    world = {"hidden": with_context(load_scenario(HIDDEN), told)}
    world["estimated"] = load_scenario(learnt.with_suffix(".yaml"))
    rows: list[dict[str, object]] = []
    for name, scenario in world.items():
        assert isinstance(scenario, CellsScenario)
        fronts = _played(study, scenario, {"oracle": "oracle", "log": str(learnt), "typical": "typical"})
        rows += _rows(name, scenario, fronts)
        drawn = [replace(front, target=knows) for knows, front in fronts.items()]
        save_fronts(study.out / f"{name}.png", drawn, scenario)
    study.write(rows, people=SEED, days=days, missing_ratings=MISSING)
    study.write(_levels(truth, learnt.with_suffix(".csv")), "people")


def _leave_a_log(truth: Path, log: Path, days: int) -> None:
    """Who the people truly are, with text ids, and what the operator has written down."""
    hidden = load_scenario(HIDDEN)
    assert isinstance(hidden, CellsScenario)
    people = true_people(
        draw_people_of(hidden.population, hidden.satisfaction, hidden.users.count, SEED), hidden.population
    )
    write_people(truth, people | {"user": [f"c-{number:04}" for number in range(hidden.users.count)]})
    whole = log.with_suffix(".parquet")
    write_dataset(
        whole, hidden.population, hidden.satisfaction, users=read_people(str(truth)), days=days, seed=SEED,
        levels=hidden.levels,
    )  # fmt: skip
    frame = pl.read_parquet(whole).with_columns(
        pl.format("{} {}", "date", "time").alias("date"),
        *(
            (pl.col(f"{rate}_rate_kbit_per_s") / 1e3).alias(f"{rate}_rate_mbit_per_s")
            for rate in ("min", "demand", "given")
        ),
        (1.0 + 0.8 * pl.col("satisfaction_noisy")).round().cast(pl.Int64).alias("rating"),
    )
    missing = np.random.default_rng([SEED, 2]).random(len(frame)) < MISSING
    frame = frame.with_columns(pl.when(pl.Series(missing)).then(None).otherwise("rating").alias("rating"))
    frame.select(pl.col(ours).alias(theirs) for ours, theirs in COLUMNS.items()).write_csv(log)


def _fit(log: Path, learnt: Path, folder: Path) -> None:
    """`mecsim fit`, as the operator calls it."""
    network = folder / "network.yaml"
    text = HIDDEN.read_text(encoding="utf-8")
    begin, end = text.index("population:"), text.index("evaluation:")
    network.write_text(text[:begin] + text[end:], encoding="utf-8")  # the cell, and nothing about people
    named = [f"--column={ours}={theirs}" for ours, theirs in COLUMNS.items()]
    options = ["--scale=1..5", f"--scenario={network}", f"--out={learnt}", "--force", "--num-threads=1"]
    fit.main([str(log), *named, *options], standalone_mode=False)


def _played(study: Study, scenario: CellsScenario, predictors: Mapping[str, str]) -> dict[str, Front]:
    """Greedy over the preferences, by what it knows, on common episodes."""
    return {
        name: study.fronts(
            ["greedy"], with_context(scenario, {"satisfaction.predictor": predictor}), PREFERENCES, EPISODES
        )[0]
        for name, predictor in predictors.items()
    }


def _rows(world: str, scenario: CellsScenario, fronts: Mapping[str, Front]) -> list[dict[str, object]]:
    calibration, typical, rows = calibrate(scenario), fronts["typical"], []
    for knows, front in fronts.items():
        told = compared(front, typical, calibration, "typical")
        for weight in SHOWN_WEIGHTS:
            k = int(np.abs(front.preferences[:, 0] - weight).argmin())
            row: dict[str, object] = {"world": world, "knows": knows, "weight_of_satisfaction": front.preferences[k, 0]}
            values, usual = (values_shown(one.totals[k], scenario) for one in (front, typical))
            for column, name in enumerate(scenario.objectives):
                difference = values[:, column] - usual[:, column]
                row |= {name: values[:, column].mean(), f"{name}_ci95": half_width_95(values[:, column])}
                row |= {
                    f"{name}_over_typical": difference.mean(),
                    f"{name}_over_typical_ci95": half_width_95(difference),
                }
            cost, own = (_cost(one.totals[k], front.preferences[k], calibration.scale) for one in (typical, front))
            row |= {"cost_below_typical": (cost - own).mean(), "cost_below_typical_ci95": half_width_95(cost - own)}
            row |= {key: told[key] for key in ("mean_cost_to_typical", "mean_cost_to_typical_ci95")}
            rows.append({key: value if isinstance(value, str) else float(value) for key, value in row.items()})
    return rows


def _cost(totals: Array, preference: Array, scale: Array) -> Array:
    """The scalarised cost of each episode, (E,)."""
    return np.asarray(totals / scale @ preference)


def _levels(truth: Path, found: Path) -> list[dict[str, object]]:
    """For each persona and level: by how much people differ, and by how much what was found misses them."""
    true = pl.read_csv(truth).join(pl.read_csv(found), on="user", suffix="_found")
    rows: list[dict[str, object]] = []
    for (persona,), people in true.group_by("persona", maintain_order=True):
        for level in ("adequate", "desired"):
            error = (people[f"{level}_found"] - people[level]).to_numpy()
            told = people[f"{level}_deviation"].to_numpy()
            rows.append(
                {"persona": persona, "level": level, "people": len(people), "spread": people[level].std(),
                 "common_error": error.mean(), "error": error.std(ddof=1), "told": np.sqrt((told**2).mean())}
            )  # fmt: skip
    return [{key: v if isinstance(v, (str, int)) else float(v) for key, v in row.items()} for row in rows]  # type: ignore[call-overload]


if __name__ == "__main__":
    main(program=run)
