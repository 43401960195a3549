"""How far policies are, at most, from the best that is possible without knowledge of the future.

    python experiments/bound/run.py

`gmorl` with one and with two edges, and `gmorl-e6`: a lower bound of the mean cost that holds for every policy that
does not know the future (information relaxation; Brown, Smith and Sun 2010), beside greedy, lookahead, hindsight, which
knows the future, and any further `--target`, on the same episodes. With `penalty` 0 it bounds those who know the future
as well; else they are charged for using it, in a way that costs no other policy anything on average.

result.csv has a row per number of edges, penalty, preference and target; where `preference_delay` is missing it is that
of the mean over preferences. `above` is cost/bound − 1: by so much the target is above the best possible at most.
Intervals are 95 %, over the episodes, which target and bound have in common.
"""

import click
import numpy as np

from mecsim.cli import main
from mecsim.core.relaxation import Relaxation
from mecsim.core.scenario import Scenario
from mecsim.policies import calibrate
from mecsim.report.charts import Curve, Panel, save_lines
from mecsim.scenario import load_scenario, with_context
from mecsim.studies.study import Study, experiment
from mecsim.sweep import Front
from mecsim.sweep.bounding import Excess, bound_costs, excess, mean_excess

GRID = 5, 16  # preferences and episodes of each, by default
TARGETS = ("greedy", "lookahead", "hindsight")


@experiment(__file__)
@click.option("--target", "more", multiple=True, help="A further policy or the folder of a run; repeatable.")
@click.option(
    "--penalty", "penalties", type=float, multiple=True, default=(0.0,), show_default=True, help="Repeatable."
)
@click.option("--preferences", type=click.IntRange(3), default=GRID[0], show_default=True)
@click.option("--episodes", type=click.IntRange(2), default=GRID[1], show_default=True)
def run(study: Study, more: tuple[str, ...], penalties: tuple[float, ...], preferences: int, episodes: int) -> None:
    """A lower bound for every policy, and how far above it policies are."""
    rows: list[dict[str, object]] = []
    for edges in (1,) if study.quick else (1, 2, 6):
        scenario = _scenario(edges)
        scale = calibrate(scenario).scale
        fronts = study.fronts([*TARGETS, *more], scenario, preferences, episodes)
        grid, count = fronts[0].preferences, fronts[0].totals.shape[1]
        for penalty in penalties:
            click.echo(f"{edges} edges: bound with penalty {penalty:g}", err=True)
            bounds = bound_costs(scenario, grid, Relaxation(study.seed, 0, count, penalty))
            for front in fronts:
                rows += _rows({"edges": edges, "penalty": penalty}, front, excess(front, bounds, scale))
                rows += _rows({"edges": edges, "penalty": penalty}, front, mean_excess(front, bounds, scale))
    study.write(rows)
    panels = []
    for edges in dict.fromkeys(row["edges"] for row in rows):
        curves = []
        for target in dict.fromkeys(row["target"] for row in rows):
            of = [
                row for row in rows
                if row["edges"] == edges and row["target"] == target and row["penalty"] == penalties[0]
                and row["preference_delay"] is not None
            ]  # fmt: skip
            columns = ([row[name] for row in of] for name in ("preference_delay", "above", "above_ci95"))
            curves.append(Curve(str(target), *columns))
        panels.append(Panel("weight of delay", f"above the bound, {edges} edges", curves))
    save_lines(study.out / "bound.png", "Cost above the lower bound for every policy", panels)


def _scenario(edges: int) -> Scenario:
    if edges == 6:
        return load_scenario("gmorl-e6")
    return with_context(load_scenario("gmorl"), {"edges": str(edges), "evaluation.reference": "null"})


def _rows(told: dict[str, object], front: Front, found: Excess) -> list[dict[str, object]]:
    """A row per preference, or one for their mean."""
    mean = len(found.cost) < len(front.preferences)
    return [
        {
            **told,
            "preference_delay": None if mean else float(front.preferences[k, 0]),
            "target": front.label,
            "episodes": front.totals.shape[1],
            "bound": float(found.bound[k]),
            "bound_ci95": float(found.bound_ci95[k]),
            "cost": float(found.cost[k]),
            "above": float(found.share[k]),
            "above_ci95": float(found.share_ci95[k]),
        }
        for k in np.arange(len(found.cost))
    ]


if __name__ == "__main__":
    main(program=run)
