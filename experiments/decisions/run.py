"""How far the answers of `mecsim choose` and `mecsim compare` can be trusted: coverage of their intervals.

    python experiments/decisions/run.py

Choosing: `gmorl-e6`, a run and greedy, 11 preferences, 40 lots of 100 episodes, each a sweep of its own. In each lot
the preference is chosen that meets a target with least energy: the delay per task, or its 95 % quantile over tasks, at
most half-way from the least of both fronts to their median. That it is the one of brute force is checked on the stored
files; that its intervals hold, on 10,000 fresh episodes. Comparing: 100 pairs of lots, greedy against greedy on other
episodes.
"""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from mecsim.cli import main
from mecsim.core.scenario import Scenario
from mecsim.policies import calibrate
from mecsim.report.charts import save_bars
from mecsim.scenario import load_scenario
from mecsim.studies.study import Study, experiment
from mecsim.sweep import (
    Choice,
    Front,
    Goal,
    Limit,
    Side,
    Store,
    choose_preference,
    compare_sides,
    read_sweep,
    summary,
    sweep,
    write_results,
    yardsticks,
)

LOTS, PAIRS, EPISODES, FRESH = 40, 100, 100, 10_000
FRESH_SEED = 1_000_000
TARGETS = ("delay_per_task_s", "task_delay_s_p95")


@experiment(__file__)
def run(study: Study) -> None:
    """Coverage of the intervals of choices and comparisons."""
    scenario = load_scenario("gmorl-e6")
    targets = [study.trained("gmorl-e6", "e6"), "greedy"]
    lots, pairs = (4, 4) if study.quick else (LOTS, PAIRS)
    count = 8 if study.quick else EPISODES

    def fronts(names: list[str], episodes: int, seed: int) -> list[Front]:
        return sweep(names, scenario, study.grid(scenario, 11), episodes, seed, store=Store(study.runs / "parts"))

    truth = fronts(targets, 40 if study.quick else FRESH, FRESH_SEED)
    swept = [fronts(targets, count, study.seed + lot) for lot in range(lots)]
    rows = [_chosen(name, swept, truth, scenario) for name in TARGETS]
    rows += _compared([fronts(["greedy"], count, study.seed + lot)[0] for lot in range(2 * pairs)], scenario)
    save_bars(
        study.out / "decisions.png",
        "How often answers hold (0.95 expected)",
        "share",
        *_shares(rows),
    )
    study.write(rows, lots=lots, pairs=pairs, episodes=count, fresh_episodes=truth[0].totals.shape[1], targets=targets)


def _shares(rows: list[dict[str, object]]) -> tuple[list[str], list[float], list[float]]:
    """Of each row's counts of what was asked: labels, shares and half widths of their intervals."""
    labels, shares, halves = [], [], []
    for row in rows:
        asked = int(str(row["asked"]))
        for name, value in row.items():
            if name.endswith("held") or name == "no_difference":
                share = int(str(value)) / max(1, asked)
                what = str(row["question"]).split(" --minimize")[0].removeprefix("compare greedy greedy, ")
                labels.append(f"{what}: {name.removeprefix('intervals_of_the_').removesuffix('_that_held')}")
                shares.append(share)
                halves.append(1.96 * float(np.sqrt(share * (1.0 - share) / max(1, asked))))
    return labels, shares, halves


def _chosen(name: str, swept: list[list[Front]], truth: list[Front], scenario: Scenario) -> dict[str, object]:
    """How often brute force chose the same, and how often the true values lay in the intervals."""
    true_known = yardsticks(scenario, truth)
    spanned = np.concatenate([true_known[name].estimates(front).value for front in truth])
    level = float((spanned.min() + np.median(spanned)) / 2.0)
    same, made, held = 0, 0, {name: 0, "energy": 0}
    for lot in swept:
        known = yardsticks(scenario, lot)
        found = choose_preference(lot, [Limit(known[name], True, level)], Goal(known["energy"], True))
        if not isinstance(found, Choice):
            continue
        made += 1
        same += _brute_force(lot, name, level, scenario) == (found.front.target, found.index)
        (played,) = (front for front in truth if front.target == found.front.target)
        for each in held:
            reached = found.reached(known[each])
            held[each] += reached.low <= true_known[each].estimates(played).value[found.index] <= reached.high
    return {
        "question": f"choose --max {name} --minimize energy",
        "asked": made,
        "as_brute_force": same,
        "intervals_of_the_target_that_held": held[name],
        "intervals_of_the_energy_that_held": held["energy"],
        "limit": level,
    }


def _brute_force(lot: list[Front], name: str, level: float, scenario: Scenario) -> tuple[str, int] | None:
    """The choice by the files of the sweep alone."""
    with tempfile.TemporaryDirectory() as folder:
        calibration = calibrate(scenario)
        write_results(Path(folder), lot, scenario, summary(lot, lot[-1], scenario, calibration, {"seed": 0}))
        if name.startswith("task_"):
            front = pl.read_csv(Path(folder) / "front.csv")
            told = front.with_columns(
                pl.int_range(pl.len()).over("target").alias("preference"), pl.col(name).alias("at")
            )
            told = told.select("target", "preference", "at", pl.col("energy_mean").alias("energy"))
        else:
            told = (
                pl.read_parquet(Path(folder) / "episodes.parquet")
                .group_by("target", "preference")
                .agg(pl.col(name).drop_nans().mean().alias("at"), pl.col("energy_j").mean().alias("energy"))
            )
        assert read_sweep(folder).fronts[0].target == lot[0].target
        fitting = told.filter(pl.col("at") <= level).sort("energy")
        return None if fitting.is_empty() else (str(fitting["target"][0]), int(fitting["preference"][0]))


def _compared(lots: list[Front], scenario: Scenario) -> list[dict[str, object]]:
    """How often chance alone made no difference between two lots of one policy."""
    calibration, pairs = calibrate(scenario), len(lots) // 2
    undecided = dict.fromkeys(("hypervolume", "mean_cost", "expected_utility"), 0)
    for one_lot, other_lot in zip(lots[:pairs], lots[pairs:], strict=True):
        pair = (Side(one_lot, scenario, calibration, 0), Side(other_lot, scenario, calibration, 1))
        for name, one in compare_sides(*pair).measures.items():
            undecided[name] += abs(one.difference) <= one.ci95
    return [
        {"question": f"compare greedy greedy, {name}", "asked": pairs, "no_difference": found}
        for name, found in undecided.items()
    ]


if __name__ == "__main__":
    main(program=run)
