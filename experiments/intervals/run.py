"""How often 95 % intervals hold the truth, for every number of a sweep that has one.

    python experiments/intervals/run.py

Greedy, random and the run `e6` play 5,000 episodes of `gmorl-e6`, greedy and universal as many of `personalized-quick`,
over 11 preferences and on common random numbers: a population, whose values are the truth. A third population is made
up: costs whose logarithm is normal, which are more skewed, with noise that targets, preferences and objectives share.
From each so many episodes as a sweep may have are drawn, with replacement, the same ones for all targets, again and
again, and the intervals of the sweep are computed from them. Told are how often they hold the truth, how far off the
estimates are on average, and beside it how often the central 95 % of a plain bootstrap hold it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import click
import numpy as np
from numpy.typing import NDArray

from mecsim.cli import main
from mecsim.policies import Calibration, calibrate
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario
from mecsim.studies.study import Study, experiment
from mecsim.sweep import Estimate, Front, estimates, half_width_95, preference_grid
from mecsim.sweep.details import LEVELS, level_name, quantiles

Array = NDArray[np.float64]

PREFERENCES = 11
EPISODES = (40, 200, 1000)
TARGETS = {"gmorl-e6": ("e6", "random"), "personalized-quick": ("universal",)}  # each beside greedy
POPULATION = 5000  # episodes; as they are drawn with replacement, their means are the truth
REPLICATIONS, RESAMPLES = 2000, 399


@dataclass
class Tally:
    """What the intervals of one number came to."""

    held: list[bool] = field(default_factory=list)
    plain: list[bool] = field(default_factory=list)  # of the percentile bootstrap
    values: list[float] = field(default_factory=list)
    halves: list[float] = field(default_factory=list)

    def row(self, truth: float) -> dict[str, object]:
        """Coverage with its standard error, width against that of an interval by the true deviation, and bias."""
        coverage, spread = float(np.mean(self.held)), float(np.std(self.values))
        row: dict[str, object] = {"replications": len(self.held), "coverage": coverage}
        row |= {"coverage_error": float(np.sqrt(coverage * (1.0 - coverage) / len(self.held)))}
        row |= {"percentile_coverage": float(np.mean(self.plain)) if self.plain else None}
        row |= {"half_width_in_ideal": float(np.mean(self.halves)) / (1.96 * spread) if spread else None}
        apart = float(np.mean(self.values)) - truth
        row |= {"bias_in_deviations": apart / spread if spread else None}
        return row | {"bias": apart / abs(truth) if truth else None}


@experiment(__file__)
@click.option("--replications", type=click.IntRange(10), default=REPLICATIONS, show_default=True)
def run(study: Study, replications: int) -> None:
    """Coverage of 95 % intervals at 40, 200 and 1,000 episodes."""
    rows: list[dict[str, object]] = []
    repeats, sizes = (10, (8, 40)) if study.quick else (replications, EPISODES)
    for name, (fronts, calibration) in _populations(study).items():
        for episodes in sizes:
            click.echo(f"{name}: {episodes} episodes, {repeats} replications", err=True)
            rows += [
                {"population": name, **row} for row in _covered(fronts, calibration, episodes, repeats, study.seed)
            ]
    for episodes in sizes:
        rows += [{"population": "made up", **row} for row in _quantiles(episodes, repeats, study.seed)]
    for trainings in (3, 5, 10):
        rows.append({"population": "made up", **_trainings(trainings, 10 * repeats, study.seed)})
    study.write(rows, resamples=RESAMPLES)
    save_lines(study.out / "intervals.png", "Intervals that hold the truth", list(_panels(rows, sizes)))


def _populations(study: Study) -> dict[str, tuple[Mapping[str, Front], Calibration]]:
    found: dict[str, tuple[Mapping[str, Front], Calibration]] = {}
    for name, targets in TARGETS.items():
        scenario = load_scenario(name)
        folders = {one: study.trained(name, one) if one == "e6" else one for one in (*targets, "greedy")}
        played = study.fronts(list(folders.values()), scenario, PREFERENCES, POPULATION)
        found[name] = dict(zip(folders, played, strict=True)), calibrate(scenario)
    return {**found, "made up": _made_up(study)}


def _made_up(study: Study) -> tuple[Mapping[str, Front], Calibration]:
    """Convex fronts of two targets, one 5 % above the other, with skewed noise that is mostly shared."""
    rng, grid = np.random.default_rng(study.seed), preference_grid(2, PREFERENCES)
    points = (1.3 - grid) ** 2 + 0.2
    episodes = study.episodes(POPULATION)
    shared = rng.normal(0.0, 0.5, (1, episodes, 1))

    def target(name: str, factor: float) -> Front:
        noise = np.exp(shared + rng.normal(0.0, 0.2, (len(grid), episodes, 2)))
        return Front(name, grid, factor * points[:, None] * noise)

    fronts = {"better": target("better", 0.95), "greedy": target("greedy", 1.0)}
    return fronts, Calibration(np.ones(2), np.array([2.5, 2.5]), "made up")


def _covered(
    fronts: Mapping[str, Front], calibration: Calibration, episodes: int, repeats: int, seed: int
) -> list[dict[str, object]]:
    """Of each target, and of its ratio and difference to greedy."""
    truths = {key: one.value for key, one in _numbers(fronts, calibration, 1, 0).items()}
    rng = np.random.default_rng(seed)
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for repeat in range(repeats):
        drawn = rng.integers(fronts["greedy"].totals.shape[1], size=episodes)
        some = {name: Front(name, one.preferences, one.totals[:, drawn]) for name, one in fronts.items()}
        for key, found in _numbers(some, calibration, RESAMPLES, repeat).items():
            low, high = np.quantile(found.resampled, [0.025, 0.975])
            tally = tallies[key]
            tally.held.append(abs(found.value - truths[key]) <= found.ci95)
            tally.plain.append(low <= truths[key] <= high)
            tally.values.append(found.value)
            tally.halves.append(found.ci95)
        for name, one in some.items():
            tally = tallies[name, "mean of an objective"]
            middle = len(one.preferences) // 2
            truth = truths[name, "mean of an objective"] = float(fronts[name].mean[middle, 0])
            tally.values.append(float(one.mean[middle, 0]))
            tally.halves.append(float(one.ci95[middle, 0]))
            tally.held.append(abs(tally.values[-1] - truth) <= tally.halves[-1])
    return [
        {"target": target, "number": number, "episodes": episodes, **tally.row(truths[target, number])}
        for (target, number), tally in tallies.items()
    ]


def _numbers(
    fronts: Mapping[str, Front], calibration: Calibration, resamples: int, seed: int
) -> dict[tuple[str, str], Estimate]:
    """By target and number."""
    each = {name: estimates(front, calibration, resamples, seed) for name, front in fronts.items()}
    found = {(name, measure): one for name, of in each.items() for measure, one in of.items()}
    for name, of in each.items():
        if name != "greedy":
            for measure, one in of.items():
                found[name, f"{measure}, ratio to greedy"] = one / each["greedy"][measure]
                found[name, f"{measure}, difference to greedy"] = one - each["greedy"][measure]
    return found


def _quantiles(episodes: int, repeats: int, seed: int) -> Iterator[dict[str, object]]:
    """Of numbers of episodes, and of tasks, ten an episode, which share a third of their variance."""
    rng = np.random.default_rng(seed)

    def drawn(count: int, tasks: int) -> Array:
        shared = rng.normal(0.0, np.sqrt(0.5), (count, 1))
        return np.exp(shared + (rng.normal(0.0, 1.0, (count, tasks)) if tasks > 1 else 0.0))

    for kind, tasks in (("episodes", 1), ("tasks", 10)):
        deviation = np.sqrt(0.5 + (tasks > 1))
        tallies = [Tally() for _ in LEVELS]
        truths = np.exp(deviation * NORMAL)
        for _ in range(repeats):
            for tally, (value, low, high), truth in zip(
                tallies, quantiles(drawn(episodes, tasks)), truths, strict=True
            ):
                if not np.isnan([low, high]).any():
                    tally.held.append(low <= truth <= high)
                    tally.values.append(value)
                    tally.halves.append((high - low) / 2.0)
        for level, tally, truth in zip(LEVELS, tallies, truths, strict=True):
            if tally.held:  # so few episodes may have no interval
                number = f"{level_name(level)} over {kind}"
                yield {"target": "one", "number": number, "episodes": episodes, **tally.row(float(truth))}


NORMAL = np.array([-1.6448536269514722, 0.0, 1.6448536269514722, 2.3263478740408408])  # its quantiles at `LEVELS`


def _trainings(count: int, repeats: int, seed: int) -> dict[str, object]:
    """Of the mean over so few trainings, whose values are normal."""
    values = np.random.default_rng(seed).normal(1.0, 0.05, (repeats, count))
    halves = half_width_95(values, axis=1)
    tally = Tally(
        (np.abs(values.mean(axis=1) - 1.0) <= halves).tolist(), [], values.mean(axis=1).tolist(), list(halves)
    )
    return {"target": "one", "number": f"mean over {count} trainings", "episodes": None, **tally.row(1.0)}


def _panels(rows: list[dict[str, object]], sizes: tuple[int, ...]) -> Iterator[Panel]:
    """Worst and best coverage of all numbers of a population, by the number of episodes."""
    for label, key in (("studentised bootstrap", "coverage"), ("percentiles", "percentile_coverage")):
        curves = []
        for population in dict.fromkeys(row["population"] for row in rows):
            mine = [row for row in rows if row["population"] == population and row.get(key) is not None]
            for end, of in (("least", min), ("most", max)):
                found = [of(float(str(row[key])) for row in mine if row["episodes"] == size) for size in sizes]
                curves.append(Curve(f"{population}, {end}", list(sizes), found))
        yield Panel("episodes", f"coverage: {label}", curves)


if __name__ == "__main__":
    main(program=run)
